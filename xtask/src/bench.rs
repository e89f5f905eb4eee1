//! `cargo xtask bench`: the gateway beside a bare proxy. The work is done in `llm-tests`.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::run::{cargo, hand_on, must};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Handed on: --rounds N, --seconds N, --case NAME
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    must(&mut cargo(&["build", "--release", "--package", "llm-gateway", "--bin", "llm-gateway"]))?;
    must(&mut cargo(&["build", "--release", "--package", "llm-tests", "--bin", "bench"]))?;
    let mut command = cargo(&["run", "--quiet", "--release", "--package", "llm-tests", "--bin", "bench", "--"]);
    hand_on(command.args(&args.options))
}
