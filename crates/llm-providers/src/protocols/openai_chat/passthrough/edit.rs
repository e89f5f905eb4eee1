//! Edits of a body's top-level members in place; every other byte stays.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use llm_core::codec::Edits;
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

/// The bound of the answer, by its newer and its older name.
const BOUNDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// Makes the edits. A member that stands there twice is edited in both places.
pub(super) fn edit(body: &Bytes, edits: &Edits) -> Result<Bytes> {
    if edits.is_empty() {
        return Ok(body.clone());
    }
    let members = members(body).ok_or_else(|| Error::invalid_request("the request body is not a JSON object"))?;
    let mut splices = Splices { body, list: &members.list, changes: Vec::new(), additions: String::new() };
    if let Some(model) = &edits.model {
        splices.set("model", &json!(model));
    }
    if edits.ask_usage {
        splices.ask_usage();
    }
    if let Some(cap) = edits.cap_output {
        splices.cap(cap, edits.cap_name.as_deref().unwrap_or(BOUNDS[0]));
    }
    Ok(splices.apply(members.end, members.list.is_empty()))
}

struct Splices<'a> {
    body: &'a [u8],
    list: &'a [Member<'a>],
    changes: Vec<(Range<usize>, String)>,
    additions: String,
}

impl Splices<'_> {
    fn value(&self, member: &Member<'_>) -> &[u8] {
        self.body.get(member.value.clone()).unwrap_or_default()
    }

    fn add(&mut self, name: &str, value: &Value) {
        self.additions.push_str(&format!(",{}:{value}", json!(name)));
    }

    fn set(&mut self, name: &str, value: &Value) {
        let mut is_there = false;
        for member in self.list.iter().filter(|member| member.name == name) {
            self.changes.push((member.value.clone(), value.to_string()));
            is_there = true;
        }
        if !is_there {
            self.add(name, value);
        }
    }

    fn ask_usage(&mut self) {
        let name = "stream_options";
        let old = self.list.iter().rfind(|member| member.name == name);
        let mut options = match old.map(|member| serde_json::from_slice(self.value(member))) {
            Some(Ok(Value::Object(options))) => options,
            _ => Map::new(),
        };
        if options.get("include_usage") != Some(&json!(true)) {
            options.insert("include_usage".to_owned(), json!(true));
            self.set(name, &Value::Object(options));
        }
    }

    /// Lowers every bound that is higher; where there is none, sets one.
    fn cap(&mut self, cap: u64, name: &str) {
        let mut is_bound = false;
        let mut nulls = Vec::new();
        for member in self.list {
            if !BOUNDS.contains(&member.name.as_ref()) && member.name != name {
                continue;
            }
            if self.value(member) == b"null" {
                nulls.push(member);
                continue;
            }
            is_bound = true;
            let stated = serde_json::from_slice::<u64>(self.value(member));
            if !stated.is_ok_and(|stated| stated <= cap) {
                self.changes.push((member.value.clone(), cap.to_string()));
            }
        }
        if is_bound {
            return;
        }
        match nulls.iter().find(|member| member.name == name) {
            Some(member) => self.changes.push((member.value.clone(), cap.to_string())),
            None => self.add(name, &json!(cap)),
        }
    }

    fn apply(mut self, end: usize, is_empty: bool) -> Bytes {
        self.changes.sort_by_key(|(range, _)| range.start);
        let grown: usize = self.changes.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(self.body.len() + grown + self.additions.len());
        let mut at = 0;
        for (range, text) in &self.changes {
            out.extend_from_slice(self.body.get(at..range.start).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            at = range.end;
        }
        out.extend_from_slice(self.body.get(at..end).unwrap_or_default());
        let additions = if is_empty { self.additions.trim_start_matches(',') } else { &self.additions };
        out.extend_from_slice(additions.as_bytes());
        out.extend_from_slice(self.body.get(end..).unwrap_or_default());
        Bytes::from(out)
    }
}

struct Member<'a> {
    name: Cow<'a, str>,
    value: Range<usize>,
}

struct Members<'a> {
    list: Vec<Member<'a>>,
    /// Where the object's closing brace stands.
    end: usize,
}

/// Where the members of the object stand. The body is known to be valid JSON; on any other this may find less.
fn members(body: &[u8]) -> Option<Members<'_>> {
    let mut scan = Scan { body, at: 0 };
    scan.space();
    scan.expect(b'{')?;
    let mut list = Vec::with_capacity(16);
    scan.space();
    if scan.peek()? == b'}' {
        return Some(Members { list, end: scan.at });
    }
    loop {
        scan.space();
        let name = scan.at;
        scan.string()?;
        let name = name_of(body.get(name..scan.at)?)?;
        scan.space();
        scan.expect(b':')?;
        scan.space();
        let start = scan.at;
        scan.value()?;
        list.push(Member { name, value: start..scan.at });
        scan.space();
        match scan.peek()? {
            b',' => scan.at += 1,
            b'}' => return Some(Members { list, end: scan.at }),
            _ => return None,
        }
    }
}

/// A name between its quotation marks, its escapes resolved.
fn name_of(quoted: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', quoted).is_some() {
        return serde_json::from_slice::<String>(quoted).ok().map(Cow::Owned);
    }
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

struct Scan<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Goes past a string.
    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.body.get(self.at..)?)?;
            self.at += found + 1;
            if self.body.get(self.at - 1) == Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }

    /// Goes past any value.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' if depth == 0 => return None,
                _ if depth == 0 => {
                    while !matches!(self.peek(), None | Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')) {
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}
