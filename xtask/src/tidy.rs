//! `cargo xtask tidy`: habits that neither compiler nor lint checks.

mod files;
mod lock;
mod markdown;
mod rust;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

pub(crate) fn run() -> Result<ExitCode> {
    let found = check(&crate::run::root())?;
    found.iter().for_each(|line| println!("{line}"));
    println!("{} untidy places", found.len());
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every untidy place below `root`, as `file:line: what`.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in files::below(root)? {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        found.extend(files::name(&name));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let mut tell = |line: usize, what: &str| found.push(format!("{name}:{line}: {what}"));
        files::text(&text, &mut tell);
        if name.ends_with(".rs") {
            rust::check(&name, &text, &mut tell);
        } else if name.ends_with(".md") {
            markdown::check(&text, &mut tell);
        }
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("can't read `Cargo.lock`")?;
    found.extend(lock::check(&lock).into_iter().map(|what| format!("Cargo.lock: {what}")));
    Ok(found)
}

#[cfg(test)]
mod tests;
