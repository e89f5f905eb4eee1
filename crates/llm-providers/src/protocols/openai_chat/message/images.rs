//! Pictures that the model made: `images` of a message or delta, each a part as `image_url` is in a request.
//!
//! OpenAI's protocol has no place for them; OpenRouter documents this one, and other hosts and their clients keep to it.
//! The rest of a picture's object stays in the part's native under the same name.

use llm_core::chat::{Content, Media, MediaKind, MediaSource, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;

/// The list of pictures.
const IMAGES: &str = "images";
const KIND: &str = "image_url";

/// Takes the pictures out of a message or delta. What can't be understood stays, with null in the places of the rest;
/// so does a list in which null stands already.
pub(in super::super) fn take(message: &mut Fields) -> Vec<Part> {
    let readable = |list: &Vec<Value>| list.iter().any(is_image) && !list.iter().any(Value::is_null);
    if !message.get(IMAGES).and_then(Value::as_array).is_some_and(readable) {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut shape = message.take_list(IMAGES).unwrap_or_default();
    for place in shape.iter_mut().filter(|value| is_image(value)) {
        parts.extend(read(place.take()));
    }
    message.put(IMAGES, Value::Array(shape));
    parts
}

fn is_image(value: &Value) -> bool {
    value.get(KIND).and_then(|image| image.get("url")).is_some_and(Value::is_string)
}

fn read(value: Value) -> Option<Part> {
    let mut outer = Fields::at(IMAGES, value).ok()?;
    let mut inner = outer.take_object(KIND)?;
    let source = MediaSource::from_url(inner.take_text("url")?);
    outer.put(KIND, Value::Object(inner.into_members()));
    let mut part = Part::from(Media::new(MediaKind::Image, source));
    part.native.insert(PROTOCOL, IMAGES, Value::Object(outer.into_members()));
    Some(part)
}

/// Whether a part stood among the pictures.
pub(in super::super) fn stood_there(part: &Part) -> bool {
    part.native.get(PROTOCOL, IMAGES).is_some()
}

/// A picture of an answer: as it stood, or in full where it came in another protocol; none for other parts, and for
/// pictures that stand in the content list or have neither data nor address.
pub(in super::super) fn write(part: &Part) -> Option<Value> {
    let Content::Media(media) = &part.content else { return None };
    if media.kind != MediaKind::Image || super::parts::is_listed(part) {
        return None;
    }
    let url = media.source.to_url()?;
    let mut outer = match part.native.get(PROTOCOL, IMAGES) {
        Some(Value::Object(rest)) => rest.clone(),
        _ => Map::from_iter([("type".to_owned(), json!(KIND))]),
    };
    let mut inner = match outer.remove(KIND) {
        Some(Value::Object(rest)) => rest,
        _ => Map::new(),
    };
    inner.insert("url".to_owned(), json!(url));
    outer.insert(KIND.to_owned(), Value::Object(inner));
    Some(Value::Object(outer))
}

/// Writes the pictures of an answer's message.
pub(in super::super) fn write_all(parts: &[Part], out: &mut Map<String, Value>) {
    put(parts.iter().filter_map(write).collect(), out);
}

/// Writes pictures over what is left of them.
pub(in super::super) fn put(images: Vec<Value>, out: &mut Map<String, Value>) {
    if !images.is_empty() {
        let shape = out.remove(IMAGES);
        out.insert(IMAGES.to_owned(), Value::Array(super::refill(shape, images)));
    }
}
