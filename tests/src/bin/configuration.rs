//! Says whether `docs/configuration.md` is as the types of the configuration say it, or writes it.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use llm_tests::configuration_page::page;

#[derive(Parser)]
#[command(about = "Make the page of the configuration from the types that read it")]
struct Args {
    /// Write the page in the place of the one that stands there.
    #[arg(long)]
    write: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if Args::parse().write {
        std::fs::write(place, page())?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_fresh = std::fs::read_to_string(place).is_ok_and(|stands| stands == page());
    println!(
        "{}",
        if is_fresh { "docs/configuration.md is as the types say" } else { "docs/configuration.md is stale" }
    );
    Ok(if is_fresh { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
