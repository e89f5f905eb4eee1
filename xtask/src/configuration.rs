//! `cargo xtask configuration`: the page of the configuration, from the types that read it. The work is done in `llm-tests`.

use std::process::ExitCode;

use anyhow::Result;

use crate::run::{cargo, hand_on};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the page; without it, only say whether it is stale.
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut command = cargo(&["run", "--quiet", "--package", "llm-tests", "--bin", "configuration", "--"]);
    hand_on(command.args(args.write.then_some("--write")))
}
