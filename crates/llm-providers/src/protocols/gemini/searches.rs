//! The searches that Google ran for an answer, as it charges for them.
//!
//! Up to Gemini 2.5 a prompt is charged once, however many searches it took; from Gemini 3 on each search is, but for
//! those without words and those that stand there again. Source: "Grounding with Google Search", on pricing, in the
//! Gemini API's documentation.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The first generation whose searches are charged one by one.
const ONE_BY_ONE: u32 = 3;

/// What is known of the searches for one answer. Events of a stream say them again as they grow.
#[derive(Debug, Default)]
pub(super) struct Searches {
    words: BTreeSet<String>,
    by_prompt: bool,
}

impl Searches {
    /// Notes the words of a search.
    pub(super) fn note(&mut self, words: &str) {
        if !words.is_empty() && !self.words.contains(words) {
            self.words.insert(words.to_owned());
        }
    }

    /// Notes the searches that a candidate names.
    pub(super) fn note_all(&mut self, candidate: &Map<String, Value>) {
        let named = candidate.get("groundingMetadata").and_then(|metadata| metadata.get("webSearchQueries"));
        let named = named.and_then(Value::as_array).into_iter().flatten();
        named.filter_map(Value::as_str).for_each(|words| self.note(words));
    }

    /// Notes which model searched, as the answer says it.
    pub(super) fn by(&mut self, model: &str) {
        self.by_prompt = generation(model).is_some_and(|number| number < ONE_BY_ONE);
    }

    /// How many are charged.
    pub(super) fn charged(&self) -> u64 {
        let count = self.words.len() as u64;
        if self.by_prompt { count.min(1) } else { count }
    }
}

/// The first number in the name of a Gemini: 2 of `gemini-2.5-flash` and of `gemini-live-2.5-flash-native-audio`.
fn generation(model: &str) -> Option<u32> {
    let name = model.rsplit('/').next()?.strip_prefix("gemini-")?;
    name.split(['-', '.']).find_map(|step| step.parse().ok())
}

#[cfg(test)]
mod tests;
