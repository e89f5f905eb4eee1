//! Content blocks: the pieces of requests and answers alike.

mod cache;
mod citation;
mod media;
mod read;
mod write;

use llm_core::chat::Part;
use serde_json::{Map, Value};

use super::ME;

pub(super) use cache::{point, read as read_cache};
pub(super) use citation::{read as read_citation, write as write_citation};
pub(super) use read::{Speaker, list, one};
pub(super) use write::{Asking, answer, is_sent_thought, request};

/// Kept members that belong to the event which brought a part, not to the part: `event` holds what was left of the
/// event, `delta` of its delta. They never reach a block or a body.
pub(super) const EVENT: &str = "event";
/// See [`EVENT`].
pub(super) const DELTA: &str = "delta";

/// What was kept of a block: its own members, and those of the member `kind` that makes it what it is.
fn kept(kind: &str, part: &Part) -> (Map<String, Value>, Map<String, Value>) {
    let mut outer = part.native.object(ME);
    outer.shift_remove(EVENT);
    outer.shift_remove(DELTA);
    let inner = match outer.shift_remove(kind) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    (outer, inner)
}

/// A block of a kind, around what the kind holds.
fn block(kind: &str, mut outer: Map<String, Value>, inner: impl Into<Value>) -> Value {
    outer.insert(kind.to_owned(), inner.into());
    Value::Object(outer)
}
