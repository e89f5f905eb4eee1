//! Watches answers go by: only what carries usage, the end or an error is parsed.

use llm_core::Usage;
use llm_core::codec::{Frame, Observed, Observer, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{answer, usage};
use crate::protocols::reader::Nested;

/// The members of an answer or event that matter here. Whatever else there is, is skipped unread.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Seen {
    r#type: Value,
    usage: Value,
    message: Option<Nested<Message>>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    usage: Value,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Observed {
    let mut observed = Observed::default();
    let Ok(seen) = serde_json::from_slice::<Seen>(body) else { return observed };
    let mut sum = Map::new();
    add(&mut sum, &seen.usage, &mut observed);
    observed.complete = seen.r#type.as_str() == Some("message");
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
        let Ok(seen) = serde_json::from_slice::<Seen>(data) else { return };
        match seen.r#type.as_str() {
            Some("message_start") => {
                let usage = seen.message.unwrap_or_default().0.usage;
                add(&mut self.sum, &usage, &mut self.observed);
            }
            Some("message_delta") => add(&mut self.sum, &seen.usage, &mut self.observed),
            Some("message_stop") => self.observed.complete = true,
            Some("content_block_delta") => self.observed.content_chunks += 1,
            Some("error") => self.observed.error = Some(message(&seen.error)),
            _ => {}
        }
    }
}

enum Kind {
    Content,
    Parsed,
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
