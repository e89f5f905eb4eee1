//! `annotations` of the kind `url_citation`, and the citations of a text.

use llm_core::chat::Citation;
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::PROTOCOL;
use crate::protocols::openai_chat::message::refill;

/// The list of annotations.
const ANNOTATIONS: &str = "annotations";
const KIND: &str = "url_citation";

/// Takes the citations out of a text part. Other annotations stay, with null in the places of the citations.
pub(super) fn take(part: &mut Fields) -> Vec<Citation> {
    let has_some = part.get(ANNOTATIONS).and_then(Value::as_array).is_some_and(|list| list.iter().any(is_citation));
    if !has_some {
        return Vec::new();
    }
    let mut shape = part.take_list(ANNOTATIONS).unwrap_or_default();
    let places = shape.iter_mut().filter(|value| is_citation(value));
    let citations = places.filter_map(|place| read(place.take())).collect();
    part.put(ANNOTATIONS, Value::Array(shape));
    citations
}

fn is_citation(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str) == Some(KIND) && value.get("url").is_some_and(Value::is_string)
}

/// One annotation as a citation; none for another kind.
pub(super) fn read(value: Value) -> Option<Citation> {
    if !is_citation(&value) {
        return None;
    }
    let mut fields = Fields::at(ANNOTATIONS, value).ok()?;
    let citation = Citation { url: fields.take_text("url"), title: fields.take_text("title"), ..Citation::default() };
    Some(Citation { native: fields.into_native(PROTOCOL), ..citation })
}

/// A citation as an annotation; none where it has no URL. `span` is where the cited text stands, in characters, for
/// citations of other protocols.
pub(super) fn write(citation: &Citation, span: (usize, usize)) -> Option<Value> {
    let url = citation.url.as_deref()?;
    let title = citation.title.as_deref();
    if citation.native.is_from(PROTOCOL) {
        let mut out = citation.native.object(PROTOCOL);
        out.insert("url".to_owned(), json!(url));
        if let Some(title) = title {
            out.insert("title".to_owned(), json!(title));
        }
        return Some(Value::Object(out));
    }
    Some(json!({
        "type": KIND, "url": url, "title": title.unwrap_or_default(), "start_index": span.0, "end_index": span.1,
    }))
}

/// Writes the citations of a text into its part.
pub(super) fn write_all(text: &str, citations: &[Citation], part: &mut Map<String, Value>) {
    let end = text.chars().count();
    let all: Vec<Value> = citations.iter().filter_map(|citation| write(citation, (0, end))).collect();
    if !all.is_empty() {
        let shape = part.remove(ANNOTATIONS);
        part.insert(ANNOTATIONS.to_owned(), Value::Array(refill(shape, all)));
    }
}
