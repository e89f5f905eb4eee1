//! The `llm-gateway` command: what can be said, and what is done about it.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod admin_key;
mod args;
mod audit;
mod check;
mod explain;
mod failure;
mod import;
mod journal;
mod key;
mod limit;
mod log;
mod migrate;
mod open;
mod organization;
mod output;
mod price;
mod serve;
mod team;
mod tenant;
mod usage;
mod user;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use failure::Failure;

use crate::author::Author;

/// The command's whole life, from its arguments to its exit code.
///
/// It is in the library so that all that it awaits is compiled once, here, and not again in the binary.
pub fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Does what the command line says.
fn run(args: Args) -> Result<(), Failure> {
    let config = args.config.overrides();
    match args.command {
        Command::Serve(serve) => serve::run(&serve.overrides(config)),
        Command::Check { schema: true } => check::schema(),
        Command::Check { schema: false } => check::run(&config),
        Command::Explain { model } => once(explain::run(&model, &config)),
        Command::Key(command) => once(key::run(command, &config)),
        Command::Organization(command) => once(organization::run(command, &config)),
        Command::Team(command) => once(team::run(command, &config)),
        Command::User(command) => once(user::run(command, &config)),
        Command::Limit(command) => once(limit::run(command, &config)),
        Command::Price(command) => once(price::run(command, &config)),
        Command::Usage(args) => once(usage::run(args, &config)),
        Command::Audit(args) => once(audit::run(args, &config)),
        Command::Migrate => once(migrate::run(&config)),
        Command::Journal(command) => once(journal::run(&command, &config)),
        Command::Import(command) => once(import::run(command, &config)),
        Command::AdminKey(command) => once(admin_key::run(&command, &config)),
    }
}

/// Runs a command that does one thing and ends.
fn once(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(Author::CommandLine.does(work))
}
