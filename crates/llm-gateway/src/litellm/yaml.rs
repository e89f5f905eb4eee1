//! Reading YAML.

use std::fmt;

use llm_core::{Error, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::node::{Fields, Node};

/// A value as the parser gives it: a number with a point has been made a float, which is not what was written.
enum Read {
    Done(Node),
    Float(f64),
    List(Vec<Spanned<Read>>),
    Table(Vec<(String, Spanned<Read>)>),
}

/// Reads the text of a file. Its numbers are taken from the text itself.
pub(super) fn read(text: &str) -> Result<Node> {
    let read: Option<Spanned<Read>> = serde_saphyr::from_str(text)
        .map_err(|error| Error::invalid_request(format!("the file can't be read as YAML: {error}")))?;
    Ok(read.map_or(Node::Null, |read| node(read, text)))
}

fn node(read: Spanned<Read>, text: &str) -> Node {
    let place = read.defined.span();
    match read.value {
        Read::Done(node) => node,
        Read::Float(value) => {
            let written = place.byte_offset().zip(place.byte_len()).and_then(|(start, length)| {
                let start = usize::try_from(start).ok()?;
                text.get(start..start.checked_add(usize::try_from(length).ok()?)?)
            });
            // What stands there is the number. If it were not, the shortest text that means the same float would be as
            // exact as anyone can read the file.
            let written = written.map(str::trim).filter(|text| text.parse::<f64>().is_ok_and(|read| read == value));
            Node::Number(written.map_or_else(|| value.to_string(), str::to_owned))
        }
        Read::List(items) => Node::List(items.into_iter().map(|item| node(item, text)).collect()),
        Read::Table(members) => {
            Node::Table(Fields(members.into_iter().map(|(name, value)| (name, node(value, text))).collect()))
        }
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Read, E> {
        Ok(Read::Done(Node::Null))
    }

    fn visit_none<E>(self) -> Result<Read, E> {
        Ok(Read::Done(Node::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        Read::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Read, E> {
        Ok(Read::Done(Node::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Read, E> {
        Ok(Read::Done(Node::Number(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Read, E> {
        Ok(Read::Done(Node::Number(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Read, E> {
        Ok(Read::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Read, E> {
        Ok(Read::Done(Node::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Read, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Read::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Read::Table(members))
    }
}
