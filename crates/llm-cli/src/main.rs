//! The `llm` command: ad-hoc prompts to any model.
//!
//! Answers go to standard output and nothing else does. Exit codes: 0 answered, 1 provider or network error, 2 wrong
//! usage.

mod answering;
mod args;
mod attachment;
mod conversation;
mod failure;
mod model;
mod models;
mod output;
mod prompt;
mod providers;
mod question;
mod table;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(args: Args) -> Result<(), Failure> {
    // One call at a time waits for one socket; a single thread starts fastest.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            None => prompt::run(args.prompt).await,
            Some(Command::Prompt(prompt)) => prompt::run(prompt).await,
            Some(Command::Chat(args)) => conversation::run(args).await,
            Some(Command::Models(args)) => models::run(&args).await,
            Some(Command::Providers(args)) => providers::run(&args),
            Some(Command::Usage(args)) => usage::run(&args).await,
        }
    })
}
