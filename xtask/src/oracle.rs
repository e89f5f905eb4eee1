//! `cargo xtask oracle`: runs the official SDKs against a loopback server and keeps what they send as compact data.
//!
//! The intents are ours (`tests/oracle/intents.json`); the program that drives the SDKs stands beside the repository.
//! The data is committed, so that the tests of a clone that stands alone have it.

mod compact;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::python;
use crate::run::{must, root};

/// Each Python environment, and the providers whose SDKs it holds.
const ENVIRONMENTS: &[(&str, &str, &[&str])] = &[
    (
        "oracle",
        "requirements.txt",
        &[
            "openai",
            "openai_responses",
            "anthropic",
            "ollama",
            "bedrock",
            "bedrock_anthropic",
            "gemini",
            "vertex",
            "vertex_anthropic",
            "cohere",
            "mistral",
            "azure",
            "azure_v1",
            "huggingface",
        ],
    ),
    (
        "oracle-older",
        "requirements-legacy.txt",
        &["anthropic_2023_06_01", "bedrock_anthropic_2023_05_31", "vertex_anthropic_2023_10_16"],
    ),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder with `capture.py` and its requirements [default: ../shared/oracle beside the repository]
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let root = root();
    let from = args.from.clone().unwrap_or_else(|| root.join("../shared/oracle"));
    let capture = from.join("capture.py");
    anyhow::ensure!(
        capture.is_file(),
        "there is no `{}`\nhint: the committed data under `tests/oracle` needs none; to make it anew, say where \
         `capture.py` stands with `--from DIR`",
        capture.display()
    );
    let data = root.join("tests/oracle");
    let raw = root.join("target/oracle");
    for (name, requirements, providers) in ENVIRONMENTS {
        let python = python::environment(name, &from.join(requirements))?;
        let mut command = Command::new(python);
        command.arg(&capture).arg("--intents").arg(data.join("intents.json")).arg("--out").arg(&raw);
        must(command.args(["--only", &providers.join(",")]))?;
        for provider in *providers {
            write(&raw.join(provider), &data.join(format!("{provider}.json")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(captured: &Path, file: &Path) -> Result<()> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(captured)
        .with_context(|| format!("nothing was captured in `{}`", captured.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut expectations = Vec::new();
    for path in &paths {
        let text = std::fs::read(path)?;
        let captured: serde_json::Value =
            serde_json::from_slice(&text).with_context(|| format!("`{}` is not JSON", path.display()))?;
        expectations.push(compact::expectation(captured));
    }
    std::fs::write(file, compact::file(&expectations)?).with_context(|| format!("can't write `{}`", file.display()))?;
    println!("{}: {} expectations", file.display(), expectations.len());
    Ok(())
}
