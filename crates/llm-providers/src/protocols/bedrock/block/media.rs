//! Images, documents, videos and sounds: a format in place of a MIME type, and bytes in base64 or a place in S3.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_core::chat::{Media, MediaKind, MediaSource, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;
use crate::protocols::blocks::{take_asked, write_asked};

/// Bedrock's formats, and the MIME types that say the same. The first of a format is the one that is read.
const FORMATS: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpeg", "image/jpeg"),
    ("jpeg", "image/jpg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text/html"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mkv", "video/x-matroska"),
    ("mkv", "video/matroska"),
    ("webm", "video/webm"),
    ("flv", "video/x-flv"),
    ("mpeg", "video/mpeg"),
    ("wmv", "video/x-ms-wmv"),
    ("three_gp", "video/3gpp"),
];

/// The MIME type of a format, as far as anything is known of it.
fn mime_of(kind: &MediaKind, format: &str) -> String {
    let known = FORMATS
        .iter()
        .find(|(name, mime)| *name == format && (*kind == MediaKind::Document || mime.starts_with(kind.as_str())));
    match (known, kind) {
        (Some((_, mime)), _) => (*mime).to_owned(),
        (None, MediaKind::Document) => format!("application/{format}"),
        (None, kind) => format!("{kind}/{format}"),
    }
}

/// The format of a MIME type.
fn format_of(kind: &MediaKind, mime: &str) -> Result<&'static str, &'static str> {
    let bare = mime.split(';').next().unwrap_or(mime).trim().to_ascii_lowercase();
    let known = FORMATS.iter().find(|(_, name)| *name == bare).map(|(format, _)| *format);
    match kind {
        MediaKind::Document if bare.starts_with("text/") => Ok(known.unwrap_or("txt")),
        MediaKind::Document => known.ok_or("documents must be PDF, Word, Excel, CSV, HTML, Markdown or plain text"),
        MediaKind::Image => known.ok_or("images must be PNG, JPEG, GIF or WebP"),
        _ => known.ok_or("it is a video of a format that it does not take"),
    }
}

/// The block's member for a kind of media.
pub(super) fn member(kind: &MediaKind) -> &str {
    kind.as_str()
}

/// Takes the media out of a block's member; none where it says too little or what the vocabulary has no word for. The
/// format stays, and so does whatever else there is.
pub(super) fn take(kind: MediaKind, inner: &mut Fields) -> Option<Media> {
    let format = inner.text("format").unwrap_or_default().to_owned();
    let media_type = mime_of(&kind, &format);
    let known = |source: &Value| {
        source.get("bytes").or_else(|| source.get("text")).is_some_and(Value::is_string)
            || source.pointer("/s3Location/uri").is_some_and(Value::is_string)
    };
    inner.get("source").filter(|source| known(source))?;
    let mut source = inner.take_object("source")?;
    let place = if let Some(data) = source.take_text("bytes") {
        MediaSource::Base64 { media_type, data }
    } else if let Some(text) = source.take_text("text") {
        MediaSource::Text { media_type, text }
    } else {
        let mut location = source.take_object("s3Location")?;
        let url = location.take_text("uri")?;
        if !location.is_empty() {
            source.put("s3Location", location.into_members().into());
        }
        MediaSource::Url { url }
    };
    if !source.is_empty() {
        inner.put("source", source.into_members().into());
    }
    let name = inner.take_text("name").filter(|_| kind == MediaKind::Document);
    let mut media = Media { name, ..Media::new(kind, place) };
    if media.kind == MediaKind::Document {
        take_asked(inner, &mut media);
    }
    Some(media)
}

/// Writes media as the member of a block, or says why it can't be. `name`: makes a document's name one that is taken.
pub(super) fn write(
    media: &Media,
    part: &Part,
    name: impl FnOnce(Option<&str>) -> String,
) -> Result<Value, &'static str> {
    let own = part.native.is_from(ME);
    match media.kind {
        MediaKind::Image | MediaKind::Document | MediaKind::Video => {}
        _ if own => {}
        MediaKind::Audio => return Err("only some of its models take audio"),
        _ => return Err("it takes images, documents and videos only"),
    }
    let kind = member(&media.kind);
    let (outer, mut inner) = super::kept(kind, part);
    let mut source = match inner.shift_remove("source") {
        Some(Value::Object(rest)) => rest,
        _ => Map::new(),
    };
    let format = match &media.source {
        MediaSource::Base64 { media_type, data } => {
            source.insert("bytes".to_owned(), data.as_str().into());
            Some(media_type.as_str())
        }
        MediaSource::Text { media_type, text } => {
            let (member, text) = if own { ("text", text.clone()) } else { ("bytes", STANDARD.encode(text)) };
            source.insert(member.to_owned(), text.into());
            Some(media_type.as_str())
        }
        MediaSource::Url { url } if own || url.starts_with("s3://") => {
            let mut location = match source.shift_remove("s3Location") {
                Some(Value::Object(rest)) => rest,
                _ => Map::new(),
            };
            location.insert("uri".to_owned(), url.as_str().into());
            source.insert("s3Location".to_owned(), location.into());
            None
        }
        MediaSource::Url { .. } => return Err("it takes bytes, or what lies in S3"),
        MediaSource::File { .. } => return Err("it stores no files"),
    };
    inner.insert("source".to_owned(), source.into());
    if !own {
        let format = match (format, &media.source) {
            (Some(mime), _) => format_of(&media.kind, mime)?,
            (None, MediaSource::Url { url }) => format_of_name(url).ok_or("its format can't be told from its name")?,
            (None, _) => return Err("its format is not known"),
        };
        inner.insert("format".to_owned(), format.into());
    }
    if media.kind == MediaKind::Document {
        write_asked(media, &mut inner);
        let written = media.name.as_deref();
        match (own, written) {
            (true, None) => {}
            (true, Some(name)) => {
                inner.insert("name".to_owned(), name.into());
            }
            (false, written) => {
                inner.insert("name".to_owned(), name(written).into());
            }
        }
    }
    Ok(super::block(kind, outer, inner))
}

/// The format that the end of a file's name says.
fn format_of_name(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    let end = match end.to_ascii_lowercase().as_str() {
        "jpg" => "jpeg".to_owned(),
        "htm" => "html".to_owned(),
        "mpg" => "mpeg".to_owned(),
        "3gp" => "three_gp".to_owned(),
        other => other.to_owned(),
    };
    FORMATS.iter().map(|(format, _)| *format).find(|format| *format == end)
}
