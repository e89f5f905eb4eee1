//! From the start of the process to its first answer.

use std::path::Path;

use anyhow::Result;

use super::program::{Prepared, Program};

pub(crate) fn print(binary: &Path, upstream: &Program, rounds: usize) -> Result<()> {
    let prepared = Prepared::new(binary, upstream)?;
    let mut times = Vec::new();
    for _ in 0..rounds.max(1) {
        times.push(prepared.time_to_first_answer(binary)?.as_secs_f64() * 1e3);
    }
    let first = times[0];
    times.sort_by(f64::total_cmp);
    println!(
        "\nstart to first answer: median {:.0} ms, first {first:.0} ms (goal: under 150 ms)",
        times[times.len() / 2]
    );
    Ok(())
}
