//! `cargo xtask soak fuzz`: every target under coverage guidance, for a stated time each.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, is_there, must, root, watched};

/// The most memory that a target may use, in MiB: a small input that needs more is a finding.
const MEMORY: u32 = 2048;
/// The longest that one input may take, in seconds.
const PATIENCE: u32 = 10;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Only the targets whose name contains this.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// How many targets run at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

/// What became of one target.
struct Ran {
    target: String,
    /// Inputs that were tried.
    tried: u64,
    is_clean: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if !is_there("cargo-fuzz", "--version") {
        must(cargo(&["install", "cargo-fuzz", "--locked"]).env_remove("CARGO_TARGET_DIR"))?;
    }
    let targets = targets(args.target.as_deref())?;
    must(&mut cargo_fuzz(&["build"]))?;
    let start = Instant::now();
    let mut ran = Vec::new();
    for batch in targets.chunks(args.jobs.max(1)) {
        let batch: Result<Vec<Ran>> = std::thread::scope(|scope| {
            let running: Vec<_> = batch.iter().map(|target| scope.spawn(|| fuzz(target, args.seconds))).collect();
            running.into_iter().map(|one| one.join().map_err(|_| anyhow::anyhow!("a thread failed"))?).collect()
        });
        ran.extend(batch?);
    }
    println!("\n{:<28} {:>14}  finding", "target", "inputs");
    for Ran { target, tried, is_clean } in &ran {
        println!("{target:<28} {tried:>14}  {}", if *is_clean { "none" } else { "yes, under fuzz/artifacts" });
    }
    let found = ran.iter().filter(|ran| !ran.is_clean).count();
    println!(
        "{} targets, {} s each, {} s in all, {found} with a finding",
        ran.len(),
        args.seconds,
        start.elapsed().as_secs()
    );
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The targets, by their files.
fn targets(wanted: Option<&str>) -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let files = std::fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?;
    let names = files.filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()));
    let mut names: Vec<_> = names.filter(|name| wanted.is_none_or(|wanted| name.contains(wanted))).collect();
    names.sort();
    ensure!(!names.is_empty(), "no fuzz target has such a name");
    Ok(names)
}

/// Instrumentation is not yet stable, so the stable compiler must be told to take its flags.
fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(["fuzz"]).args(arguments).env("RUSTC_BOOTSTRAP", "1");
    command
}

fn fuzz(target: &str, seconds: u32) -> Result<Ran> {
    // New inputs go to a folder that is not committed; those of the corpus are only read.
    let fresh = root().join("fuzz/target/inputs").join(target);
    std::fs::create_dir_all(&fresh)?;
    let (fresh, corpus) = (path(&fresh), format!("fuzz/corpus/{target}"));
    let limits = [
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY}"),
        format!("-timeout={PATIENCE}"),
        "-print_final_stats=1".to_owned(),
        "-verbosity=0".to_owned(),
    ];
    let mut command = cargo_fuzz(&["run", target, &fresh, &corpus, "--"]);
    let mut tried = 0;
    let is_clean = watched(command.args(limits), |line| {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            tried = count.trim().parse().unwrap_or(0);
        }
    })?;
    Ok(Ran { target: target.to_owned(), tried, is_clean })
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
