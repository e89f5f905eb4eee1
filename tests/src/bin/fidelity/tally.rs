//! What held and what fell short, told as it comes and summed up at the end.

use std::collections::BTreeMap;

use llm_tests::known::Known;

/// The sums of one run.
pub(crate) struct Tally<'a> {
    known: &'a Known,
    verbose: bool,
    cases: u64,
    promises: u64,
    held: u64,
    excused: u64,
    short: u64,
    by_promise: BTreeMap<String, (u64, u64)>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(known: &'a Known, verbose: bool) -> Self {
        let by_promise = BTreeMap::new();
        Self { known, verbose, cases: 0, promises: 0, held: 0, excused: 0, short: 0, by_promise }
    }

    /// One more exchange or intent.
    pub(crate) fn case(&mut self) {
        self.cases += 1;
    }

    /// One promise of a case, with what differs. Returns the lines to print below the case's group.
    pub(crate) fn promise(&mut self, case: &str, promise: &str, found: &[String]) -> Vec<String> {
        self.promises += 1;
        let sums = self.by_promise.entry(promise.to_owned()).or_default();
        sums.1 += 1;
        if found.is_empty() {
            self.known.holds(case, promise);
            self.held += 1;
            sums.0 += 1;
            return Vec::new();
        }
        let (mark, reason) = match self.known.excuse(case, promise) {
            Some(reason) => {
                self.excused += 1;
                ("known", format!(" ({reason})"))
            }
            None => {
                self.short += 1;
                ("SHORT", String::new())
            }
        };
        let mut lines = vec![format!("  {mark} {case} {promise}{reason}")];
        let shown = if self.verbose { found.len() } else { 3 };
        lines.extend(found.iter().take(shown).map(|what| format!("        {what}")));
        if found.len() > shown {
            lines.push(format!("        and {} more", found.len() - shown));
        }
        lines
    }

    /// A shortfall of the run itself.
    pub(crate) fn short(&mut self, what: &str) {
        self.short += 1;
        println!("  SHORT {what}");
    }

    /// Prints the sums; whether anything fell short that is not known.
    pub(crate) fn finish(mut self) -> bool {
        let stale: Vec<_> = self.known.stale().map(|entry| format!("{} {}", entry.case, entry.promise)).collect();
        for entry in stale {
            self.short(&format!("{entry}: on the list of known differences, and yet it holds: take it off"));
        }
        println!();
        for (promise, (held, all)) in &self.by_promise {
            println!("{promise:<12} {held} of {all}");
        }
        println!(
            "total: {} cases, {} of {} promises hold, {} known differences, {} shortfalls",
            self.cases, self.held, self.promises, self.excused, self.short
        );
        self.short > 0
    }
}
