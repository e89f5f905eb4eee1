//! The steps, in order: what is quick to fail comes first.

use anyhow::Result;

use super::Outcome;
use crate::run::{cargo, is_there, root, succeeds, watched};
use crate::servers::Servers;
use crate::{node, python, tidy};

/// What released binaries are built with, so that it is tested, too.
const CLOUDS: &str = "--features=llm-gateway/clouds,llm-cli/clouds";

/// One step.
type Step = fn() -> Result<Outcome>;

/// Every step, in order.
pub(super) const ALL: &[(&str, Step)] = &[
    ("format", format),
    ("tidy", tidy),
    ("clippy", clippy),
    ("tests", tests),
    ("postgres", postgres),
    ("doc-tests", doc_tests),
    ("docs", docs),
    ("deny", deny),
];

fn format() -> Result<Outcome> {
    Ok(Outcome::one(succeeds(&mut cargo(&["fmt", "--all", "--", "--check"]))?))
}

fn tidy() -> Result<Outcome> {
    let found = tidy::check(&root())?;
    found.iter().for_each(|line| println!("{line}"));
    Ok(Outcome::one(found.is_empty()))
}

fn clippy() -> Result<Outcome> {
    let mut command = cargo(&["clippy", "--workspace", CLOUDS, "--all-targets", "--quiet", "--", "-D", "warnings"]);
    Ok(Outcome::one(succeeds(&mut command)?))
}

/// Unit and integration tests, and what those need that drive the gateway with real clients.
fn tests() -> Result<Outcome> {
    python::environment("sdks", &root().join("tests/python/requirements.txt"))?;
    python::environment("older", &root().join("tests/python/requirements-older.txt"))?;
    node::environment()?;
    run_tests("sqlite", &[])
}

/// The same tests again with their databases on PostgreSQL: of the packages that have any, where the runner can choose
/// without building everything anew.
fn postgres() -> Result<Outcome> {
    run_tests("postgres", &["--filterset", "package(llm-gateway) + package(llm-tests)"])
}

/// Runs tests; those that can run on either engine run on `engine`. Only `cargo-nextest` can choose some.
fn run_tests(engine: &str, chosen: &[&str]) -> Result<Outcome> {
    let mut command = if is_there("cargo-nextest", "--version") {
        let mut command = cargo(&["nextest", "run", "--workspace", CLOUDS, "--no-fail-fast"]);
        command.args(chosen);
        command
    } else {
        println!("`cargo-nextest` is not installed, so `cargo test` runs the tests");
        cargo(&["test", "--workspace", CLOUDS, "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    let servers = Servers::start()?;
    count(servers.tell(command.env("LLM_TEST_ENGINE", engine).env("INSTA_UPDATE", "no")))
}

fn doc_tests() -> Result<Outcome> {
    count(&mut cargo(&["test", "--workspace", CLOUDS, "--doc", "--no-fail-fast"]))
}

fn docs() -> Result<Outcome> {
    let mut command = cargo(&["doc", "--workspace", CLOUDS, "--no-deps", "--document-private-items", "--quiet"]);
    Ok(Outcome::one(succeeds(command.env("RUSTDOCFLAGS", "-D warnings"))?))
}

fn deny() -> Result<Outcome> {
    if !is_there("cargo-deny", "--version") {
        return Ok(Outcome::skipped("`cargo-deny` is not installed; `tidy` has looked at the banned crates"));
    }
    Ok(Outcome::one(succeeds(&mut cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]))?))
}

/// Runs tests and counts what they say of themselves. A run that fails without a failed test counts as one.
fn count(command: &mut std::process::Command) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let succeeded = watched(command, |line| {
        if line.trim_start().starts_with("Summary [") || line.starts_with("test result:") {
            outcome.passed += number_before(line, "passed");
            outcome.failed += number_before(line, "failed") + number_before(line, "timed out");
        }
    })?;
    if !succeeded && outcome.failed == 0 {
        outcome.failed = 1;
    }
    Ok(outcome)
}

/// The number that stands before `word` in a line such as `12 passed; 0 failed`.
fn number_before(line: &str, word: &str) -> u64 {
    let Some(at) = line.find(word) else { return 0 };
    let digits = line[..at].trim_end().rsplit(|letter: char| !letter.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
