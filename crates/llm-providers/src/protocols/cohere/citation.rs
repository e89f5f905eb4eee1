//! Citations, which stand beside the content and name the part they belong to.

use llm_core::chat::{Citation, Content, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::COHERE;

/// The list of a message, and the one of an event.
pub(super) const CITATIONS: &str = "citations";

/// Reads one citation; everything but the cited words stays in its native. Title and URL are those of its first source
/// that has them.
pub(super) fn read(members: Map<String, Value>) -> Citation {
    let mut fields = Fields::new(members);
    let sources = fields.get("sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_source = |name: &str| {
        let found = sources.iter().find_map(|source| source.get("document")?.get(name)?.as_str());
        found.map(str::to_owned)
    };
    let (url, title) = (of_source("url"), of_source("title"));
    let cited_text = fields.take_text("text");
    Citation { url, title, cited_text, place: None, native: fields.into_native(COHERE) }
}

/// The content part that a citation says it belongs to.
pub(super) fn content_index(members: &Map<String, Value>) -> Option<u64> {
    members.get("content_index").and_then(Value::as_u64)
}

/// Writes one citation. `place` is the content part it belongs to, for those of other protocols.
pub(super) fn write(citation: &Citation, place: usize) -> Value {
    let mut out = citation.native.object(COHERE);
    if let Some(text) = &citation.cited_text {
        out.insert("text".to_owned(), json!(text));
    }
    if !citation.native.is_from(COHERE) {
        let mut document = Map::new();
        for (name, value) in [("title", &citation.title), ("url", &citation.url)] {
            if let Some(value) = value {
                document.insert(name.to_owned(), json!(value));
            }
        }
        let id = citation.url.as_ref().or(citation.title.as_ref());
        out.insert("content_index".to_owned(), json!(place));
        out.insert("sources".to_owned(), json!([{"type": "document", "id": id, "document": document}]));
    }
    Value::Object(out)
}

/// Takes the citations out of a message and gives each to its text part. Where they would come back in another order,
/// or there is no text, the last text gets them all, or they stay.
pub(super) fn take(message: &mut Fields, parts: &mut [Part]) {
    let readable = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_object);
    if !message.get(CITATIONS).and_then(Value::as_array).is_some_and(readable) {
        return;
    }
    let is_text = |part: &Part| part.as_text().is_some() && !super::message::is_plan(part);
    let Some(last) = parts.iter().rposition(is_text) else { return };
    let list = message.take_list(CITATIONS).unwrap_or_default();
    // The plan and the calls stand outside the content, so places are counted among what stands within.
    let listed: Vec<usize> = (0..parts.len()).filter(|&at| super::message::is_in_content(&parts[at])).collect();
    let place = |value: &Value| {
        let index = content_index(value.as_object()?)?;
        let at = *listed.get(usize::try_from(index).ok()?)?;
        parts.get(at).filter(|part| is_text(part)).map(|_| at)
    };
    let mut places: Vec<usize> = list.iter().map(|value| place(value).unwrap_or(last)).collect();
    if !places.is_sorted() {
        places.fill(last);
    }
    for (value, at) in list.into_iter().zip(places) {
        let (Value::Object(members), Some(part)) = (value, parts.get_mut(at)) else { continue };
        if let Content::Text { citations, .. } = &mut part.content {
            citations.push(read(members));
        }
    }
}

/// Writes the citations of all texts.
pub(super) fn write_all(parts: &[&Part], out: &mut Map<String, Value>) {
    let mut all = Vec::new();
    let listed = parts.iter().filter(|part| super::message::is_in_content(part));
    for (place, part) in listed.enumerate() {
        if let Content::Text { citations, .. } = &part.content {
            all.extend(citations.iter().map(|citation| write(citation, place)));
        }
    }
    if !all.is_empty() {
        out.insert(CITATIONS.to_owned(), Value::Array(all));
    }
}
