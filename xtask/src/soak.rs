//! `cargo xtask soak NAME`: what takes too long for every run of the tests, by hand and before a release.

mod fuzz;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::run::{cargo, hand_on};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    name: Name,
}

#[derive(Subcommand)]
enum Name {
    /// Run every fuzz target for a while, each from its corpus
    Fuzz(fuzz::Args),
    /// Kill the gateway under load, again and again, and look for calls that are lost or charged twice
    Kills(Kills),
}

#[derive(clap::Args)]
struct Kills {
    /// How often.
    #[arg(long, default_value_t = 50)]
    rounds: u32,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.name {
        Name::Fuzz(args) => fuzz::run(args),
        Name::Kills(args) => kills(args),
    }
}

fn kills(args: &Kills) -> Result<ExitCode> {
    let mut command = cargo(&["test", "--release", "--package", "llm-tests", "--test", "kill9", "--"]);
    command.args(["--nocapture", "no_call_is_lost_or_charged_twice_when_the_process_is_killed"]);
    hand_on(command.env("LLM_TEST_KILLS", args.rounds.to_string()))
}
