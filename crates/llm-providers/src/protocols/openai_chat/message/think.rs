//! Reasoning between `<think>` tags at the start of the text, for hosts without a reasoning parser.
//!
//! The reasoning part of such a text keeps `content` in its native, as the place where it stood.

use llm_core::chat::{Part, Reasoning};
use serde_json::json;

use super::super::PROTOCOL;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Cuts a whole text into the thoughts at its start and the rest.
pub(in super::super) fn split(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(OPEN)?.split_once(CLOSE)
}

/// A reasoning part that stood in the text.
pub(in super::super) fn part(text: &str, provider: &str) -> Part {
    let provider = Some(provider.to_owned());
    let mut part = Part::from(Reasoning { text: text.to_owned(), provider, ..Reasoning::default() });
    part.native.insert(PROTOCOL, "content", json!(""));
    part
}

/// Whether a reasoning part stood in the text.
pub(in super::super) fn stood_in_tags(part: &Part) -> bool {
    part.native.get(PROTOCOL, "content").is_some()
}

/// Writes thoughts between their tags.
pub(in super::super) fn write(thoughts: &str, out: &mut String) {
    out.push_str(OPEN);
    out.push_str(thoughts);
    out.push_str(CLOSE);
}

/// Finds the tags in a text that arrives in pieces.
#[derive(Debug, Default)]
pub(in super::super) struct Splitter {
    place: Place,
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Inside,
    After,
}

/// What a piece of text turned out to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Sorted {
    pub(in super::super) thoughts: String,
    pub(in super::super) text: String,
}

impl Splitter {
    /// Takes in the next piece. What may yet become a tag is held back.
    pub(in super::super) fn push(&mut self, piece: &str) -> Sorted {
        let mut sorted = Sorted::default();
        self.held.push_str(piece);
        if self.place == Place::Start {
            if let Some(rest) = self.held.strip_prefix(OPEN) {
                self.held = rest.to_owned();
                self.place = Place::Inside;
            } else if !OPEN.starts_with(self.held.as_str()) {
                self.place = Place::After;
            } else {
                return sorted;
            }
        }
        if self.place == Place::Inside {
            if let Some((thoughts, rest)) = self.held.split_once(CLOSE) {
                sorted.thoughts.push_str(thoughts);
                self.held = rest.to_owned();
                self.place = Place::After;
            } else {
                let kept = beginning_of_close(&self.held);
                let thoughts = self.held.len() - kept;
                sorted.thoughts.extend(self.held.drain(..thoughts));
                return sorted;
            }
        }
        sorted.text = std::mem::take(&mut self.held);
        sorted
    }

    /// What is held back when the text ends.
    pub(in super::super) fn finish(&mut self) -> Sorted {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Inside => Sorted { thoughts: held, text: String::new() },
            Place::Start | Place::After => Sorted { thoughts: String::new(), text: held },
        }
    }
}

/// How many bytes at the end of `text` may be the beginning of the closing tag.
fn beginning_of_close(text: &str) -> usize {
    (1..CLOSE.len()).rev().find(|&length| text.ends_with(&CLOSE[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests;
