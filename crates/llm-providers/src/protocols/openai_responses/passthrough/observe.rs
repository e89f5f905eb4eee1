//! Watches answers go by: only what carries usage, the end or an error is parsed.

use llm_core::codec::{Frame, Observed, Observer, Verdict};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::usage;
use crate::protocols::reader::Nested;

/// The members of a response that matter here. Whatever else there is, is skipped unread.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Response {
    output: Option<IgnoredAny>,
    status: Value,
    usage: Value,
    service_tier: Value,
    error: Value,
}

/// Those of an event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    r#type: Value,
    response: Option<Nested<Response>>,
    error: Value,
    message: Value,
}

impl Response {
    fn look(self, observed: &mut Observed) {
        if let Value::Object(members) = self.usage {
            observed.usage = Some(usage::read(members));
        }
        if let Value::String(tier) = self.service_tier {
            observed.service_tier = Some(tier);
        }
        observed.error = message(&self.error);
        observed.complete = self.output.is_some() && observed.error.is_none() && self.status != "failed";
        observed.finished = observed.complete;
    }
}

/// Looks at a whole answer.
pub(super) fn whole(body: &[u8]) -> Observed {
    let mut observed = Observed { content_chunks: 1, ..Observed::default() };
    if let Ok(response) = serde_json::from_slice::<Response>(body) {
        response.look(&mut observed);
    }
    observed
}

/// An error's words.
fn message(error: &Value) -> Option<String> {
    match error {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        error => Some(error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned)),
    }
}

/// Watches a stream.
#[derive(Default)]
pub(super) struct Watch(Observed);

impl Observer for Watch {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        match frame.event {
            "" if frame.data.is_empty() => {}
            "" | "error" => self.parse(frame.data),
            name if name.ends_with(".delta") => self.0.content_chunks += 1,
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                self.parse(frame.data);
            }
            _ => {}
        }
        Verdict::Forward
    }

    fn observed(&self) -> &Observed {
        &self.0
    }
}

impl Watch {
    fn parse(&mut self, data: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
        match event.r#type.as_str().unwrap_or_default() {
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                event.response.unwrap_or_default().0.look(&mut self.0);
            }
            "error" => {
                let said = message(&event.error).or_else(|| message(&event.message));
                self.0.error = Some(said.unwrap_or_else(|| "an error without a message".to_owned()));
            }
            kind if kind.ends_with(".delta") => self.0.content_chunks += 1,
            "" => self.0.error = message(&event.error).or(self.0.error.take()),
            _ => {}
        }
    }
}
