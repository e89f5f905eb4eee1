//! Watches answers go by: only what carries usage, an id of something that is stored, the end or an error is parsed.

use std::sync::LazyLock;

use llm_core::Usage;
use llm_core::codec::{Frame, Observed, Observer, Verdict};
use llm_core::stored::ObjectKind;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{answer, usage};
use crate::protocols::reader::{Nested, known};

/// How a block says which file the code that was run has written.
static FILE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"file_id\""));

/// The members of an answer or event that matter here. Whatever else there is, is skipped unread.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Seen {
    r#type: Value,
    usage: Value,
    message: Option<Nested<Message>>,
    error: Value,
    /// The machine that code ran on.
    container: Value,
    /// Of the event that says it in a stream.
    delta: Option<Nested<Delta>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    container: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    usage: Value,
    container: Value,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Observed {
    let mut observed = Observed::default();
    let Some(seen) = known::<Seen>(body) else { return observed };
    let mut sum = Map::new();
    add(&mut sum, &seen.usage, &mut observed);
    observed.complete = seen.r#type.as_str() == Some("message");
    note_container(&seen.container, &mut observed);
    note_files(body, &mut observed);
    if seen.r#type.as_str() == Some("error") {
        observed.error = Some(message(&seen.error));
    }
    observed
}

/// Watches a stream.
#[derive(Default)]
pub(super) struct Watch {
    /// The usage so far, as Anthropic writes it.
    sum: Map<String, Value>,
    observed: Observed,
}

impl Observer for Watch {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        match kind(frame) {
            Kind::Content => self.observed.content_chunks += 1,
            Kind::Parsed => self.parse(frame.data),
            Kind::Block => note_files(frame.data, &mut self.observed),
            Kind::Other => {}
        }
        Verdict::Forward
    }

    fn observed(&self) -> &Observed {
        &self.observed
    }
}

impl Watch {
    fn parse(&mut self, data: &[u8]) {
        let Some(seen) = known::<Seen>(data) else { return };
        match seen.r#type.as_str() {
            Some("message_start") => {
                let Message { usage, container } = seen.message.unwrap_or_default().0;
                add(&mut self.sum, &usage, &mut self.observed);
                note_container(&container, &mut self.observed);
            }
            Some("message_delta") => {
                add(&mut self.sum, &seen.usage, &mut self.observed);
                note_container(&seen.delta.unwrap_or_default().0.container, &mut self.observed);
            }
            Some("message_stop") => self.observed.complete = true,
            Some("content_block_delta") => self.observed.content_chunks += 1,
            Some("content_block_start") => note_files(data, &mut self.observed),
            Some("error") => self.observed.error = Some(message(&seen.error)),
            _ => {}
        }
    }
}

enum Kind {
    Content,
    Parsed,
    Block,
    Other,
}

/// What kind of event it is, by its name; one without a name is parsed if it may matter.
fn kind(frame: &Frame<'_>) -> Kind {
    if frame.is_error {
        return Kind::Parsed;
    }
    match frame.event {
        "content_block_delta" => Kind::Content,
        "message_start" | "message_delta" | "message_stop" | "error" => Kind::Parsed,
        "content_block_start" => Kind::Block,
        "" if !frame.data.is_empty() => Kind::Parsed,
        _ => Kind::Other,
    }
}

fn add(sum: &mut Map<String, Value>, later: &Value, observed: &mut Observed) {
    let Value::Object(later) = later else { return };
    usage::merge(sum, later);
    observed.service_tier = answer::tier(sum);
    let counts: Usage = usage::counts(sum);
    observed.usage = Some(counts);
}

fn message(error: &Value) -> String {
    error.get("message").and_then(Value::as_str).unwrap_or("an error without a message").to_owned()
}

fn note_container(container: &Value, observed: &mut Observed) {
    if let Some(id) = container.get("id").and_then(Value::as_str) {
        observed.note(ObjectKind::Container, id);
    }
}

/// Notes the files that the code which was run has written.
fn note_files(json: &[u8], observed: &mut Observed) {
    if FILE.find(json).is_some()
        && let Ok(json) = serde_json::from_slice::<Value>(json)
    {
        look_for_files(&json, observed);
    }
}

fn look_for_files(value: &Value, observed: &mut Observed) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| look_for_files(value, observed)),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (text("type"), text("file_id"))
                && kind.ends_with("_output")
            {
                observed.note(ObjectKind::File, id);
            }
            members.values().for_each(|value| look_for_files(value, observed));
        }
        _ => {}
    }
}
