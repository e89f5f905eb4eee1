//! Forms of several parts (`multipart/form-data`, RFC 7578): read without copying files, edited in place, written.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;
use llm_core::{Error, Result};

/// One part of a form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// The member's name.
    pub(crate) name: String,
    /// The name of the file, where the part is one.
    pub(crate) filename: Option<String>,
    /// Its media type, where one is said.
    pub(crate) content_type: Option<String>,
    /// Its bytes.
    pub(crate) data: Bytes,
}

impl Part {
    /// A member of text.
    pub(crate) fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), filename: None, content_type: None, data: Bytes::from(text.into()) }
    }

    /// Its text, if it is no file.
    pub(crate) fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.data).ok().filter(|_| self.filename.is_none())
    }
}

/// The header that says what a part is.
const DISPOSITION: &str = "content-disposition";

/// The parts of a form, in order. A form is what its `content-type` says it is, and nothing of it may be missing.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Part>> {
    let boundary = boundary(headers).ok_or_else(super::pass::no_boundary)?;
    let body = Bytes::copy_from_slice(body);
    let mut parts = Vec::new();
    for (head, data) in cut(&body, boundary.as_bytes())? {
        let head = String::from_utf8_lossy(body.get(head).unwrap_or_default()).into_owned();
        let disposition = header(&head, DISPOSITION).unwrap_or_default();
        let Some(name) = parameter(&disposition, "name") else {
            return Err(Error::invalid_request("a part of the form has no name"));
        };
        let filename = parameter(&disposition, "filename");
        parts.push(Part { name, filename, content_type: header(&head, "content-type"), data: body.slice(data) });
    }
    Ok(parts)
}

/// The parts of a body of related things (RFC 2387), in order: the media type of each, where one is said, and its bytes.
pub(crate) fn related(headers: &HeaderMap, body: &[u8]) -> Result<Vec<(Option<String>, Bytes)>> {
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = parameter(kind, "boundary").filter(|boundary| !boundary.is_empty());
    let boundary = boundary.ok_or_else(super::pass::no_boundary)?;
    let body = Bytes::copy_from_slice(body);
    let parts = cut(&body, boundary.as_bytes())?.into_iter();
    let parts = parts.map(|(head, data)| {
        let head = String::from_utf8_lossy(body.get(head).unwrap_or_default()).into_owned();
        (header(&head, "content-type"), body.slice(data))
    });
    Ok(parts.collect())
}

/// The form with the text of a member replaced, or the member added; every other byte stays.
pub(crate) fn set_field(body: &Bytes, name: &str, text: &str) -> Result<Bytes> {
    // The first line is the boundary.
    let line = body.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let boundary = line.strip_prefix(b"--").ok_or_else(broken)?;
    let mut out = Vec::with_capacity(body.len() + text.len() + 256);
    let (mut written, mut found) = (0, false);
    for (head, data) in cut(body, boundary)? {
        let head = String::from_utf8_lossy(body.get(head).unwrap_or_default()).into_owned();
        if header(&head, DISPOSITION).and_then(|value| parameter(&value, "name")).as_deref() == Some(name) {
            out.extend_from_slice(body.get(written..data.start).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            written = data.end;
            found = true;
        }
    }
    if !found {
        out.extend_from_slice(b"--");
        out.extend_from_slice(boundary);
        let head = format!("\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        out.extend_from_slice(head.as_bytes());
    }
    out.extend_from_slice(body.get(written..).unwrap_or_default());
    Ok(Bytes::from(out))
}

/// A form of `parts`, and its `content-type`. The boundary is made from `seed` and is in none of the parts.
pub(crate) fn write(parts: &[Part], seed: &str) -> (Bytes, String) {
    let mut boundary = format!("form-{seed}");
    while parts.iter().any(|part| memchr::memmem::find(&part.data, boundary.as_bytes()).is_some()) {
        boundary.push('-');
    }
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.data.len() + 256).sum::<usize>() + 64);
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        let mut disposition = format!("Content-Disposition: form-data; name=\"{}\"", quoted(&part.name));
        if let Some(filename) = &part.filename {
            disposition.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        out.extend_from_slice(disposition.as_bytes());
        if let Some(kind) = &part.content_type {
            let kind: String = kind.chars().filter(|char| !char.is_control()).collect();
            out.extend_from_slice(format!("\r\nContent-Type: {}", kind.trim()).as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&part.data);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (Bytes::from(out), format!("multipart/form-data; boundary={boundary}"))
}

/// Quotes and line ends of a name, as browsers write them.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a header of a part.
fn header(head: &str, name: &str) -> Option<String> {
    head.split("\r\n").find_map(|line| {
        let (said, value) = line.split_once(':')?;
        said.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    parameter(super::pass::form_of(headers)?.to_str().ok()?, "boundary").filter(|boundary| !boundary.is_empty())
}

/// A parameter of a header's value: `name="x"` or `name=x`, after a semicolon.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.get(value.find(';')? + 1..)?;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (said, after) = rest.split_once('=')?;
        let (found, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (quoted.get(..end)?.replace("\\\"", "\"").replace("%22", "\""), quoted.get(end + 1..)?)
            }
            None => {
                let end = after.find([';', '\r']).unwrap_or(after.len());
                (after.get(..end)?.trim().to_owned(), after.get(end..)?)
            }
        };
        if said.trim().eq_ignore_ascii_case(name) {
            return Some(found);
        }
        rest = next.get(next.find(';')?..)?;
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// Where the headers and the bytes of each part stand.
fn cut(body: &[u8], boundary: &[u8]) -> Result<Vec<(Range<usize>, Range<usize>)>> {
    let delimiter = [b"--", boundary].concat();
    let finder = memchr::memmem::Finder::new(&delimiter);
    let next_from = |from: usize| {
        let mut from = from;
        loop {
            let at = from + finder.find(body.get(from..)?)?;
            // A delimiter is a line of its own.
            let begins = at == 0 || body.get(..at)?.ends_with(b"\r\n");
            let rest = body.get(at + delimiter.len()..)?;
            if begins && (rest.starts_with(b"--") || matches!(rest.first(), Some(b'\r' | b' ' | b'\t'))) {
                return Some(at);
            }
            from = at + 1;
        }
    };
    let mut parts = Vec::new();
    let mut at = next_from(0).ok_or_else(broken)?;
    loop {
        let after = at + delimiter.len();
        if body.get(after..after + 2) == Some(b"--") {
            return Ok(parts);
        }
        let head = after + memchr::memmem::find(body.get(after..).unwrap_or_default(), b"\r\n").ok_or_else(broken)? + 2;
        let rest = body.get(head..).unwrap_or_default();
        let (head_end, data) = match rest.strip_prefix(b"\r\n") {
            Some(_) => (head, head + 2),
            None => {
                let end = head + memchr::memmem::find(rest, b"\r\n\r\n").ok_or_else(broken)?;
                (end, end + 4)
            }
        };
        at = next_from(data).ok_or_else(broken)?;
        // The line end before the delimiter belongs to the delimiter.
        parts.push((head..head_end, data..at.saturating_sub(2).max(data)));
    }
}

fn broken() -> Error {
    Error::invalid_request("the form is cut off, or is not what its `content-type` says")
}

#[cfg(test)]
mod tests;
