//! The configuration file as a tree of values that know where they stand.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::env::Lookup;
use super::interpolate::{Wrong, interpolate};
use super::problem::{Problem, did_you_mean};

/// A parsed file, and what is wrong with it so far.
pub(super) struct Tree<'a> {
    name: &'a str,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    found: Vec<(Range<usize>, Problem)>,
    /// Values that stand for variables which are not set, and that nobody asks for.
    unset: Vec<Range<usize>>,
}

/// A step on the way to a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// A member of a table.
    Key(&'a str),
    /// An element of an array.
    Index(usize),
}

impl<'a> Tree<'a> {
    /// Parses `text`, of the file called `name`.
    pub(super) fn parse(name: &'a str, text: &'a str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut tree = Self { name, text, root, found: Vec::new(), unset: Vec::new() };
        for error in errors {
            tree.add(error.span().unwrap_or(0..0), error.message().to_owned(), None);
        }
        tree
    }

    /// Whether every value is known and nothing is wrong so far.
    pub(super) fn is_sound(&self) -> bool {
        self.found.is_empty() && self.unset.is_empty()
    }

    /// Puts environment variables in the place of `${VAR}`. Within the top-level keys that are not `needed`, a value
    /// whose variable is not set stays as it is, and whatever follows from that is no mistake.
    pub(super) fn interpolate(&mut self, env: Lookup<'_>, needed: impl Fn(&str) -> bool) {
        let mut wrong = Vec::new();
        for (key, value) in self.root.get_mut().iter_mut() {
            let from = wrong.len();
            interpolate_value(value, env, &mut wrong);
            if !needed(key.get_ref()) {
                let unset = wrong.extract_if(from.., |(_, wrong)| matches!(wrong, Wrong::Unset(_)));
                self.unset.extend(unset.map(|(span, _)| span));
            }
        }
        for (span, wrong) in wrong {
            let hint = matches!(wrong, Wrong::Unset(_))
                .then(|| "set it, or give a default as in `${NAME:-default}`".to_owned());
            self.add(span, wrong.to_string(), hint);
        }
    }

    /// Reads the tree as a `T`. What can't be read is noted and taken out of the tree, until the rest can be, so that
    /// one start tells of every mistake.
    pub(super) fn read<T: DeserializeOwned + Default>(&mut self) -> T {
        loop {
            let error = match T::deserialize(toml::de::Deserializer::from(self.root.clone())) {
                Ok(read) => return read,
                Err(error) => error,
            };
            let Some(span) = error.span() else {
                self.add(0..0, error.message().to_owned(), None);
                return T::default();
            };
            let (message, hint) = explain(error.message());
            let place = place_of(self.root.get_ref(), &span, "");
            let message = match place.filter(|place| !place.is_empty()) {
                Some(place) if message.starts_with("unknown") || message.starts_with("missing") => {
                    format!("{message} in `{place}`")
                }
                Some(place) => format!("`{place}`: {message}"),
                None => message,
            };
            self.add(span.clone(), message, hint);
            if !remove(self.root.get_mut(), &span) {
                return T::default();
            }
        }
    }

