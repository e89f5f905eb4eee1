//! Every chore a maintainer does more than once: `cargo xtask CHORE`.

mod catalogue;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about, disable_help_subcommand = true)]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make the catalogue of models, windows and prices anew from its sources
    Catalogue(catalogue::Args),
}

fn main() -> anyhow::Result<()> {
    match Xtask::parse().chore {
        Chore::Catalogue(args) => catalogue::run(&args),
    }
}
