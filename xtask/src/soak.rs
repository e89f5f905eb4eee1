//! `cargo xtask soak NAME`: what takes too long for every run of the tests, by hand and before a release.

mod fuzz;
mod traffic;

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Subcommand;

use crate::run::{cargo, hand_on, must};
use crate::servers::Servers;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    name: Name,
}

#[derive(Subcommand)]
enum Name {
    /// Run every fuzz target for a while, each from its corpus
    Fuzz(fuzz::Args),
    /// Kill the gateway under load, again and again, and look for calls that are lost or charged twice
    Kill9(Kill9),
    /// Fill limits of every scope and meter: in one process, on three replicas, and on three that lose Redis
    Limits(Limits),
    /// Stop PostgreSQL and Redis under load and start them again, and look for calls that failed, are lost or counted twice
    Outage(Outage),
    /// Replay traffic with providers that other projects have recorded, from their packages
    Traffic(traffic::Args),
    /// Measure how long a year of usage takes to open, on both engines
    Usage(Usage),
}

#[derive(clap::Args)]
struct Kill9 {
    /// How often.
    #[arg(long, default_value_t = 50)]
    rounds: u32,
    /// Build without optimization: quick to build, slow to run
    #[arg(long)]
    dev: bool,
}

#[derive(clap::Args)]
struct Limits {
    /// Build without optimization: quick to build, slow to run
    #[arg(long)]
    dev: bool,
}

#[derive(clap::Args)]
struct Outage {
    /// For how many seconds each is away by itself, and then both.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Build without optimization: quick to build, slow to run
    #[arg(long)]
    dev: bool,
}

#[derive(clap::Args)]
struct Usage {
    /// How many calls the year has.
    #[arg(long, default_value_t = 5_000_000)]
    calls: u64,
    /// How many keys make them.
    #[arg(long, default_value_t = 25)]
    keys: u64,
    /// Build without optimization: quick to build, slow to run
    #[arg(long)]
    dev: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.name {
        Name::Fuzz(args) => fuzz::run(args),
        Name::Kill9(args) => kill9(args),
        Name::Limits(args) => limits(args),
        Name::Outage(args) => outage(args),
        Name::Traffic(args) => traffic::run(args),
        Name::Usage(args) => usage(args),
    }
}

/// On either engine, one after the other.
fn kill9(args: &Kill9) -> Result<ExitCode> {
    let servers = Servers::start()?;
    for engine in ["sqlite", "postgres"] {
        println!("\n== {engine}");
        let mut command = llm_tests("test", args.dev);
        command.args(["--test", "kill9", "--", "--nocapture"]);
        command.arg("no_call_is_lost_or_charged_twice_when_the_process_is_killed");
        command.env("LLM_TEST_KILLS", args.rounds.to_string()).env("LLM_TEST_ENGINE", engine);
        must(servers.tell(&mut command))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// On either engine, one after the other.
fn limits(args: &Limits) -> Result<ExitCode> {
    let servers = Servers::start()?;
    for engine in ["sqlite", "postgres"] {
        println!("\n== {engine}");
        let mut command = llm_tests("test", args.dev);
        command.args(["--test", "limits", "--", "--nocapture", "--test-threads", "1", "matrix::"]);
        command.env("LLM_TEST_MATRIX", "all").env("LLM_TEST_ENGINE", engine);
        must(servers.tell(&mut command))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn outage(args: &Outage) -> Result<ExitCode> {
    let mut command = llm_tests("test", args.dev);
    command.args(["--test", "database", "--", "--nocapture", "calls_go_on_while_postgres_and_redis_are_away"]);
    let servers = Servers::start()?;
    hand_on(servers.tell(command.env("LLM_TEST_OUTAGE", args.seconds.to_string())))
}

fn usage(args: &Usage) -> Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("llm-usage-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let servers = Servers::start()?;
    let sqlite = format!("sqlite://{}", folder.join("usage.db").display());
    for (engine, url) in [("SQLite", sqlite), ("PostgreSQL", servers.database())] {
        println!("\n== {engine}");
        let mut command = llm_tests("run", args.dev);
        command.args(["--quiet", "--bin", "usage", "--"]);
        command.args(["--calls", &args.calls.to_string(), "--keys", &args.keys.to_string(), "--database", &url]);
        must(&mut command)?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(ExitCode::SUCCESS)
}

/// What runs something of the package that holds what crosses crates.
fn llm_tests(does: &str, dev: bool) -> Command {
    let mut command = cargo(&[does, "--package", "llm-tests"]);
    if !dev {
        command.arg("--release");
    }
    command
}
