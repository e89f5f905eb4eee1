//! `llm-gateway import`: coming from another gateway.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::args::{ImportCommand, LitellmArgs};
use super::{Failure, open, output};
use crate::config::Overrides;
use crate::litellm::{self, Outcome, Plan, Report};
use crate::store::Db;

pub(super) async fn run(command: ImportCommand, overrides: &Overrides) -> Result<(), Failure> {
    match command {
        ImportCommand::Litellm(args) => from_litellm(args, overrides).await,
    }
}

async fn from_litellm(args: LitellmArgs, overrides: &Overrides) -> Result<(), Failure> {
    let text = fs::read_to_string(&args.file)
        .map_err(|error| Failure::new(format!("`{}` can't be read: {error}", args.file.display())))?;
    let mut report = Report::default();
    let plan = Plan::read(&text, &mut report)?;
    plan.check(&mut report);
    let toml = plan.to_toml();
    match &overrides.config {
        Some(file) => place(file, &toml, args.dry_run, &mut report)?,
        None => output::text(&toml)?,
    }
    if let Some(url) = &args.from_database {
        let db = database(overrides, args.dry_run).await?;
        litellm::import(url, &db, &plan, args.dry_run, &mut report).await?;
        db.close().await;
    }
    let rows = rows(&report);
    match &overrides.config {
        Some(_) => output::table(&rows)?,
        // Standard output is the file, and nothing else.
        None => output::table_on_standard_error(&rows),
    }
    let refused = report.count(Outcome::Refused);
    if refused > 0 {
        let what = if refused == 1 { "one setting" } else { "settings" };
        let count = if refused == 1 { String::new() } else { format!("{refused} ") };
        return Err(Failure::new(format!("{count}{what} could not be taken over"))
            .with_hint("the table says which, and why; the rest was taken over"));
    }
    Ok(())
}

/// The database of this gateway: that of the flag, the environment, or the file where it stands. A dry run makes none.
async fn database(overrides: &Overrides, dry_run: bool) -> Result<Db, Failure> {
    let overrides = Overrides { config: overrides.config.clone().filter(|file| file.exists()), ..overrides.clone() };
    let database = open::for_database(&overrides)?.database;
    let missing = !open::is_there(&database);
    Ok(Db::open(if dry_run && missing { "sqlite::memory:" } else { database.url() }).await?)
}

/// Writes the file where there is none. One that stands is never written over: somebody may have changed it.
fn place(file: &Path, toml: &str, dry_run: bool, report: &mut Report) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("`{}` can't be written: {error}", file.display()));
    match fs::read_to_string(file) {
        Ok(there) if there == toml => return Ok(()),
        Ok(_) => {
            let why = "it stands already and says something else; it was left as it is";
            report.add(file.display().to_string(), Outcome::Refused, why);
            return Ok(());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if dry_run {
        return Ok(());
    }
    // It may hold credentials, as the file that it came from did.
    let mut open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    open.write_all(toml.as_bytes()).map_err(failed)
}

fn rows(report: &Report) -> Vec<[String; 3]> {
    let head = ["SETTING", "OUTCOME", "WHAT BECAME OF IT"].map(str::to_owned);
    let row = |(finding, times): (&crate::litellm::Finding, usize)| {
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        [finding.place.clone(), finding.outcome.to_string(), format!("{}{times}", finding.reason)]
    };
    std::iter::once(head).chain(report.findings().map(row)).collect()
}
