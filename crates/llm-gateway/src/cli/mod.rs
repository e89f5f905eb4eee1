//! The command line: what can be said, and what is done about it.

mod admin_key;
mod args;
mod check;
mod explain;
mod failure;
mod import;
mod journal;
mod key;
mod log;
mod migrate;
mod open;
mod output;
mod serve;

pub(crate) use args::Args;
use args::Command;
use failure::Failure;
use llm_gateway::author::Author;

/// Does what the command line says.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let config = args.config.overrides();
    match args.command {
        Command::Serve(serve) => serve::run(&serve.overrides(config)),
        Command::Check => check::run(&config),
        Command::Explain { model } => explain::run(&model, &config),
        Command::Key(command) => once(key::run(command, &config)),
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