    /// Notes a mistake at the value that `path` leads to, or at the last value on the way to it.
    pub(super) fn wrong(&mut self, path: &[Step<'_>], message: impl Into<String>, hint: Option<String>) {
        self.add(self.span(path), message.into(), hint);
    }

    /// What is wrong, or worth knowing, at the value that `path` leads to.
    pub(super) fn problem_at(&self, path: &[Step<'_>], message: impl Into<String>, hint: Option<String>) -> Problem {
        self.problem(&self.span(path), message.into(), hint)
    }

    /// The line of the value that `path` leads to.
    pub(super) fn line(&self, path: &[Step<'_>]) -> usize {
        self.line_of(self.span(path).start)
    }

    /// Everything that is wrong, in the order of the lines.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(span, _)| span.start);
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }

    fn add(&mut self, span: Range<usize>, message: String, hint: Option<String>) {
        // One value is wrong once: what follows from an unset variable is no news.
        if self.found.iter().all(|(known, _)| *known != span) && !self.unset.contains(&span) {
            let problem = self.problem(&span, message, hint);
            self.found.push((span, problem));
        }
    }

    fn problem(&self, span: &Range<usize>, message: String, hint: Option<String>) -> Problem {
        Problem { file: Some(self.name.to_owned()), line: Some(self.line_of(span.start)), message, hint }
    }

    fn line_of(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn span(&self, path: &[Step<'_>]) -> Range<usize> {
        let mut span = self.root.span();
        let Some((Step::Key(first), rest)) = path.split_first() else { return span };
        let Some(mut value) = self.root.get_ref().get(*first) else { return span };
        span = value.span();
        for step in rest {
            let next = match step {
                Step::Key(key) => value.get_ref().get(*key),
                Step::Index(index) => value.get_ref().get(*index),
            };
            let Some(next) = next else { break };
            (value, span) = (next, next.span());
        }
        span
    }
}

fn interpolate_value(value: &mut Spanned<DeValue<'_>>, env: Lookup<'_>, wrong: &mut Vec<(Range<usize>, Wrong)>) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains('$') => match interpolate(text, env) {
            Ok(filled) => *text = Cow::Owned(filled),
            Err(why) => wrong.push((span, why)),
        },
        DeValue::Array(items) => items.iter_mut().for_each(|item| interpolate_value(item, env, wrong)),
        DeValue::Table(members) => members.iter_mut().for_each(|(_, member)| interpolate_value(member, env, wrong)),
        _ => {}
    }
}

/// Says serde's message in the words of the configuration, and finds the nearest name that would be right.
fn explain(message: &str) -> (String, Option<String>) {
    let message = message.lines().next().unwrap_or(message);
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let known = quoted.get(1..).unwrap_or_default();
    match quoted.first() {
        Some(wrong) if message.starts_with("unknown field") => {
            let all = || {
                format!(
                    "the keys here are {}",
                    known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
                )
            };
            let hint = did_you_mean(wrong, known.iter().copied()).unwrap_or_else(all);
            (format!("unknown key `{wrong}`"), Some(hint))
        }
        Some(wrong) if message.starts_with("unknown variant") => {
            let all = || {
                format!(
                    "the values here are {}",
                    known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
                )
            };
            let hint = did_you_mean(wrong, known.iter().copied()).unwrap_or_else(all);
            (format!("unknown value `{wrong}`"), Some(hint))
        }
        Some(missing) if message.starts_with("missing field") => (format!("missing key `{missing}`"), None),
        _ => match message.split_once("; ") {
            Some((wrong, hint)) => (wrong.to_owned(), Some(hint.to_owned())),
            None => (message.to_owned(), None),
        },
    }
}

/// The dotted name of what stands at `span`; for a key, of the table that holds it.
fn place_of(table: &DeTable<'_>, span: &Range<usize>, path: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        if key.span() == *span {
            return Some(path.to_owned());
        }
        let name = key.get_ref();
        place_in(value, span, &if path.is_empty() { name.to_string() } else { format!("{path}.{name}") })
    })
}

fn place_in(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &str) -> Option<String> {
    if value.span() == *span {
        return Some(path.to_owned());
    }
    match value.get_ref() {
        DeValue::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| place_in(item, span, &format!("{path}[{index}]")))
        }
        DeValue::Table(members) => place_of(members, span, path),
        _ => None,
    }
}

/// Takes out the member or element whose key or value stands at `span`. Whether there was one.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let here = table.iter().find(|(key, value)| key.span() == *span || value.span() == *span);
    match here.map(|(key, _)| key.clone()) {
        Some(key) => table.remove(&key).is_some(),
        None => table.iter_mut().any(|(_, value)| remove_in(value, span)),
    }
}

fn remove_in(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Array(items) => {
            if items.iter().any(|item| item.span() == *span) {
                let mut kept = DeArray::new();
                items.iter().filter(|item| item.span() != *span).for_each(|item| kept.push(item.clone()));
                *items = kept;
                return true;
            }
            items.iter_mut().any(|item| remove_in(item, span))
        }
        DeValue::Table(members) => remove(members, span),
        _ => false,
    }
}
