//! `docs/fidelity.md`: what the run over the customary folders found, as a page to read.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use llm_tests::known::Known;

use crate::tally::Tally;

/// The columns of a provider's recorded exchanges, and what each says.
pub(crate) const COLUMNS: [(&str, &str); 8] = [
    (
        "lossless",
        "answers and streams that are read and written again without a difference, cut streams said to be cut",
    ),
    ("usage", "answers whose counts of tokens are the provider's own"),
    ("requests", "requests that are read and sent again without a difference"),
    ("errors", "errors whose kind, message and code survive"),
    ("passing", "bodies that pass byte for byte with usage seen on the side"),
    ("native", "answers that are the same through a gateway's own protocol"),
    ("translated", "answers that are valid in every other protocol"),
    (
        "mutated",
        "exchanges that lose nothing when unknown members, unknown values and another order of members are put into \
         them at random, several times",
    ),
];

/// What the page is made of.
#[derive(Default)]
pub(crate) struct Page {
    recorded: String,
    requests: String,
    passed_over: String,
    recordings: usize,
}

impl Page {
    /// A provider's recorded exchanges of one interface; `sums` in the order of [`COLUMNS`].
    pub(crate) fn recorded(&mut self, provider: &str, api: &str, exchanges: usize, sums: &[String]) {
        self.recordings += exchanges;
        // Writing to a text can't fail.
        let _ = writeln!(self.recorded, "| {provider} | {api} | {exchanges} | {} |", sums.join(" | "));
    }

    /// What an SDK sends beside what we do.
    pub(crate) fn requests(&mut self, folder: &str, intents: usize, equal: usize, refused: usize) {
        let other = intents - equal - refused;
        let _ = writeln!(self.requests, "| {folder} | {intents} | {equal} | {refused} | {other} |");
    }

    /// What was not looked at, and why.
    pub(crate) fn passed_over(&mut self, line: &str) {
        let _ = writeln!(self.passed_over, "- {line}");
    }

    /// Writes the page, or says in the tally where the one that stands there is another.
    pub(crate) fn settle(&self, path: &Path, write: bool, known: &Known, tally: &mut Tally<'_>) -> Result<()> {
        let text = self.text(known);
        if write {
            return std::fs::write(path, text).with_context(|| format!("can't write `{}`", path.display()));
        }
        if std::fs::read_to_string(path).ok().as_deref() != Some(text.as_str()) {
            tally.short("`docs/fidelity.md` is not what this run finds; write it anew with `--write`");
        }
        Ok(())
    }

    fn text(&self, known: &Known) -> String {
        let mut out = String::from(
            "# Fidelity\n\n\
             Written by `cargo xtask fidelity --write`, checked by every run of it.\n\
             The exchanges are real traffic that others recorded; the requests are what each provider's official SDK puts on the wire for the same intent.\n\n\
             ## Recorded exchanges\n\n",
        );
        for (name, meaning) in COLUMNS {
            let _ = writeln!(out, "- *{name}*: {meaning}.");
        }
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(out, "\n| provider | interface | exchanges | {} |", names.join(" | "));
        let _ = writeln!(out, "| --- | --- | --- |{}", " --- |".repeat(names.len()));
        let _ = writeln!(out, "{}\n{} exchanges in all.", self.recorded, self.recordings);
        out.push_str("\n## Requests beside the official SDKs'\n\n");
        out.push_str("*Refused* are intents that the provider has nothing for: we name the parameter, as does the SDK's documentation.\n\n");
        out.push_str("| SDK | intents | equal | refused | different |\n| --- | --- | --- | --- | --- |\n");
        let _ = writeln!(out, "{}\n## Known differences\n", self.requests);
        let mut any = false;
        for entry in known.entries() {
            any = true;
            let _ = writeln!(out, "- `{}`, {}: {}.", entry.case, entry.promise, entry.reason);
        }
        if !any {
            out.push_str("None.\n");
        }
        let _ = write!(
            out,
            "\n## Not looked at\n\n{}",
            if self.passed_over.is_empty() { "Nothing.\n" } else { &self.passed_over }
        );
        out
    }
}
