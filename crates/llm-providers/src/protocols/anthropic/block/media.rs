//! Images and documents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_core::chat::{Media, MediaKind, MediaSource, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;
use crate::protocols::blocks::{take_asked, write_asked};

/// Whether `source` is of a kind that the vocabulary has, with the members that it needs.
pub(super) fn is_known(source: &Map<String, Value>) -> bool {
    let has = |name: &str| source.get(name).is_some_and(Value::is_string);
    match source.get("type").and_then(Value::as_str) {
        Some("base64" | "text") => has("media_type") && has("data"),
        Some("url") => has("url"),
        Some("file") => has("file_id"),
        _ => false,
    }
}

/// Takes the media of a block whose source [`is_known`]. What is left of the source stays.
pub(super) fn take(kind: MediaKind, fields: &mut Fields) -> Option<Media> {
    let mut source = fields.take_object("source")?;
    let place = match source.take_text("type")?.as_str() {
        "base64" => {
            MediaSource::Base64 { media_type: source.take_text("media_type")?, data: source.take_text("data")? }
        }
        "text" => MediaSource::Text { media_type: source.take_text("media_type")?, text: source.take_text("data")? },
        "url" => MediaSource::Url { url: source.take_text("url")? },
        "file" => MediaSource::File { id: source.take_text("file_id")? },
        _ => return None,
    };
    if !source.is_empty() {
        fields.put("source", source.into_members().into());
    }
    let mut media = Media::new(kind, place);
    if media.kind == MediaKind::Document {
        media.name = fields.take_text("title");
        take_asked(fields, &mut media);
    }
    Some(media)
}

/// The name under which a row refuses media at such a place.
pub(super) fn quirk(source: &MediaSource) -> Option<&'static str> {
    match source {
        MediaSource::Url { .. } => Some("source.url"),
        MediaSource::File { .. } => Some("source.file"),
        MediaSource::Base64 { .. } | MediaSource::Text { .. } => None,
    }
}

/// Writes media as a block, or says why it can't be.
pub(super) fn write(media: &Media, part: &Part) -> Result<Map<String, Value>, &'static str> {
    let kind = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Document => "document",
        MediaKind::Audio => return Err("it takes no audio"),
        MediaKind::Video => return Err("it takes no video"),
        MediaKind::Unknown(_) => return Err("it takes images and documents only"),
    };
    let mut object = super::object(kind, part);
    let mut source = match object.remove("source") {
        Some(Value::Object(rest)) => rest,
        _ => Map::new(),
    };
    for (name, value) in place(media, part.native.is_from(ME))? {
        source.insert(name.to_owned(), value.into());
    }
    object.insert("source".to_owned(), source.into());
    if let Some(name) = media.name.as_deref().filter(|_| media.kind == MediaKind::Document) {
        object.insert("title".to_owned(), name.into());
    }
    if media.kind == MediaKind::Document {
        write_asked(media, &mut object);
    }
    Ok(object)
}

fn place(media: &Media, own: bool) -> Result<Vec<(&'static str, String)>, &'static str> {
    Ok(match &media.source {
        MediaSource::Base64 { media_type, data } if !own && media.kind == MediaKind::Document => {
            document(media_type, data)?
        }
        MediaSource::Base64 { media_type, data } => {
            vec![("type", "base64".to_owned()), ("media_type", media_type.clone()), ("data", data.clone())]
        }
        MediaSource::Url { url } => vec![("type", "url".to_owned()), ("url", url.clone())],
        MediaSource::File { id } => vec![("type", "file".to_owned()), ("file_id", id.clone())],
        MediaSource::Text { media_type, text } => {
            vec![("type", "text".to_owned()), ("media_type", media_type.clone()), ("data", text.clone())]
        }
    })
}

/// Inline documents are PDF in base64, or plain text as it is.
fn document(media_type: &str, data: &str) -> Result<Vec<(&'static str, String)>, &'static str> {
    let bare = media_type.split(';').next().unwrap_or(media_type).trim();
    if bare == "application/pdf" {
        return Ok(vec![("type", "base64".to_owned()), ("media_type", bare.to_owned()), ("data", data.to_owned())]);
    }
    if !bare.starts_with("text/") {
        return Err("documents must be PDF or plain text");
    }
    let bytes = STANDARD.decode(data).map_err(|_| "the document is not valid base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "the document is not UTF-8")?;
    Ok(vec![("type", "text".to_owned()), ("media_type", "text/plain".to_owned()), ("data", text)])
}
