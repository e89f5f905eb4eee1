//! `cargo xtask test`: everything that must be right, the same on a laptop and in continuous integration.

mod steps;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only these steps
    #[arg(value_name = "STEP")]
    only: Vec<String>,
    /// Stop at the first step that fails
    #[arg(long)]
    fail_fast: bool,
}

/// What became of one step: how many checks passed and failed, or why it did not run.
#[derive(Debug, Default)]
struct Outcome {
    passed: u64,
    failed: u64,
    skipped: Option<String>,
}

impl Outcome {
    fn one(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed), skipped: None }
    }

    fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::default() }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    for name in &args.only {
        let known: Vec<_> = steps::ALL.iter().map(|(step, _)| *step).collect();
        anyhow::ensure!(
            known.contains(&name.as_str()),
            "there is no step `{name}`; the steps are {}",
            known.join(", ")
        );
    }
    let (mut passed, mut failed) = (0, 0);
    let mut closing = Vec::new();
    for (name, step) in steps::ALL {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step().unwrap_or_else(|error| {
            println!("{error:#}");
            Outcome::one(false)
        });
        passed += outcome.passed;
        failed += outcome.failed;
        let result = match (&outcome.skipped, outcome.failed) {
            (Some(why), _) => format!("not run: {why}"),
            (None, 0) => format!("ok, {} passed", outcome.passed),
            (None, wrong) => format!("FAILED, {} passed, {wrong} failed", outcome.passed),
        };
        closing.push(format!("{name:<12} {result} ({:.1} s)", start.elapsed().as_secs_f64()));
        if args.fail_fast && outcome.failed > 0 {
            break;
        }
    }
    println!("\n{}\n{passed} passed, {failed} failed", closing.join("\n"));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
