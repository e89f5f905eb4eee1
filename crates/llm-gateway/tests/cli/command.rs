//! Runs the command in a folder of its own, with nothing of this machine's environment.

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder that commands run in.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// With a configuration file.
    pub(crate) fn configured(text: &str) -> Self {
        let place = Self::new();
        place.write("llm-gateway.toml", text);
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// With an environment variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-gateway"));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command that must succeed writes to standard output.
    pub(crate) fn stdout(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Status, standard output and standard error in one text. What is different every time is replaced.
    pub(crate) fn shown(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = |bytes: &[u8]| mask(&String::from_utf8_lossy(bytes));
        let status = output.status.code().unwrap();
        format!("status: {status}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr))
    }
}

/// Replaces ids and secrets, each by its kind, and days by one of the same length.
pub(crate) fn mask(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        for (prefix, length) in
            [("key_", 32), ("team_", 32), ("limit_", 32), ("org_", 32), ("user_", 32), ("sk-admin-", 43), ("sk-", 43)]
        {
            line = mask_after(&line, prefix, length);
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn mask_after(line: &str, prefix: &str, length: usize) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(prefix) {
        let (before, after) = rest.split_at(at + prefix.len());
        out.push_str(before);
        let random = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        rest = after;
        if random == length {
            out.push('…');
            rest = &after[length..];
        }
    }
    out + rest
}
