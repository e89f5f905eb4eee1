//! Image edits as a form: the files, and everything else as texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, header};
use llm_core::chat::MediaSource;
use llm_core::codec::{DecodeContext, Encoded, RequestHead, Target};
use llm_core::fields::Fields;
use llm_core::image::{ImageInput, ImagesRequest};
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::EDIT;
use crate::protocols::body::Body;
use crate::protocols::multipart::{self, Part};

/// The media type of a file whose sender did not say it.
const UNKNOWN: &str = "application/octet-stream";

/// The form as a JSON object of its texts; its files go into `request`. A name that stands there several times
/// (`x[]`) becomes a list.
pub(super) fn read(head: &RequestHead, body: &[u8], request: &mut ImagesRequest) -> Result<Fields> {
    let mut members = Map::new();
    for part in multipart::read(&head.headers, body)? {
        match (part.name.as_str(), &part.filename) {
            ("image" | "image[]", Some(_)) => request.images.push(input(part)),
            ("mask", Some(_)) => request.mask = Some(input(part)),
            _ => add(&mut members, &part),
        }
    }
    Ok(Fields::new(members))
}

/// Adds a part to the members: a text, or a file that has no place of its own.
pub(in crate::protocols) fn add(members: &mut Map<String, Value>, part: &Part) {
    let value = match part.as_text() {
        Some(text) => json!(text),
        None => json!({
            "filename": part.filename,
            "content_type": part.content_type,
            "base64": STANDARD.encode(&part.data),
        }),
    };
    match members.get_mut(&part.name) {
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = json!([first.take(), value]),
        None if part.name.ends_with("[]") => drop(members.insert(part.name.clone(), json!([value]))),
        None => drop(members.insert(part.name.clone(), value)),
    }
}

/// The parts of a member: one, or one for each item of a list.
pub(in crate::protocols) fn parts_of(name: &str, value: &Value) -> Vec<Part> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(|item| parts_of(name, item)).collect(),
        Value::Object(file) if file.contains_key("base64") => {
            let text = |member: &str| file.get(member).and_then(Value::as_str).map(str::to_owned);
            let data = STANDARD.decode(text("base64").unwrap_or_default()).unwrap_or_default();
            vec![Part {
                name: name.to_owned(),
                filename: text("filename"),
                content_type: text("content_type"),
                data: Bytes::from(data),
            }]
        }
        Value::String(text) => vec![Part::text(name, text.as_str())],
        other => vec![Part::text(name, other.to_string())],
    }
}

/// A form on its way out.
pub(in crate::protocols) fn post(path: &str, parts: &[Part], dropped: Vec<String>, target: &Target<'_>) -> Encoded {
    let (body, kind) = multipart::write(parts, target.id_seed);
    let mut encoded = Encoded::post(path, body, DecodeContext::new(target));
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        encoded.headers.insert(header::CONTENT_TYPE, kind);
    }
    encoded.dropped = dropped;
    encoded
}

fn input(part: Part) -> ImageInput {
    let media_type = part.content_type.unwrap_or_else(|| UNKNOWN.to_owned());
    let source = MediaSource::Base64 { media_type, data: STANDARD.encode(&part.data) };
    ImageInput { source, filename: part.filename, native: Native::NONE }
}

pub(super) fn write(request: &ImagesRequest, mut body: Body<'_>, target: &Target<'_>) -> Result<Encoded> {
    let mut files = Vec::new();
    // OpenAI takes several images under a name with brackets.
    let name = if request.images.len() == 1 { "image" } else { "image[]" };
    let named = request.images.iter().map(|image| (name, image));
    for (name, image) in named.chain(request.mask.iter().map(|mask| ("mask", mask))) {
        let MediaSource::Base64 { media_type, data } = &image.source else {
            body.lacks(name, Some(()), "a form takes images as bytes")?;
            continue;
        };
        let Ok(data) = STANDARD.decode(data) else {
            body.lacks(name, Some(()), "its data is no base64")?;
            continue;
        };
        let ending = media_type.rsplit('/').next().unwrap_or("png");
        files.push(Part {
            name: name.to_owned(),
            filename: Some(image.filename.clone().unwrap_or_else(|| format!("image.{ending}"))),
            content_type: Some(media_type.clone()).filter(|kind| kind != UNKNOWN),
            data: Bytes::from(data),
        });
    }
    let (members, dropped) = body.members()?;
    let mut parts: Vec<Part> = members.iter().flat_map(|(name, value)| parts_of(name, value)).collect();
    parts.append(&mut files);
    Ok(post(EDIT, &parts, dropped, target))
}
