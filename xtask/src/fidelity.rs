//! `cargo xtask fidelity`: recorded traffic and official SDKs against our codecs. The work is done in `llm-tests`.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::run::{cargo, hand_on};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Handed on: --recordings DIR, --oracle DIR, --require, --accept, --only TEXT, --verbose
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut command = cargo(&["run", "--quiet", "--package", "llm-tests", "--bin", "fidelity", "--"]);
    // Folders are meant from where the person stands, and the program runs in the workspace's folder.
    let here = std::env::current_dir()?;
    let absolute = |option: &OsString| {
        let path = here.join(option);
        if path.is_dir() { path.into_os_string() } else { option.clone() }
    };
    hand_on(command.args(args.options.iter().map(absolute)))
}
