//! Edits members at the top of a JSON object in place: every other byte stays as it was.
//!
//! Only the outline is read: where each member's name and value begin and end. Whether the rest is JSON is for whoever
//! parses it to say; text that has no outline is an error.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use llm_core::{Error, Result};

/// A JSON object whose top-level members can be replaced and added.
#[derive(Debug)]
pub(crate) struct Splice<'a> {
    body: &'a [u8],
    members: Vec<Member<'a>>,
    added: Vec<(String, Vec<u8>)>,
    /// Where the closing brace is.
    close: usize,
}

#[derive(Debug)]
struct Member<'a> {
    name: Cow<'a, str>,
    value: Range<usize>,
    replacement: Option<Vec<u8>>,
}

impl<'a> Splice<'a> {
    /// Reads the outline of `body`, which must be one JSON object.
    pub(crate) fn new(body: &'a [u8]) -> Result<Self> {
        outline(body).ok_or_else(|| Error::invalid_request("the request body is not a JSON object"))
    }

    /// The JSON text of a member. Where a name stands twice, the last one counts, as it does for parsers.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let member = self.members.iter().rev().find(|member| member.name == name)?;
        self.body.get(member.value.clone())
    }

    /// How often a member stands there.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.members.iter().filter(|member| member.name == name).count()
    }

    /// Sets a member to a JSON text, wherever its name stands; adds it at the end where it does not.
    pub(crate) fn set(&mut self, name: &str, json: impl Into<Vec<u8>>) {
        let json = json.into();
        let mut found = false;
        for member in self.members.iter_mut().filter(|member| member.name == name) {
            member.replacement = Some(json.clone());
            found = true;
        }
        if !found {
            self.added.push((name.to_owned(), json));
        }
    }

    /// Sets a member to a text.
    pub(crate) fn set_text(&mut self, name: &str, text: &str) {
        // Every text has a JSON form.
        self.set(name, serde_json::to_vec(text).unwrap_or_default());
    }

    /// The edited object.
    pub(crate) fn finish(self) -> Bytes {
        let Self { body, members, added, close } = self;
        let bytes = |range: Range<usize>| body.get(range).unwrap_or_default();
        let grown: usize = members.iter().filter_map(|member| member.replacement.as_ref()).map(Vec::len).sum();
        let mut out = Vec::with_capacity(body.len() + grown + 64);
        let mut written = 0;
        let mut any = !members.is_empty();
        for Member { value, replacement, .. } in members {
            let Some(json) = replacement else { continue };
            out.extend_from_slice(bytes(written..value.start));
            out.extend_from_slice(&json);
            written = value.end;
        }
        out.extend_from_slice(bytes(written..close));
        for (name, json) in added {
            if std::mem::replace(&mut any, true) {
                out.push(b',');
            }
            out.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
            out.push(b':');
            out.extend_from_slice(&json);
        }
        out.extend_from_slice(bytes(close..body.len()));
        Bytes::from(out)
    }
}

fn outline(body: &[u8]) -> Option<Splice<'_>> {
    let mut at = skip_space(body, 0);
    at = expect(body, at, b'{')?;
    let mut members = Vec::with_capacity(16);
    let mut next = skip_space(body, at);
    if body.get(next) == Some(&b'}') {
        return ends_here(body, next).then_some(Splice { body, members, added: Vec::new(), close: next });
    }
    loop {
        let start = next;
        let name_end = string_end(body, start)?;
        let colon = skip_space(body, name_end);
        let value = skip_space(body, expect(body, colon, b':')?);
        let end = value_end(body, value)?;
        members.push(Member { name: name(body.get(start..name_end)?)?, value: value..end, replacement: None });
        at = skip_space(body, end);
        match body.get(at)? {
            b',' => next = skip_space(body, at + 1),
            b'}' => return ends_here(body, at).then_some(Splice { body, members, added: Vec::new(), close: at }),
            _ => return None,
        }
    }
}

/// The list `body` with what `edit` makes of each of its items, every byte between them as it was.
pub(crate) fn each(body: &[u8], mut edit: impl FnMut(&[u8]) -> Result<Bytes>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() + 64);
    let mut written = 0;
    for item in items(body).ok_or_else(|| Error::invalid_request("it is not a JSON list"))? {
        out.extend_from_slice(body.get(written..item.start).unwrap_or_default());
        out.extend_from_slice(&edit(body.get(item.clone()).unwrap_or_default())?);
        written = item.end;
    }
    out.extend_from_slice(body.get(written..).unwrap_or_default());
    Ok(out)
}

/// Where the items of a list begin and end.
fn items(body: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut next = skip_space(body, expect(body, skip_space(body, 0), b'[')?);
    let mut items = Vec::new();
    if body.get(next) == Some(&b']') {
        return ends_here(body, next).then_some(items);
    }
    loop {
        let end = value_end(body, next)?;
        items.push(next..end);
        let at = skip_space(body, end);
        match body.get(at)? {
            b',' => next = skip_space(body, at + 1),
            b']' => return ends_here(body, at).then_some(items),
            _ => return None,
        }
    }
}

/// Whether nothing follows the closing brace.
fn ends_here(body: &[u8], close: usize) -> bool {
    skip_space(body, close + 1) == body.len()
}

/// A name without its quotes and escapes.
fn name(quoted: &[u8]) -> Option<Cow<'_, str>> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(quoted).ok().map(Cow::Owned)
}

fn skip_space(body: &[u8], mut at: usize) -> usize {
    while matches!(body.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn expect(body: &[u8], at: usize, byte: u8) -> Option<usize> {
    (body.get(at) == Some(&byte)).then_some(at + 1)
}

/// Where the string that opens at `at` has ended.
fn string_end(body: &[u8], at: usize) -> Option<usize> {
    let mut at = expect(body, at, b'"')?;
    loop {
        at += memchr::memchr2(b'"', b'\\', body.get(at..)?)?;
        if body.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value that begins at `at` has ended.
fn value_end(body: &[u8], at: usize) -> Option<usize> {
    match body.get(at)? {
        b'"' => string_end(body, at),
        b'{' | b'[' => nested_end(body, at),
        b',' | b'}' | b']' | b':' => None,
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            Some(body.get(at..)?.iter().position(ends).map_or(body.len(), |length| at + length))
        }
    }
}

fn nested_end(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match body.get(at)? {
            b'"' => {
                at = string_end(body, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests;
