//! What a conversation names that providers store (law 13), wherever it stands: in media, in parts and members that only
//! one protocol knows, and in the settings of a provider's own tools.

use serde_json::Value;

use super::{ChatRequest, Content, MediaSource, Part, Tool};
use crate::Native;
use crate::codec::Stored;
use crate::stored::google_file;

/// Members of requests and tools whose value, or its `id`, is the id of something stored.
const SINGLE: [&str; 8] = [
    "previous_response_id",
    "conversation",
    "container",
    "container_id",
    "file_id",
    "vector_store_id",
    "cachedContent",
    "cached_content",
];
/// Members that list such ids.
const LISTS: [&str; 2] = ["file_ids", "vector_store_ids"];
/// Kinds of parts that hand a stored file over. Others tell of files that a provider's tools have made.
const HANDS_OVER: [&str; 4] = ["input_file", "input_image", "container_upload", "file"];

/// All of it.
pub(super) fn named(request: &ChatRequest) -> Vec<Stored> {
    let mut named = Vec::new();
    for message in &request.messages {
        message.parts.iter().for_each(|part| in_part(part, &mut named));
    }
    for tool in &request.tools {
        if let Tool::Provider { native } = tool {
            members(native).for_each(|(name, value)| in_member("tools", name, value, &mut named));
        }
    }
    for (name, value) in members(&request.native) {
        let param = SINGLE.iter().find(|known| *known == name).copied().unwrap_or("native");
        in_member(param, name, value, &mut named);
    }
    named
}

/// What parts that stand in no conversation name.
pub(crate) fn in_parts(parts: &[Part]) -> Vec<Stored> {
    let mut named = Vec::new();
    parts.iter().for_each(|part| in_part(part, &mut named));
    named
}

fn members(native: &Native) -> impl Iterator<Item = (&String, &Value)> {
    native.protocol().and_then(|protocol| native.members(protocol)).into_iter().flatten()
}

fn in_part(part: &Part, named: &mut Vec<Stored>) {
    match &part.content {
        Content::Media(media) => match &media.source {
            MediaSource::File { id } => {
                named.push(Stored::new("file_id", google_file(id).unwrap_or(id)));
            }
            MediaSource::Url { url } => {
                named.extend(google_file(url).map(|id| Stored::new("file_uri", id)));
            }
            MediaSource::Base64 { .. } | MediaSource::Text { .. } => {}
        },
        Content::ToolResult(result) => result.content.iter().for_each(|part| in_part(part, named)),
        Content::Unknown { value, .. } => in_unknown(value, named),
        _ => {}
    }
}

/// A part or item as its own protocol writes it.
fn in_unknown(value: &Value, named: &mut Vec<Stored>) {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    match text("type") {
        Some("item_reference") => named.extend(text("id").map(|id| Stored::new("messages", id))),
        Some(kind) if HANDS_OVER.contains(&kind) => {
            named.extend(text("file_id").map(|id| Stored::new("file_id", id)));
        }
        _ => {}
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| in_unknown(value, named)),
        Value::Object(members) => members.values().for_each(|value| in_unknown(value, named)),
        _ => {}
    }
}

fn in_member(param: &'static str, name: &str, value: &Value, named: &mut Vec<Stored>) {
    if SINGLE.contains(&name) {
        let id = value.as_str().or_else(|| value.get("id").and_then(Value::as_str));
        named.extend(id.map(|id| Stored::new(param, id)));
    }
    if LISTS.contains(&name) {
        let ids = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        named.extend(ids.map(|id| Stored::new(param, id)));
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| in_member(param, "", value, named)),
        Value::Object(members) => members.iter().for_each(|(name, value)| in_member(param, name, value, named)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
