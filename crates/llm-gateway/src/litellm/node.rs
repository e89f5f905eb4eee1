//! What stands in a file or a row of LiteLLM, with numbers as they were written: no amount passes through a float.

use std::collections::BTreeMap;

use llm_core::{Error, Result};
use serde_json::value::RawValue;

/// How deep values may be nested.
const DEEPEST: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Table(Fields),
}

/// The members of a table that nobody has taken yet, in the order in which they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(String, Node)>);

impl Node {
    /// Reads JSON.
    pub(crate) fn from_json(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text).map_err(unreadable)?;
        Self::from_raw(raw, DEEPEST)
    }

    fn from_raw(raw: &RawValue, deeper: usize) -> Result<Self> {
        let text = raw.get();
        let Some(deeper) = deeper.checked_sub(1) else {
            return Err(Error::invalid_request(format!("the JSON is nested more than {DEEPEST} deep")));
        };
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(unreadable)?;
                let members = members.into_iter().map(|(name, value)| Ok((name, Self::from_raw(value, deeper)?)));
                Self::Table(Fields(members.collect::<Result<_>>()?))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(unreadable)?;
                Self::List(items.into_iter().map(|item| Self::from_raw(item, deeper)).collect::<Result<_>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text).map_err(unreadable)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text.to_owned()),
        })
    }

    /// Whether it says nothing: null, or an empty text, list or table.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Table(fields) => fields.0.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// A text, or a number as it was written.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// True or false, also where a text says so.
    pub(crate) fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn whole(&self) -> Option<u64> {
        let text = self.text()?.trim();
        text.strip_suffix(".0").unwrap_or(text).parse().ok()
    }

    /// The texts of a list.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let Self::List(items) = self else { return None };
        items.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// The same as JSON. A number that JSON can't say is a text there.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Table(fields) => Value::Object(fields.to_json()),
        }
    }
}

impl Fields {
    /// Takes a member out. One that is null counts as not there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Node> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1).filter(|node| *node != Node::Null)
    }

    /// Takes a member out, unless it says nothing.
    pub(crate) fn take_said(&mut self, name: &str) -> Option<Node> {
        self.take(name).filter(|node| !node.is_empty())
    }

    /// Takes a text out, unless it is empty.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        self.take_said(name)?.text().map(str::to_owned)
    }

    /// Takes a table out; an empty one where there is none.
    pub(crate) fn take_table(&mut self, name: &str) -> Fields {
        match self.take(name) {
            Some(Node::Table(fields)) => fields,
            _ => Fields::default(),
        }
    }

    /// Looks at a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    pub(crate) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        self.0.iter().map(|(name, node)| (name.clone(), node.to_json())).collect()
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::invalid_request(format!("not JSON: {error}"))
}
