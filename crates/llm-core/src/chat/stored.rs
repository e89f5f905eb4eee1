//! What a conversation names that providers store (law 13), wherever it stands: in media, in parts and members that only
//! one protocol knows, and in the settings of a provider's own tools.

use serde_json::Value;

use super::{ChatRequest, Content, MediaSource, Part, Tool};
use crate::codec::Stored;
use crate::stored::{google_file, hands_file_over, referred_item};
use crate::{Native, Protocol};

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
/// Kinds of parts that hand a stored file over, in protocols other than OpenAI Responses. Others tell of files that a
/// provider's tools have made.
const HANDS_OVER: [&str; 5] = ["input_file", "input_image", "container_upload", "file", "computer_screenshot"];

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
    in_native(&request.native, &mut named);
    named
}

/// What the members that only one protocol knows name: of a request, or of something in it.
pub(crate) fn in_native(native: &Native, named: &mut Vec<Stored>) {
    for (name, value) in members(native) {
        let word = last_word(name);
        let param = SINGLE.iter().find(|known| **known == word).copied().unwrap_or("native");
        in_member(param, word, value, named);
    }
}

/// What media name by their source, if they do.
pub(crate) fn in_source(source: &MediaSource) -> Option<Stored> {
    match source {
        MediaSource::File { id } => Some(Stored::new("file_id", google_file(id).unwrap_or(id))),
        MediaSource::Url { url } => google_file(url).map(|id| Stored::new("file_uri", id)),
        MediaSource::Base64 { .. } | MediaSource::Text { .. } => None,
    }
}

/// The member that the name of a form's field ends in: `mask[file_id]`, `file_ids[]`.
fn last_word(name: &str) -> &str {
    let name = name.strip_suffix("[]").unwrap_or(name);
    name.strip_suffix(']').and_then(|name| name.rsplit_once('[')).map_or(name, |(_, last)| last)
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
        Content::Media(media) => {
            named.extend(in_source(&media.source));
            // A host may heed an id beside the source that we have read.
            in_native(&part.native, named);
        }
        Content::ToolResult(result) => result.content.iter().for_each(|part| in_part(part, named)),
        Content::Unknown { protocol: Protocol::OpenAiResponses, value } => {
            named.extend(referred_item(value).map(|id| Stored::new("messages", id)));
            in_unknown(hands_file_over, value, named);
        }
        Content::Unknown { value, .. } => {
            in_unknown(|kind| kind.is_some_and(|kind| HANDS_OVER.contains(&kind)), value, named);
        }
        _ => {}
    }
}

/// A part or item as its own protocol writes it; `hands_over` says of a kind whether it hands over the file it names.
fn in_unknown(hands_over: fn(Option<&str>) -> bool, value: &Value, named: &mut Vec<Stored>) {
    let kind = value.get("type").and_then(Value::as_str);
    if hands_over(kind) {
        named.extend(value.get("file_id").and_then(Value::as_str).map(|id| Stored::new("file_id", id)));
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| in_unknown(hands_over, value, named)),
        Value::Object(members) => members.values().for_each(|value| in_unknown(hands_over, value, named)),
        _ => {}
    }
}

fn in_member(param: &'static str, name: &str, value: &Value, named: &mut Vec<Stored>) {
    if SINGLE.contains(&name) {
        // A form repeats a field.
        let several = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let ids = several.iter().filter_map(|one| one.as_str().or_else(|| one.get("id").and_then(Value::as_str)));
        named.extend(ids.map(|id| Stored::new(param, id)));
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
