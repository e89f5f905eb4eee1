//! Runs the real binary in an environment of its own.

use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

/// One call of `llm`.
pub(crate) struct Llm {
    command: Command,
    input: Vec<u8>,
}

/// `llm` with these arguments, no standard input and nothing in the environment.
pub(crate) fn llm(args: &[&str]) -> Llm {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm"));
    command.env_clear().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Llm { command, input: Vec::new() }
}

impl Llm {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    pub(crate) fn run(mut self) -> Outcome {
        let mut child = self.command.spawn().unwrap();
        // The command may end without reading; what it then says is the point.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        let output = child.wait_with_output().unwrap();
        Outcome {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl From<Llm> for Command {
    fn from(llm: Llm) -> Self {
        llm.command
    }
}

/// What a call came to, as the snapshots show it.
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        writeln!(f, "status: {status}\n--- stdout\n{}--- stderr\n{}---", self.stdout, self.stderr)
    }
}
