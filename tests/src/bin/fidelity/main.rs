//! Replays every recorded exchange and compares every intent with the official SDK's request.
//!
//! A line per provider and operation, each shortfall with its file, and a total. Exits with 1 on a shortfall that is
//! not on the list of known differences, with 2 where a folder was demanded and is not there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use llm_tests::exchange::SHARED;
use llm_tests::known::Known;

mod oracle;
mod page;
mod recordings;
mod tally;

use page::Page;
use tally::Tally;

#[derive(Parser)]
#[command(about = "Replay recorded traffic, and compare requests with the official SDKs'")]
struct Args {
    /// Folder of recorded exchanges.
    #[arg(long)]
    recordings: Option<PathBuf>,
    /// Folder of intents and of what SDKs sent for them.
    #[arg(long)]
    oracle: Option<PathBuf>,
    /// Look at cases only whose name holds this, such as `gemini/embeddings`.
    #[arg(long)]
    only: Option<String>,
    /// Fail where a folder is not there.
    #[arg(long)]
    require: bool,
    /// Write the list of what is not replayed anew.
    #[arg(long)]
    accept: bool,
    /// Write `docs/fidelity.md` anew.
    #[arg(long)]
    write: bool,
    /// Show every difference of a shortfall instead of the first three.
    #[arg(long)]
    verbose: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = tests.join("..").join(SHARED);
    let known = Known::read(&tests.join("known-differences.toml"))?;
    let mut tally = Tally::new(&known, args.verbose);
    let mut page = Page::default();
    let mut missing = 0;
    let mut passed_over = Vec::new();

    let folder = args.recordings.clone().unwrap_or_else(|| shared.join("recordings"));
    if folder.is_dir() {
        passed_over.extend(recordings::run(&folder, args.only.as_deref(), &mut tally, &mut page)?);
    } else {
        println!("no recordings: there is no folder `{}`", folder.display());
        missing += 1;
    }
    let folder = args.oracle.clone().unwrap_or_else(|| shared.join("oracle"));
    if args.oracle.is_none() && args.recordings.is_some() {
        // Who names the one folder asks for no other.
    } else if folder.is_dir() {
        passed_over.extend(oracle::run(&folder, args.only.as_deref(), &mut tally, &mut page)?);
    } else {
        println!("no oracle: there is no folder `{}`", folder.display());
        missing += 1;
    }

    // The committed list and page are about the customary folders; other folders hold what they hold.
    if missing == 0 && args.only.is_none() && args.recordings.is_none() && args.oracle.is_none() {
        compare_list(&tests.join("not-replayed.txt"), &passed_over, args.accept, &mut tally)?;
        passed_over.iter().for_each(|line| page.passed_over(line));
        page.settle(&tests.join("../docs/fidelity.md"), args.write, &known, &mut tally)?;
    }

    let demanded = args.require || args.recordings.is_some() || args.oracle.is_some();
    let fell_short = tally.finish();
    Ok(match (fell_short, missing) {
        (true, _) => ExitCode::from(1),
        (false, 1..) if demanded => ExitCode::from(2),
        (false, 1..) => {
            println!("nothing was demanded, so what is missing does not count; the repository's own tests stand alone");
            ExitCode::SUCCESS
        }
        _ => ExitCode::SUCCESS,
    })
}

/// Holds what was passed over against the committed list, or writes the list anew.
fn compare_list(list: &Path, passed_over: &[String], accept: bool, tally: &mut Tally<'_>) -> Result<()> {
    let lines: String = passed_over.iter().map(|line| format!("{line}\n")).collect();
    if accept {
        return std::fs::write(list, lines).with_context(|| format!("can't write `{}`", list.display()));
    }
    let listed = std::fs::read_to_string(list).unwrap_or_default();
    let only_in = |a: &str, b: &str| -> Vec<String> {
        a.lines().filter(|line| !b.lines().any(|other| other == *line)).map(str::to_owned).collect()
    };
    for line in only_in(&lines, &listed) {
        tally.short(&format!("{line}: not on the list in `tests/not-replayed.txt`; see `--accept`"));
    }
    for line in only_in(&listed, &lines) {
        tally.short(&format!("{line}: on the list in `tests/not-replayed.txt`, and no longer so; see `--accept`"));
    }
    Ok(())
}
