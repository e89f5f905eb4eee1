//! The committed list of differences that are known, each with its reason. An entry that no longer applies is a
//! failure too, so the list can only be as long as it must.

use std::cell::Cell;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// One known difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// `provider/api/case.json` of a recording, or `oracle/provider/intent`.
    pub case: String,
    /// The promise that does not hold.
    pub promise: String,
    /// Why that is right, or why it must wait.
    pub reason: String,
    #[serde(skip)]
    state: Cell<State>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    NotMet,
    Held,
    Needed,
}

/// The whole list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    #[serde(default, rename = "difference")]
    differences: Vec<Difference>,
}

impl Known {
    /// Reads the list.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("can't read `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("`{}` is no list of known differences", path.display()))
    }

    /// Parses the list.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// The reason why `promise` may fall short for `case`, if the list has one. The entry counts as needed.
    pub fn excuse(&self, case: &str, promise: &str) -> Option<&str> {
        let entry = self.entry(case, promise)?;
        entry.state.set(State::Needed);
        Some(&entry.reason)
    }

    /// Notes that `promise` holds for `case`, which makes an entry stale.
    pub fn holds(&self, case: &str, promise: &str) {
        if let Some(entry) = self.entry(case, promise)
            && entry.state.get() == State::NotMet
        {
            entry.state.set(State::Held);
        }
    }

    /// The entries whose promise holds now. Entries of cases that were not met are not among them.
    pub fn stale(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|entry| entry.state.get() == State::Held)
    }

    /// Every entry, in the order of the list.
    pub fn entries(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter()
    }

    fn entry(&self, case: &str, promise: &str) -> Option<&Difference> {
        self.differences.iter().find(|entry| entry.case == case && entry.promise == promise)
    }
}

#[cfg(test)]
mod tests;
