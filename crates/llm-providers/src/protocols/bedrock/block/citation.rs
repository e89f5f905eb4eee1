//! Where a text is taken from.

use llm_core::chat::Citation;
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
    Citation { url, title: fields.take_nonempty("title"), cited_text, native: fields.into_native(ME) }
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
