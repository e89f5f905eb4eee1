//! Prints `docs/providers.md` as the provider table says it, or writes it.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use llm_tests::providers_page::page;

#[derive(Parser)]
#[command(about = "Make the page of providers from the provider table")]
struct Args {
    /// Write the page in the place of the one that stands there.
    #[arg(long)]
    write: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/providers.md");
    if Args::parse().write {
        std::fs::write(place, page())?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_fresh = std::fs::read_to_string(place).is_ok_and(|stands| stands == page());
    println!("{}", if is_fresh { "docs/providers.md is as the table says" } else { "docs/providers.md is stale" });
    Ok(if is_fresh { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
