//! `cargo xtask soak traffic`: recorded traffic that our codecs were not written beside.
//!
//! Other projects keep recordings of their calls of providers in the source distributions of their packages. They are
//! fetched, replayed by the same rules as our own, and not kept.

use std::process::{Command, ExitCode};

use anyhow::Result;

use super::llm_tests;
use crate::python;
use crate::run::{hand_on, must, root};

/// Packages whose source distributions hold recordings, pinned.
const PACKAGES: [&str; 37] = [
    "chatlas==0.23.0",
    "crewai==1.9.3",
    "langchain-anthropic==1.7.10",
    "langchain-aws==1.9.1",
    "langchain-community==1.0.0a1",
    "langchain-groq==1.1.3",
    "langchain-openai==1.7.4",
    "langsmith==0.15.0",
    "langtrace-python-sdk==3.8.21",
    "magentic==0.41.1",
    "mirascope==2.8.2",
    "openinference-instrumentation-bedrock==0.1.61",
    "openinference-instrumentation-dspy==0.1.48",
    "openinference-instrumentation-google-genai==1.4.14",
    "openinference-instrumentation-langchain==0.1.80",
    "openinference-instrumentation-litellm==0.1.51",
    "openinference-instrumentation-llama-index==4.6.1",
    "openinference-instrumentation-mistralai==2.2.2",
    "openinference-instrumentation-pydantic-ai==0.1.30",
    "opentelemetry-instrumentation-anthropic==0.62.4",
    "opentelemetry-instrumentation-bedrock==0.62.4",
    "opentelemetry-instrumentation-cohere==0.62.4",
    "opentelemetry-instrumentation-google-genai==1.3b0",
    "opentelemetry-instrumentation-google-generativeai==0.62.4",
    "opentelemetry-instrumentation-groq==0.62.4",
    "opentelemetry-instrumentation-langchain==0.62.4",
    "opentelemetry-instrumentation-llamaindex==0.62.4",
    "opentelemetry-instrumentation-mistralai==0.62.4",
    "opentelemetry-instrumentation-ollama==0.62.4",
    "opentelemetry-instrumentation-openai-agents==0.62.4",
    "opentelemetry-instrumentation-openai-v2==2.4b0",
    "opentelemetry-instrumentation-openai==0.62.4",
    "opentelemetry-instrumentation-together==0.62.4",
    "opentelemetry-instrumentation-vertexai==2.2b0",
    "opentelemetry-instrumentation-voyageai==0.62.4",
    "opentelemetry-instrumentation-writer==0.62.4",
    "traceloop-sdk==0.62.4",
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what the package of this name holds.
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// Build without optimization: quick to build, slow to run
    #[arg(long)]
    dev: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let here = root().join("xtask/src/soak");
    let python = python::environment("traffic", &here.join("traffic-requirements.txt"))?;
    let folder = root().join("target/traffic");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let is_wanted = |package: &&str| args.package.as_ref().is_none_or(|name| package.starts_with(&format!("{name}==")));
    let packages = PACKAGES.into_iter().filter(is_wanted);
    must(Command::new(python).arg(here.join("traffic.py")).arg(&folder).args(packages))?;
    let mut command = llm_tests("run", args.dev);
    command.args(["--quiet", "--bin", "fidelity", "--", "--recordings"]);
    hand_on(command.arg(&folder))
}
