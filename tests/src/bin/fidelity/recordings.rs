//! Every recorded exchange, by provider and interface.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use llm_core::codec::ChatProtocol;
use llm_core::{OperationKind, Protocol};
use llm_providers::{protocols, registry};
use llm_tests::exchange::{Exchange, files_below};
use llm_tests::replay::operation::{mutate as mutate_operation, replay as replay_operation};
use llm_tests::replay::{Outcome, Promise, Spoken, mutate, quirks_of, replay, spoken};

use crate::page::{COLUMNS, Page};
use crate::tally::Tally;

/// How often each recording is mutated.
const SEEDS: u64 = 4;

/// Replays what stands below `folder`; returns what was passed over, with the reason.
pub(crate) fn run(folder: &Path, only: Option<&str>, tally: &mut Tally<'_>, page: &mut Page) -> Result<Vec<String>> {
    let mut groups: BTreeMap<(String, String), Vec<(PathBuf, Exchange)>> = BTreeMap::new();
    for path in files_below(folder)? {
        if only.is_some_and(|only| !path.to_string_lossy().contains(only)) {
            continue;
        }
        let exchange = Exchange::read(&path)?;
        groups.entry((exchange.provider.clone(), exchange.api.clone())).or_default().push((path, exchange));
    }
    println!("recordings\n");
    let mut passed_over = Vec::new();
    for ((provider, api), exchanges) in &groups {
        if let Spoken::Operation(kind, protocol) = spoken(provider, api) {
            if let Err(reason) = operation(folder, provider, api, (kind, protocol), exchanges, tally, page) {
                passed_over.push((format!("{provider}/{api}: {reason}"), exchanges.len()));
            }
            continue;
        }
        match codec(provider, api) {
            Err(reason) => passed_over.push((format!("{provider}/{api}: {reason}"), exchanges.len())),
            Ok(codec) => group(folder, provider, api, codec, exchanges, tally, page),
        }
    }
    println!("\nnot replayed");
    for (line, count) in &passed_over {
        println!("  {count:>3} {line}");
    }
    println!();
    Ok(passed_over.into_iter().map(|(line, _)| line).collect())
}

fn codec(provider: &str, api: &str) -> Result<&'static dyn ChatProtocol, String> {
    match spoken(provider, api) {
        Spoken::Chat(protocol) => {
            protocols::chat(protocol).ok_or_else(|| format!("the protocol `{protocol}` is not built"))
        }
        Spoken::Operation(kind, _) => Err(format!("`{kind}` is replayed by itself")),
        Spoken::Other(what) => Err(format!("{what}: not built")),
    }
}

/// The sums of one line.
#[derive(Default)]
struct Sums(BTreeMap<&'static str, (u64, u64)>);

impl Sums {
    fn count(&mut self, name: &'static str, holds: Option<bool>) {
        let Some(holds) = holds else { return };
        let (held, all) = self.0.entry(name).or_default();
        *all += 1;
        *held += u64::from(holds);
    }

    fn text(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| "-".to_owned(), |(held, all)| format!("{held}/{all}"))
    }
}

fn group(
    folder: &Path,
    provider: &str,
    api: &str,
    codec: &dyn ChatProtocol,
    exchanges: &[(PathBuf, Exchange)],
    tally: &mut Tally<'_>,
    page: &mut Page,
) {
    let mut sums = Sums::default();
    let mut lines = Vec::new();
    for (path, exchange) in exchanges {
        tally.case();
        let case = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let quirks = registry::row(provider).map_or_else(|| quirks_of(provider), |row| row.quirks.clone());
        let mut outcome = replay(exchange, codec, quirks.clone());
        outcome.note(Promise::Mutation, mutate(exchange, codec, &quirks, 0..SEEDS));
        count(&outcome, &mut sums);
        for (promise, found) in &outcome.promises {
            lines.extend(tally.promise(&case, promise.as_str(), found));
        }
    }
    tell(provider, api, exchanges.len(), &sums, &lines, page);
}

fn tell(provider: &str, api: &str, exchanges: usize, sums: &Sums, lines: &[String], page: &mut Page) {
    let columns: Vec<_> = COLUMNS.iter().map(|(name, _)| format!("{name} {}", sums.text(name))).collect();
    println!("{:<26} {:>3} replayed  {}", format!("{provider}/{api}"), exchanges, columns.join("  "));
    lines.iter().for_each(|line| println!("{line}"));
    page.recorded(provider, api, exchanges, &COLUMNS.map(|(name, _)| sums.text(name)));
}

fn operation(
    folder: &Path,
    provider: &str,
    api: &str,
    (kind, protocol): (OperationKind, Protocol),
    exchanges: &[(PathBuf, Exchange)],
    tally: &mut Tally<'_>,
    page: &mut Page,
) -> Result<(), String> {
    let mut sums = Sums::default();
    let mut lines = Vec::new();
    for (path, exchange) in exchanges {
        let case = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let mut outcome = replay_operation(exchange, kind, protocol)?;
        outcome.note(Promise::Mutation, mutate_operation(exchange, kind, protocol, 0..SEEDS)?);
        tally.case();
        count(&outcome, &mut sums);
        for (promise, found) in &outcome.promises {
            lines.extend(tally.promise(&case, promise.as_str(), found));
        }
    }
    tell(provider, api, exchanges.len(), &sums, &lines, page);
    Ok(())
}

fn count(outcome: &Outcome, sums: &mut Sums) {
    let both = |a: Option<bool>, b: Option<bool>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a != Some(false) && b != Some(false)),
    };
    let answers = both(outcome.holds(Promise::Answer), outcome.holds(Promise::Stream));
    let answers = both(answers, outcome.holds(Promise::Cuts));
    sums.count("lossless", both(answers, outcome.holds(Promise::Reading)));
    sums.count("usage", outcome.holds(Promise::Usage));
    sums.count("requests", outcome.holds(Promise::Request));
    sums.count("errors", outcome.holds(Promise::Error));
    sums.count("passing", outcome.holds(Promise::Passing));
    sums.count("native", outcome.holds(Promise::Native));
    sums.count("translated", outcome.holds(Promise::Translation));
    sums.count("mutated", outcome.holds(Promise::Mutation));
}
