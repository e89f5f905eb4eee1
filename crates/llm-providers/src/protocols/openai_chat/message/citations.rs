//! `annotations` of the kind `url_citation`, and the citations of a text.

use llm_core::chat::{Citation, Content, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::sources;

/// The list of annotations.
const ANNOTATIONS: &str = "annotations";
const KIND: &str = "url_citation";

/// Takes the citations out of a message or delta. Other annotations stay, with null in the places of the citations.
pub(in super::super) fn take(message: &mut Fields) -> Vec<Citation> {
    let has_some = message.get(ANNOTATIONS).and_then(Value::as_array).is_some_and(|list| list.iter().any(is_citation));
    if !has_some {
        return Vec::new();
    }
    let mut citations = Vec::new();
    let mut shape = message.take_list(ANNOTATIONS).unwrap_or_default();
    for place in shape.iter_mut().filter(|value| is_citation(value)) {
        citations.extend(read(place.take()));
    }
    message.put(ANNOTATIONS, Value::Array(shape));
    citations
}

fn is_citation(value: &Value) -> bool {
    value.get(KIND).and_then(|citation| citation.get("url")).is_some_and(Value::is_string)
}

fn read(value: Value) -> Option<Citation> {
    let mut outer = Fields::at(ANNOTATIONS, value).ok()?;
    let mut inner = outer.take_object(KIND)?;
    let citation = Citation { url: inner.take_text("url"), title: inner.take_text("title"), ..Citation::default() };
    outer.put(KIND, Value::Object(inner.into_members()));
    Some(Citation { native: outer.into_native(PROTOCOL), ..citation })
}

/// A citation as an annotation; none where it has no URL. `span` is where the cited text stands, in characters, for
/// citations of other protocols.
pub(in super::super) fn write(citation: &Citation, span: (usize, usize)) -> Option<Value> {
    if sources::stands_beside(citation) {
        return None;
    }
    let url = citation.url.as_deref()?;
    if citation.native.is_from(PROTOCOL) {
        let mut outer = citation.native.object(PROTOCOL);
        if let Some(inner) = outer.get_mut(KIND).and_then(Value::as_object_mut) {
            inner.insert("url".to_owned(), json!(url));
            if let Some(title) = &citation.title {
                inner.insert("title".to_owned(), json!(title));
            }
        }
        return Some(Value::Object(outer));
    }
    let title = citation.title.as_deref().unwrap_or_default();
    Some(json!({
        "type": KIND,
        KIND: {"url": url, "title": title, "start_index": span.0, "end_index": span.1},
    }))
}

/// Writes the citations of all texts.
pub(in super::super) fn write_all(parts: &[Part], out: &mut Map<String, Value>) {
    let mut annotations = Vec::new();
    let mut start = 0;
    for part in parts {
        let Content::Text { text, citations } = &part.content else { continue };
        let end = start + text.chars().count();
        annotations.extend(citations.iter().filter_map(|citation| write(citation, (start, end))));
        start = end;
    }
    put(annotations, out);
}

/// Writes annotations over what is left of them.
pub(in super::super) fn put(annotations: Vec<Value>, out: &mut Map<String, Value>) {
    if !annotations.is_empty() {
        let shape = out.remove(ANNOTATIONS);
        out.insert(ANNOTATIONS.to_owned(), Value::Array(super::refill(shape, annotations)));
    }
}
