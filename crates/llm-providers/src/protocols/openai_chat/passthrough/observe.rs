//! Watching answers go by: usage is looked for, and nothing else is parsed.
//!
//! A quotation mark inside a JSON text is always escaped, so `"usage"` in the bytes is a member's name or a whole text
//! and never a part of what the model said.

use llm_core::Usage;
use llm_core::codec::{Frame, Observed, Observer, Verdict};
use llm_core::fields::Fields;
use memchr::memmem::{self, Finder};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::usage;

/// The name of the member that holds usage.
const USAGE: &[u8] = b"\"usage\"";

/// Looks at a whole answer.
pub(super) fn whole(body: &[u8]) -> Observed {
    let mut observed = Observed { content_chunks: 1, ..Observed::default() };
    observed.complete = body.trim_ascii_end().ends_with(b"}") && memmem::find(body, b"\"choices\"").is_some();
    let finder = Finder::new(USAGE);
    let own = usages(body, &finder).filter(|(_, behind)| is_last_of_all(behind));
    // Of a member that stands twice, the last one counts.
    observed.usage = own.last().and_then(|(usage, _)| usage);
    observed.service_tier = memmem::find(body, b"\"service_tier\"")
        .and_then(|at| value_after(body, at + b"\"service_tier\"".len()))
        .and_then(text_at);
    if !observed.complete {
        observed.error = error_in(body);
    }
    observed
}

/// The bytes of the value that follows a member's name; none where it was no name.
fn value_after(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?.trim_ascii_start().strip_prefix(b":")?;
    Some(rest.trim_ascii_start())
}

/// Whether nothing but one object is still open where `rest` begins.
fn is_last_of_all(rest: &[u8]) -> bool {
    let (mut open, mut in_text, mut is_escaped) = (1_u32, false, false);
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => open += 1,
            b'}' | b']' if !in_text => open -= 1,
            _ => {}
        }
        if open == 0 {
            return rest.get(at + 1..).is_none_or(|behind| behind.trim_ascii().is_empty());
        }
    }
    false
}

/// Every usage of a body, with what stands behind it; what stands within one is part of it. None where it counts nothing.
fn usages<'b>(body: &'b [u8], finder: &Finder<'_>) -> impl Iterator<Item = (Option<Usage>, &'b [u8])> {
    let mut end = 0;
    finder.find_iter(body).filter_map(move |at| {
        let value = value_after(body, at + USAGE.len()).filter(|value| at >= end && value.starts_with(b"{"))?;
        let (usage, length) = usage::skim(value);
        end = body.len() - value.len() + length;
        Some((usage, body.get(end..).unwrap_or_default()))
    })
}

fn text_at(value: &[u8]) -> Option<String> {
    value.starts_with(b"\"").then(|| String::deserialize(&mut serde_json::Deserializer::from_slice(value)).ok())?
}

fn error_in(body: &[u8]) -> Option<String> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return None };
    let mut fields = Fields::new(members);
    match fields.take("error")? {
        Value::String(text) => Some(text),
        error => Some(error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned)),
    }
}

/// Members whose text counts as content.
const CONTENT: [&[u8]; 5] =
    [b"\"content\"", b"\"arguments\"", b"\"reasoning_content\"", b"\"reasoning\"", b"\"refusal\""];

/// Watches one stream.
pub(super) struct StreamObserver {
    hide_usage: bool,
    observed: Observed,
    usage: Finder<'static>,
    error: Finder<'static>,
    finish: Finder<'static>,
    content: [Finder<'static>; 5],
}

impl StreamObserver {
    pub(super) fn new(hide_usage: bool) -> Self {
        Self {
            hide_usage,
            observed: Observed::default(),
            usage: Finder::new(USAGE),
            error: Finder::new(b"\"error\""),
            finish: Finder::new(b"\"finish_reason\""),
            content: CONTENT.map(Finder::new),
        }
    }

    /// Whether a member with a text that is not empty stands in the event.
    fn has_text(data: &[u8], finder: &Finder<'_>) -> bool {
        let mut at = 0;
        while let Some(found) = data.get(at..).and_then(|rest| finder.find(rest)) {
            at += found + finder.needle().len();
            if let Some([b'"', first, ..]) = value_after(data, at)
                && *first != b'"'
            {
                return true;
            }
        }
        false
    }

    fn look_at_usage(&mut self, data: &[u8]) -> Verdict {
        // Hosts put the usage of a stream into other objects, too.
        let usage = usages(data, &self.usage).filter_map(|(usage, _)| usage).last();
        let Some(usage) = usage else { return Verdict::Forward };
        self.observed.usage = Some(usage);
        self.look_at_tier(data);
        #[derive(Deserialize)]
        struct Event {
            choices: Option<Vec<IgnoredAny>>,
        }
        // Where nothing but usage stands in the event, the caller did not ask for any of it.
        let only_usage = || {
            serde_json::from_slice::<Event>(data).is_ok_and(|event| event.choices.is_none_or(|list| list.is_empty()))
        };
        if self.hide_usage && only_usage() { Verdict::Drop } else { Verdict::Forward }
    }

    fn look_at_tier(&mut self, data: &[u8]) {
        let name = b"\"service_tier\"";
        let found = memmem::find(data, name).and_then(|at| value_after(data, at + name.len())).and_then(text_at);
        if found.is_some() {
            self.observed.service_tier = found;
        }
    }
}

impl Observer for StreamObserver {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        let data = frame.data;
        if data.is_empty() {
            return Verdict::Forward;
        }
        if data.trim_ascii() == b"[DONE]" {
            self.observed.complete = true;
            return Verdict::Forward;
        }
        if frame.event == "error" || self.error.find(data).is_some() {
            let error = error_in(data);
            let is_event = frame.event == "error";
            if error.is_some() || is_event {
                self.observed.error = Some(error.unwrap_or_else(|| String::from_utf8_lossy(data).into_owned()));
                return Verdict::Forward;
            }
        }
        if self.content.iter().any(|finder| Self::has_text(data, finder)) {
            if self.observed.content_chunks == 0 {
                self.look_at_tier(data);
            }
            self.observed.content_chunks += 1;
        }
        if Self::has_text(data, &self.finish) {
            self.observed.finished = true;
        }
        self.look_at_usage(data)
    }

    fn observed(&self) -> &Observed {
        &self.observed
    }
}
