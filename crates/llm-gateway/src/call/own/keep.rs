//! An answer that is kept.

use bytes::Bytes;
use llm_core::codec::Frame;
use llm_core::stored::Made;
use llm_providers::framing::{Framer, SseFramer};
use memchr::memmem;
use serde_json::{Value, json};

use super::Keep;
use super::turn::{Turn, items};
use crate::Gateway;
use crate::call::asked::Asked;
use crate::call::stored;
use crate::record::{Object, ObjectKind};
use crate::routing::Deployment;

/// The events that end a stream with a whole response.
const ENDS: [&str; 2] = ["response.completed", "response.incomplete"];

/// What is recorded of a response as its caller sees it.
#[derive(Debug, Default)]
pub(in super::super) struct Kept {
    /// Itself, and where its items are. Nothing where it has not ended well; of one that is larger than what is kept, that
    /// it was.
    pub(in super::super) objects: Vec<Object>,
    /// Whether it is larger than what is kept.
    pub(in super::super) is_too_large: bool,
}

/// What is to be recorded of `response`.
pub(in super::super) fn kept(gateway: &Gateway, asked: &Asked, deployment: &Deployment, response: Value) -> Kept {
    let Some(own) = &asked.own else { return Kept::default() };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let has_ended = matches!(text(&response, "status").as_deref(), Some("completed" | "incomplete"));
    let Some(id) = text(&response, "id").filter(|id| has_ended && !id.is_empty()) else { return Kept::default() };
    let object = |kind, id: &str, detail| {
        let made = Made { kind, id: id.to_owned() };
        Object { detail, ..stored::object(asked, deployment, &made) }
    };
    let too_large = || {
        tracing::warn!(call = %asked.id, "a response is larger than `responses.max_size` and is not kept");
        let detail = json!(Turn { too_large: true, ..Turn::default() });
        Kept { objects: vec![object(ObjectKind::OwnResponse, &id, detail)], is_too_large: true }
    };
    if own.keep == Keep::TooLarge {
        return too_large();
    }
    let said = own.said.clone().unwrap_or_else(|| {
        let body = serde_json::from_slice::<Value>(&asked.body).ok();
        items(body.and_then(|mut body| body.get_mut("input").map(Value::take)))
    });
    let turn = Turn { previous: own.previous.clone(), said, response, too_large: false };
    let item_ids: Vec<String> = turn.answered().iter().filter_map(|item| text(item, "id")).collect();
    let Ok(detail) = serde_json::to_value(&turn) else { return Kept::default() };
    if detail.to_string().len() as u64 > gateway.config.responses.max_size.0 {
        return too_large();
    }
    let mut all: Vec<Object> =
        item_ids.iter().map(|item| object(ObjectKind::OwnItem, item, json!({ "of": id }))).collect();
    all.push(object(ObjectKind::OwnResponse, &id, detail));
    Kept { objects: all, is_too_large: false }
}

/// The whole response with which a caller's stream ends. `events`: the last of them.
pub(in super::super) fn ended_in(events: &[u8]) -> Option<Value> {
    let mut framer = SseFramer::default();
    framer.push(events);
    let mut ended = None;
    while let Ok(Some(raw)) = framer.next_frame() {
        if let Some(mut event) = end(&raw.frame) {
            ended = event.get_mut("response").map(Value::take);
        }
    }
    ended
}

/// The event that ends a stream with a whole response.
fn end(frame: &Frame<'_>) -> Option<Value> {
    let may_end = |name: &&str| frame.event == *name || memmem::find(frame.data, name.as_bytes()).is_some();
    let event: Value = ENDS.iter().any(may_end).then(|| serde_json::from_slice(frame.data).ok())??;
    event.get("type").and_then(Value::as_str).is_some_and(|kind| ENDS.contains(&kind)).then_some(event)
}

/// A response that says of itself that it is not kept.
pub(in super::super) fn unkept(body: &[u8]) -> Option<Bytes> {
    let mut response: Value = serde_json::from_slice(body).ok()?;
    unkeep(&mut response);
    Some(Bytes::from(response.to_string()))
}

/// Lets the response with which `events` end say so.
pub(in super::super) fn unkept_in(events: &[u8]) -> Vec<u8> {
    let mut framer = SseFramer::default();
    framer.push(events);
    let mut out = Vec::with_capacity(events.len());
    while let Ok(Some(raw)) = framer.finish() {
        match end(&raw.frame) {
            Some(mut event) => {
                event.get_mut("response").into_iter().for_each(unkeep);
                if !raw.frame.event.is_empty() {
                    out.extend_from_slice(format!("event: {}\n", raw.frame.event).as_bytes());
                }
                out.extend_from_slice(format!("data: {event}\n\n").as_bytes());
            }
            None => out.extend_from_slice(raw.raw),
        }
    }
    out
}

fn unkeep(response: &mut Value) {
    if let Some(members) = response.as_object_mut() {
        members.insert("store".to_owned(), json!(false));
    }
}
