//! Content blocks: the pieces of requests and answers alike.

mod cache;
mod citation;
mod media;
mod read;
mod write;

use llm_core::chat::Part;
use serde_json::{Map, Value};

pub(super) use cache::{read as read_cache, write as write_cache};
pub(super) use citation::{read as read_citation, write as write_citation};
pub(super) use read::{of_provider, take_content};
pub(super) use write::{Asking, answer, begun, is_sent_thought, request};

/// Kept members that belong to the event which brought a part, not to the part: `event` holds what was left of the
/// event, `delta` of its delta. They never reach a block or a body.
pub(super) const EVENT: &str = "event";
/// See [`EVENT`].
pub(super) const DELTA: &str = "delta";

/// An object that begins with `type` and goes on with what the part's own protocol kept.
fn object(kind: &str, part: &Part) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("type".to_owned(), kind.into());
    for (name, value) in part.native.members(super::ME).into_iter().flatten() {
        if name != EVENT && name != DELTA {
            object.insert(name.clone(), value.clone());
        }
    }
    object
}

/// Spells a list of blocks as `content` and `system` are spelled: one text without anything else is a string, unless
/// `hint`, the shape that the caller used, is a list. Nothing at all is spelled as the hint says, or not.
pub(super) fn spell(mut blocks: Vec<Value>, hint: Option<&Value>) -> Option<Value> {
    let as_list = hint.is_some_and(Value::is_array);
    match blocks.as_mut_slice() {
        [] => hint.cloned(),
        [Value::Object(only)] if !as_list && is_bare(only) => only.remove("text"),
        _ => Some(Value::Array(blocks)),
    }
}

fn is_bare(block: &Map<String, Value>) -> bool {
    block.len() == 2
        && block.get("type").and_then(Value::as_str) == Some("text")
        && block.get("text").is_some_and(Value::is_string)
}
