//! An answer that is kept.

use llm_core::stored::Made;
use llm_providers::framing;
use memchr::memmem;
use serde_json::{Value, json};

use super::turn::{Turn, items};
use crate::Gateway;
use crate::call::asked::Asked;
use crate::call::stored;
use crate::record::{Object, ObjectKind};
use crate::routing::Deployment;

/// The events that end a stream with a whole response.
const ENDS: [&str; 2] = ["response.completed", "response.incomplete"];

/// What is recorded of a response as its caller sees it: itself, and where its items are. Nothing where it has not ended
/// well, or is larger than what is kept.
pub(in super::super) fn objects(
    gateway: &Gateway,
    asked: &Asked,
    deployment: &Deployment,
    response: Value,
) -> Vec<Object> {
    let Some(own) = &asked.own else { return Vec::new() };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let has_ended = matches!(text(&response, "status").as_deref(), Some("completed" | "incomplete"));
    let Some(id) = text(&response, "id").filter(|id| has_ended && !id.is_empty()) else { return Vec::new() };
    let said = own.said.clone().unwrap_or_else(|| {
        let body = serde_json::from_slice::<Value>(&asked.body).ok();
        items(body.and_then(|mut body| body.get_mut("input").map(Value::take)))
    });
    let turn = Turn { previous: own.previous.clone(), said, response };
    let item_ids: Vec<String> = turn.answered().iter().filter_map(|item| text(item, "id")).collect();
    let Ok(detail) = serde_json::to_value(&turn) else { return Vec::new() };
    if detail.to_string().len() as u64 > gateway.config.responses.max_size.0 {
        tracing::warn!(call = %asked.id, "a response is larger than `responses.max_size` and is not kept");
        return Vec::new();
    }
    let object = |kind, id: &str, detail| {
        let made = Made { kind, id: id.to_owned() };
        Object { detail, ..stored::object(asked, deployment, &made) }
    };
    let mut all: Vec<Object> =
        item_ids.iter().map(|item| object(ObjectKind::OwnItem, item, json!({ "of": id }))).collect();
    all.push(object(ObjectKind::OwnResponse, &id, detail));
    all
}

/// The whole response with which a caller's stream ends. `events`: the last of them.
pub(in super::super) fn ended_in(events: &[u8]) -> Option<Value> {
    let mut framer = framing::for_content_type(Some("text/event-stream"))?;
    framer.push(events);
    let mut ended = None;
    while let Ok(Some(raw)) = framer.next_frame() {
        let frame = raw.frame;
        let may_end = |name: &&str| frame.event == *name || memmem::find(frame.data, name.as_bytes()).is_some();
        if ENDS.iter().any(may_end)
            && let Ok(mut event) = serde_json::from_slice::<Value>(frame.data)
            && event.get("type").and_then(Value::as_str).is_some_and(|kind| ENDS.contains(&kind))
        {
            ended = event.get_mut("response").map(Value::take);
        }
    }
    ended
}
