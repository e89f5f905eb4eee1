//! Writing to standard output, which a program may read: in one piece, and without a word that is not the answer.

use std::io::{Write, stdout};

use serde::Serialize;

use super::Failure;

/// Writes a text.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a line.
pub(super) fn line(line: &str) -> Result<(), Failure> {
    text(&format!("{line}\n"))
}

/// Writes a value as indented JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).map_err(Failure::new)?;
    line(&json)
}

/// Writes rows whose columns begin at the same place. The first row is the head.
pub(super) fn table(rows: &[impl AsRef<[String]>]) -> Result<(), Failure> {
    text(&lines(rows))
}

/// The same on standard error, beside an answer on standard output.
pub(super) fn table_on_standard_error(rows: &[impl AsRef<[String]>]) {
    eprint!("{}", lines(rows));
}

fn lines(rows: &[impl AsRef<[String]>]) -> String {
    let mut widths = vec![0; rows.iter().map(|row| row.as_ref().len()).max().unwrap_or_default()];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut lines = String::new();
    for row in rows {
        let cells = row.as_ref().iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        lines.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        lines.push('\n');
    }
    lines
}
