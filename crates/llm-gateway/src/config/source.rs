//! The text that a configuration came from, so that what is found out later is still told by its line.

use std::fmt;
use std::sync::Arc;

use super::problem::Problem;
use super::tree::{Step, Tree};

/// A file's name and text; neither for a configuration that was made in another way.
#[derive(Clone, Default)]
pub(crate) struct Source(Option<(Arc<str>, Arc<str>)>);

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self(Some((name.into(), text.into())))
    }

    /// What is wrong at the value that `at` leads to; where that is nowhere, in no line.
    pub(crate) fn problem(&self, at: &[Step<'_>], message: &str, hint: Option<String>) -> Problem {
        match &self.0 {
            Some((name, text)) if !at.is_empty() => Tree::parse(name, text).problem_at(at, message, hint),
            _ => Problem { file: None, line: None, message: message.to_owned(), hint },
        }
    }
}

/// The text may hold secrets.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.0.as_ref().map(|(name, _)| name)).finish()
    }
}
