//! The `llm-gateway` command: parse, run, exit code.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// Faster than the system's under the gateway's load, by measurement.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(cli::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
