//! Where a text is taken from.

use llm_core::chat::{Citation, CitedPlace, CitedUnit};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::ME;

/// Reads one citation. Documents name their title `document_title`, pages `title`; an empty one is left behind where
/// the former was used.
pub(crate) fn read(members: Map<String, Value>) -> Citation {
    let mut fields = Fields::new(members);
    let title = fields.take_nonempty("title").or_else(|| {
        let title = fields.take_nonempty("document_title")?;
        fields.put("document_title", "".into());
        Some(title)
    });
    let place = place(&fields);
    Citation {
        place,
        url: fields.take_text("url"),
        title,
        cited_text: fields.take_text("cited_text"),
        native: fields.into_native(ME),
    }
}

/// The types of citations of what the caller sent along, and the names of index, start and end in each.
static PLACES: [(CitedUnit, &str, [&str; 3]); 4] = [
    (CitedUnit::Character, "char_location", ["document_index", "start_char_index", "end_char_index"]),
    (CitedUnit::Page, "page_location", ["document_index", "start_page_number", "end_page_number"]),
    (CitedUnit::Block, "content_block_location", ["document_index", "start_block_index", "end_block_index"]),
    (
        CitedUnit::SearchResultBlock,
        "search_result_location",
        ["search_result_index", "start_block_index", "end_block_index"],
    ),
];

/// The place that a citation says. Its members stay.
fn place(fields: &Fields) -> Option<CitedPlace> {
    let (unit, _, names) = PLACES.iter().find(|(_, kind, _)| fields.text("type") == Some(kind))?;
    let [index, start, end] = names.map(|name| fields.get(name).and_then(Value::as_u64));
    Some(CitedPlace { unit: unit.clone(), index: index?, start: start?, end: end? })
}

/// Writes the citation of a place that another protocol's provider named, with what official SDKs require.
fn write_place(place: &CitedPlace, citation: &Citation) -> Option<Value> {
    let (unit, kind, [index, start, end]) = PLACES.iter().find(|(unit, ..)| *unit == place.unit)?;
    let cited_text = citation.cited_text.as_deref().unwrap_or_default();
    let mut object = json!({
        "type": kind, "cited_text": cited_text, *index: place.index, *start: place.start, *end: place.end,
    });
    if *unit == CitedUnit::SearchResultBlock {
        object["source"] = citation.url.as_deref().unwrap_or_default().into();
        object["title"] = citation.title.as_deref().into();
    } else {
        object["document_title"] = citation.title.as_deref().into();
    }
    Some(object)
}

/// Writes one citation. One of another protocol is said as of a place in what the caller sent, where it names one, or
/// as a web page's, where it has an address; none can be said otherwise.
pub(crate) fn write(citation: &Citation) -> Option<Value> {
    let mut object = citation.native.object(ME);
    let own = citation.native.is_from(ME);
    if !own {
        if let Some(place) = &citation.place {
            return write_place(place, citation);
        }
        citation.url.as_ref()?;
        object.insert("type".to_owned(), "web_search_result_location".into());
        object.insert("encrypted_index".to_owned(), "".into());
        object.insert("cited_text".to_owned(), "".into());
        object.insert("title".to_owned(), Value::Null);
    }
    let title =
        if object.get("document_title").and_then(Value::as_str) == Some("") { "document_title" } else { "title" };
    let members = [("url", &citation.url), (title, &citation.title), ("cited_text", &citation.cited_text)];
    for (name, text) in members {
        if let Some(text) = text {
            object.insert(name.to_owned(), text.as_str().into());
        }
    }
    Some(object.into())
}

/// Takes the citations of a text block. A list that holds anything but objects stays as it is.
pub(super) fn take_all(fields: &mut Fields) -> Vec<Citation> {
    let all_objects = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_object);
    if !fields.get("citations").and_then(Value::as_array).is_some_and(all_objects) {
        return Vec::new();
    }
    let list = fields.take_list("citations").unwrap_or_default();
    let objects = list.into_iter().filter_map(|value| match value {
        Value::Object(members) => Some(members),
        _ => None,
    });
    objects.map(read).collect()
}

/// Writes the citations of a text block.
pub(super) fn write_all(citations: &[Citation], object: &mut Map<String, Value>) {
    let list: Vec<Value> = citations.iter().filter_map(write).collect();
    if !list.is_empty() {
        object.insert("citations".to_owned(), list.into());
    }
}

#[cfg(test)]
mod tests;
