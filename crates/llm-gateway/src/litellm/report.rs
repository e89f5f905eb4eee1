//! What became of every setting that was met.

use std::collections::BTreeMap;
use std::fmt;

/// What became of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It holds here as it did there.
    Carried,
    /// It holds here in another form, which the reason describes.
    Mapped,
    /// It has no effect here, and nothing is lost by that.
    Ignored,
    /// It can't hold here. Somebody must decide what is to become of it.
    Refused,
}

impl Outcome {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Carried => "carried over",
            Self::Mapped => "mapped",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A setting, what became of it, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it stood: `router_settings.num_retries`, `LiteLLM_TeamTable.max_budget`.
    pub place: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Into what, or why not.
    pub reason: String,
}

/// All findings, in the order in which the settings were met. What is said alike of many rows is said once, with their
/// number.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<(Finding, usize)>,
    known: BTreeMap<Finding, usize>,
}

impl Report {
    /// Notes what became of a setting.
    pub fn add(&mut self, place: impl Into<String>, outcome: Outcome, reason: impl Into<String>) {
        let finding = Finding { place: place.into(), outcome, reason: reason.into() };
        match self.known.get(&finding).and_then(|&at| self.findings.get_mut(at)) {
            Some((_, times)) => *times += 1,
            None => {
                self.known.insert(finding.clone(), self.findings.len());
                self.findings.push((finding, 1));
            }
        }
    }

    pub(super) fn carried(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.add(place, Outcome::Carried, reason);
    }

    pub(super) fn mapped(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.add(place, Outcome::Mapped, reason);
    }

    pub(super) fn ignored(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.add(place, Outcome::Ignored, reason);
    }

    pub(super) fn refused(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.add(place, Outcome::Refused, reason);
    }

    /// Every finding, and how often it was made.
    pub fn findings(&self) -> impl Iterator<Item = (&Finding, usize)> {
        self.findings.iter().map(|(finding, times)| (finding, *times))
    }

    /// How many settings had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.findings().filter(|(finding, _)| finding.outcome == outcome).map(|(_, times)| times).sum()
    }
}
