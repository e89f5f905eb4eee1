//! Members of a request by which a provider would answer with another model than the one that is asked for: found on
//! the bytes that leave, since the way to them does not matter.

use std::cell::Cell;
use std::collections::BTreeSet;

use http::HeaderMap;
use llm_core::{Error, Result};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};

use super::multipart;
use super::pass::form_of;
use super::reader::{Found, Name, Read, Reader};

/// The first of `paths` at which a body says something. Members of a path are separated by full stops, lists between
/// them are gone through; null and an empty list say nothing.
pub(crate) fn said_in<'p>(paths: &'p BTreeSet<String>, headers: &HeaderMap, body: &[u8]) -> Result<Option<&'p str>> {
    if paths.is_empty() {
        return Ok(None);
    }
    if form_of(headers).is_some() {
        let names: Vec<String> = multipart::read(headers, body)?.iter().map(|part| dotted(&part.name)).collect();
        let is_said = |path: &&String| names.iter().any(|name| begins(name, path));
        return Ok(paths.iter().find(is_said).map(String::as_str));
    }
    let found = Cell::new(None);
    let within = Within { paths: paths.iter().map(|path| (path.as_str(), path.as_str())).collect(), found: &found };
    let mut reader = serde_json::Deserializer::from_slice(body);
    Read(within)
        .deserialize(&mut reader)
        .map_err(|error| Error::invalid_request(format!("the request body is not valid JSON: {error}")))?;
    Ok(found.get())
}

/// The name of a form's field as a path: `a[b][]` is `a.b`.
fn dotted(name: &str) -> String {
    name.split(['[', ']']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(".")
}

/// Whether a field stands at `path`, or deeper.
fn begins(name: &str, path: &str) -> bool {
    let head = name.get(..path.len()).is_some_and(|head| head.eq_ignore_ascii_case(path));
    head && matches!(name.as_bytes().get(path.len()), None | Some(b'.'))
}

/// A value, and what is looked for in it: each path as a whole, and what of it leads on from here.
struct Within<'p, 'f> {
    paths: Vec<(&'p str, &'p str)>,
    found: &'f Cell<Option<&'p str>>,
}

impl Within<'_, '_> {
    /// Something stands here.
    fn said(&self) {
        if let Some((path, _)) = self.paths.iter().find(|(_, rest)| rest.is_empty()) {
            self.found.set(self.found.get().or(Some(path)));
        }
    }
}

impl<'de, 'p> Reader<'de> for Within<'p, '_> {
    type Value = ();

    fn other<E>(self, _: Found) -> std::result::Result<(), E> {
        self.said();
        Ok(())
    }

    fn null<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        let within = || Within { paths: self.paths.clone(), found: self.found };
        while list.next_element_seed(Read(within()))?.is_some() {}
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<(), A::Error> {
        self.said();
        // However its reader tells capitals and small letters apart.
        let led = |name: &str| -> Vec<_> {
            let on = |&(whole, rest): &(&'p str, &'p str)| {
                let (word, rest) = rest.split_once('.').unwrap_or((rest, ""));
                word.eq_ignore_ascii_case(name).then_some((whole, rest))
            };
            self.paths.iter().filter(|(_, rest)| !rest.is_empty()).filter_map(on).collect()
        };
        while let Some(paths) = members.next_key_seed(Name(led))? {
            match paths.is_empty() {
                true => drop(members.next_value::<IgnoredAny>()?),
                false => members.next_value_seed(Read(Within { paths, found: self.found }))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
