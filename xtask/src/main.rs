//! Every chore a maintainer does more than once: `cargo xtask CHORE`.

mod bench;
mod catalogue;
mod configuration;
mod fidelity;
mod node;
mod oracle;
mod providers;
mod python;
mod run;
mod servers;
mod soak;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about, disable_help_subcommand = true)]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run everything that must be right, as the continuous integration does
    Test(test::Args),
    /// Replay recorded traffic, and compare our requests with the official SDKs'
    Fidelity(fidelity::Args),
    /// Check what neither compiler nor lint checks
    Tidy,
    /// Measure the gateway beside a bare proxy
    Bench(bench::Args),
    /// Run what takes too long for the tests
    Soak(soak::Args),
    /// Run a command while private servers for tests are there
    Servers(servers::Args),
    /// Make what the official SDKs send anew
    Oracle(oracle::Args),
    /// Make the page of the configuration from the types that read it
    Configuration(configuration::Args),
    /// Make the page of providers from the provider table
    Providers(providers::Args),
    /// Make the catalogue of models, windows and prices anew from its sources
    Catalogue(catalogue::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    match Xtask::parse().chore {
        Chore::Test(args) => test::run(&args),
        Chore::Fidelity(args) => fidelity::run(&args),
        Chore::Tidy => tidy::run(),
        Chore::Bench(args) => bench::run(&args),
        Chore::Soak(args) => soak::run(&args),
        Chore::Servers(args) => servers::run(&args),
        Chore::Oracle(args) => oracle::run(&args),
        Chore::Configuration(args) => configuration::run(&args),
        Chore::Providers(args) => providers::run(&args),
        Chore::Catalogue(args) => catalogue::run(&args).map(|()| ExitCode::SUCCESS),
    }
}
