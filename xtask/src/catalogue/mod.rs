//! `cargo xtask catalogue`: makes the catalogue's data file from its two sources.
//!
//! The sources are read as facts and written in our own form, `models.tsv`; what they don't agree on is listed in
//! `docs/catalogue-differences.md`. Builds use the committed files and need none of this.

mod decimal;
mod facts;
mod genai;
mod litellm;
mod merge;
mod places;
mod searches;
mod write;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// LiteLLM's price list, which stands beside the repository and not in it.
const LITELLM: &str = "../shared/prices/litellm.json";
const DATA: &str = "crates/llm-providers/src/catalogue/models.tsv";
const DIFFERENCES: &str = "docs/catalogue-differences.md";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// LiteLLM's price list [default: ../shared/prices/litellm.json beside the repository]
    #[arg(long, value_name = "FILE")]
    litellm: Option<PathBuf>,
    /// A wheel of `genai-prices`; downloaded by pip where none is given
    #[arg(long, value_name = "WHEEL")]
    genai: Option<PathBuf>,
    /// The day whose prices are taken, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    as_of: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in no workspace")?;
    let list = args.litellm.clone().unwrap_or_else(|| root.join(LITELLM));
    let text = std::fs::read_to_string(&list).with_context(|| {
        format!(
            "LiteLLM's price list was not found at `{}`\nhint: builds use the committed `{DATA}`; to make it anew, say \
             where the list is with `--litellm FILE`",
            list.display()
        )
    })?;
    let as_of = args.as_of.clone().map_or_else(today, Ok)?;

    let litellm = litellm::read(&text)?;
    let wheel = genai::Wheel::get(args.genai.as_deref())?;
    let genai = genai::read(&wheel, &as_of, litellm.keys())?;
    let catalogue = merge::merge(litellm, genai);

    let header = write::Header { as_of: &as_of, genai: wheel.version() };
    std::fs::write(root.join(DATA), write::data(&header, &catalogue))?;
    std::fs::write(root.join(DIFFERENCES), write::differences(&header, &catalogue))?;
    println!(
        "{} models and {} further names, {} differences, as of {as_of}",
        catalogue.models.len(),
        catalogue.aliases.len(),
        catalogue.differences.len()
    );
    Ok(())
}

/// Today in UTC. The civil date of a day number, as Howard Hinnant's `civil_from_days` computes it.
fn today() -> Result<String> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400;
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}
