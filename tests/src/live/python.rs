//! Programs in Python that drive a gateway with the official SDKs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::TestGateway;

/// The interpreter that has the official SDKs: `LLM_TEST_PYTHON`, or the one that `cargo xtask test` made.
fn interpreter() -> PathBuf {
    let made = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/sdks/bin/python");
    let python = std::env::var_os("LLM_TEST_PYTHON").map_or_else(made, PathBuf::from);
    assert!(
        python.exists(),
        "there is no Python with the official SDKs at `{}`\nhint: run `cargo xtask test`, which installs them and \
         runs every test; after that, single tests find them",
        python.display()
    );
    python
}

/// Runs `tests/python/PROGRAM` against a gateway with the environment that the SDKs read, and gives the JSON that it
/// prints.
pub async fn python(gateway: &TestGateway, key: &str, program: &str, arguments: &[&str]) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut command = Command::new(interpreter());
    command.arg("-B").arg(folder.join(program)).args(arguments);
    // Nothing of the machine's own settings reaches the SDKs.
    command.env_clear();
    command.envs([("OPENAI_API_KEY", key), ("ANTHROPIC_API_KEY", key), ("ANTHROPIC_BASE_URL", &gateway.url)]);
    command.envs([("GEMINI_API_KEY", key), ("GOOGLE_GEMINI_BASE_URL", &gateway.url)]);
    command.env("OPENAI_BASE_URL", format!("{}/v1", gateway.url));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "`{program}` failed\n{complaints}\n{said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("`{program}` printed no JSON: {error}\n{said}"))
}
