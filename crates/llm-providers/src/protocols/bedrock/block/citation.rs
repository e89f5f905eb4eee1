//! Where a text is taken from.

use llm_core::chat::{Citation, CitedPlace, CitedUnit};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::ME;

/// Reads one citation. Its address is the `source` if that is one, else the page of a `location`; an empty text is left
/// where it was taken.
pub(crate) fn read(members: Map<String, Value>) -> Citation {
    let mut fields = Fields::new(members);
    let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    let url = match fields.text("source") {
        Some(source) if is_url(source) => {
            let url = fields.take_text("source");
            fields.put("source", "".into());
            url
        }
        _ => take_web(&mut fields),
    };
    let cited_text = match fields.get("sourceContent").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(only)]) if only.get("text").is_some_and(Value::is_string) => {
            let mut rest = Fields::new(only.clone());
            let text = rest.take_text("text");
            fields.put("sourceContent", json!([rest.into_members()]));
            text
        }
        _ => None,
    };
    let place = fields.get("location").and_then(place);
    Citation { url, title: fields.take_nonempty("title"), cited_text, place, native: fields.into_native(ME) }
}

/// The members of a `location` in what the caller sent along, and the name of the index in each.
static PLACES: [(CitedUnit, &str, &str); 4] = [
    (CitedUnit::Character, "documentChar", "documentIndex"),
    (CitedUnit::Page, "documentPage", "documentIndex"),
    (CitedUnit::Block, "documentChunk", "documentIndex"),
    (CitedUnit::SearchResultBlock, "searchResultLocation", "searchResultIndex"),
];

/// The place that a `location` says. It stays there.
fn place(location: &Value) -> Option<CitedPlace> {
    let (unit, found, index) =
        PLACES.iter().find_map(|(unit, name, index)| Some((unit, location.get(name)?, index)))?;
    let count = |name: &str| found.get(name).and_then(Value::as_u64);
    Some(CitedPlace { unit: unit.clone(), index: count(index)?, start: count("start")?, end: count("end")? })
}

fn write_place(place: &CitedPlace) -> Option<Value> {
    let (_, name, index) = PLACES.iter().find(|(unit, ..)| *unit == place.unit)?;
    Some(json!({*name: {*index: place.index, "start": place.start, "end": place.end}}))
}

fn take_web(fields: &mut Fields) -> Option<String> {
    let mut location = fields.get("location")?.clone();
    let url = location.pointer_mut("/web/url").filter(|url| url.is_string())?;
    let Value::String(url) = std::mem::replace(url, "".into()) else { return None };
    fields.put("location", location);
    Some(url)
}

/// Writes one citation.
pub(crate) fn write(citation: &Citation) -> Value {
    let mut object = citation.native.object(ME);
    let own = citation.native.is_from(ME);
    if let Some(place) = citation.place.as_ref().filter(|_| !own).and_then(write_place) {
        object.insert("location".to_owned(), place);
    }
    if let Some(url) = &citation.url {
        let web = object.get_mut("location").and_then(|location| location.pointer_mut("/web/url"));
        match web.filter(|place| place.as_str() == Some("")) {
            Some(place) if own => *place = url.as_str().into(),
            _ => {
                object.insert("source".to_owned(), url.as_str().into());
            }
        }
    }
    if let Some(title) = &citation.title {
        object.insert("title".to_owned(), title.as_str().into());
    }
    if let Some(text) = &citation.cited_text {
        let mut piece = match object.get("sourceContent").and_then(|list| list.get(0)) {
            Some(Value::Object(piece)) => piece.clone(),
            _ => Map::new(),
        };
        piece.insert("text".to_owned(), text.as_str().into());
        object.insert("sourceContent".to_owned(), json!([piece]));
    }
    object.into()
}

#[cfg(test)]
mod tests;
