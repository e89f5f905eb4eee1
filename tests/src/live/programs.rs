//! Programs that drive a gateway with real clients, in Python and in Node.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::TestGateway;

/// What runs a program: each has its own set of clients, for not all can be installed beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Python, with the clients of `tests/python/requirements.txt`.
    Python,
    /// Python, with those that need older SDKs, of `tests/python/requirements-older.txt`.
    OlderPython,
    /// Node, with the packages of `tests/node/package.json`.
    Node,
}

impl Runtime {
    /// A command that runs `program`, which stands in `tests/python` or `tests/node`.
    fn command(self, program: &str) -> Command {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (python, node) = (own.join("python").join(program), installed("node/programs").join(program));
        match self {
            Self::Python => command("python/sdks/bin/python", &["-B"], &python),
            Self::OlderPython => command("python/older/bin/python", &["-B"], &python),
            // The programs are seen through a link that stands beside the packages, for that is where Node looks for
            // them.
            Self::Node => command("node/bin/node", &["--preserve-symlinks", "--preserve-symlinks-main"], &node),
        }
    }
}

/// A path below the folder that `cargo xtask test` installs the clients in.
fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(path)
}

fn command(interpreter: &str, flags: &[&str], program: &Path) -> Command {
    let interpreter = installed(interpreter);
    assert!(
        interpreter.exists(),
        "the clients that this test calls with are not installed: there is no `{}`\nhint: run `cargo xtask test`, which \
         installs them and runs every test; after that, single tests find them",
        interpreter.display()
    );
    let mut command = Command::new(interpreter);
    command.args(flags).arg(program);
    command
}

/// Runs a program against a gateway with the environment that the clients read, and gives the JSON that it prints.
pub async fn run(runtime: Runtime, gateway: &TestGateway, key: &str, program: &str, arguments: &[&str]) -> Value {
    let mut command = runtime.command(program);
    // Nothing of the machine's own settings reaches the clients.
    command.args(arguments).env_clear();
    command.envs([("OPENAI_API_KEY", key), ("ANTHROPIC_API_KEY", key), ("ANTHROPIC_BASE_URL", &gateway.url)]);
    command.envs([("GEMINI_API_KEY", key), ("GOOGLE_GEMINI_BASE_URL", &gateway.url)]);
    command.env("OPENAI_BASE_URL", format!("{}/v1", gateway.url));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "`{program}` failed\n{complaints}\n{said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("`{program}` printed no JSON: {error}\n{said}"))
}
