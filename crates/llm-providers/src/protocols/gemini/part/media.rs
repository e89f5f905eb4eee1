//! Images, audio, video and documents: inline, or at a URI.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_core::Native;
use llm_core::chat::{Content, Media, MediaKind, MediaSource, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;
use super::super::name::{FILE_DATA, FILE_URI, INLINE_DATA, MIME_TYPE};
use super::signature::standard;

/// Stands in the place of data that were spelled in base64's other alphabet.
const URL_SAFE: &str = "-";

/// Where Google keeps files, by its own address, wherever it is asked.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/files/";

/// Takes inline data or a file that has what it needs; none leaves everything in place.
pub(super) fn take(fields: &mut Fields) -> Option<Media> {
    if INLINE_DATA.get(fields).is_some_and(is_inline) {
        let mut inner = INLINE_DATA.take(fields, Fields::take_object)?;
        let media_type = MIME_TYPE.take(&mut inner, Fields::take_text)?;
        let mut data = inner.take_text("data")?;
        if data.contains(['-', '_']) {
            data = standard(&data);
            inner.put("data", URL_SAFE.into());
        }
        let media = Media::new(kind_of(&media_type), MediaSource::Base64 { media_type, data });
        if !inner.is_empty() {
            INLINE_DATA.leave(fields, inner.into_members().into());
        }
        return Some(media);
    }
    if FILE_DATA.get(fields).is_some_and(|value| has_text(value, FILE_URI)) {
        let mut inner = FILE_DATA.take(fields, Fields::take_object)?;
        let uri = FILE_URI.take(&mut inner, Fields::take_text)?;
        // The type stays: no URL of other protocols has one beside it.
        let kind = match MIME_TYPE.get(&inner).and_then(Value::as_str) {
            Some(media_type) => kind_of(media_type),
            None => type_of_uri(&uri).map_or(MediaKind::Document, kind_of),
        };
        let source = if is_public(&uri) { MediaSource::Url { url: uri } } else { MediaSource::File { id: uri } };
        if !inner.is_empty() {
            FILE_DATA.leave(fields, inner.into_members().into());
        }
        return Some(Media::new(kind, source));
    }
    None
}

fn is_inline(value: &Value) -> bool {
    value.get("data").is_some_and(Value::is_string) && has_text(value, MIME_TYPE)
}

fn has_text(value: &Value, name: super::super::name::Name) -> bool {
    value.as_object().and_then(|object| name.find(object)).is_some_and(Value::is_string)
}

/// Whether anyone may fetch it, rather than the owner of a store of Google's.
fn is_public(uri: &str) -> bool {
    (uri.starts_with("https://") || uri.starts_with("http://"))
        && !uri.starts_with("https://generativelanguage.googleapis.com/")
}

/// One of the parts beside a function's response.
pub(super) fn of_response(value: &Value) -> Part {
    let unknown = || Part::from(Content::Unknown { protocol: ME, value: value.clone() });
    let Value::Object(members) = value else { return unknown() };
    let mut fields = Fields::new(members.clone());
    match take(&mut fields) {
        Some(media) => Part { native: fields.into_native(ME), ..Part::from(media) },
        None => unknown(),
    }
}

/// Writes media into a part, or says why it can't be.
pub(in super::super) fn write(
    media: &Media,
    native: &Native,
    object: &mut Map<String, Value>,
) -> Result<(), &'static str> {
    let own = native.is_from(ME);
    match &media.source {
        MediaSource::Base64 { media_type, data } => {
            // Parameters (`;charset=utf-8`) are no part of the types that Google knows.
            let bare = || media_type.split(';').next().unwrap_or(media_type).trim();
            inline(object, if own { media_type } else { type_of(bare()) }, data.clone());
        }
        MediaSource::Text { media_type, text } => inline(object, media_type, STANDARD.encode(text)),
        MediaSource::Url { url } => file(object, url, &media.kind, own),
        MediaSource::File { id } if own || id.contains("://") => file(object, id, &media.kind, own),
        // Google knows of which type its own files are.
        MediaSource::File { id } => file(object, &format!("{FILES}{id}"), &media.kind, true),
    }
    Ok(())
}

fn inline(object: &mut Map<String, Value>, media_type: &str, mut data: String) {
    let (name, kept) = INLINE_DATA.remove(object);
    let mut inner = match kept {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    if inner.get("data").and_then(Value::as_str) == Some(URL_SAFE) {
        data = data.replace('+', "-").replace('/', "_");
    }
    MIME_TYPE.set(&mut inner, media_type);
    inner.insert("data".to_owned(), data.into());
    object.insert(name.to_owned(), inner.into());
}

fn file(object: &mut Map<String, Value>, uri: &str, kind: &MediaKind, own: bool) {
    let (name, kept) = FILE_DATA.remove(object);
    let mut inner = match kept {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    FILE_URI.set(&mut inner, uri);
    if !own && let Some(media_type) = type_of_uri(uri).or(type_of_kind(kind)) {
        MIME_TYPE.set(&mut inner, media_type);
    }
    object.insert(name.to_owned(), inner.into());
}

fn kind_of(media_type: &str) -> MediaKind {
    match media_type.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// Google's own word for a type, where it has another than the registered one.
fn type_of(registered: &str) -> &str {
    match registered {
        "audio/mpeg" => "audio/mp3",
        other => other,
    }
}

/// The type that goes without saying where a URI has no ending. Images have no such type.
fn type_of_kind(kind: &MediaKind) -> Option<&'static str> {
    (*kind == MediaKind::Document).then_some("application/pdf")
}

/// The type that the ending of a URI tells.
fn type_of_uri(uri: &str) -> Option<&'static str> {
    if ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"]
        .iter()
        .any(|site| uri.starts_with(site))
    {
        return Some("video/mp4");
    }
    let path = uri.split(['?', '#']).next()?;
    let (_, file) = path.rsplit_once('/')?;
    let (_, ending) = file.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" | "md" => "text/plain",
        "html" | "htm" => "text/html",
        "csv" => "text/csv",
        "json" => "application/json",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "ogg" => "audio/ogg",
        "aac" => "audio/aac",
        "m4a" => "audio/m4a",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "avi" => "video/x-msvideo",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use llm_core::chat::{Media, MediaKind, MediaSource};
    use llm_core::fields::Fields;
    use serde_json::{Map, Value, json};

    use super::{ME, take, write};

    fn round(value: &Value) -> (Media, Value) {
        let mut fields = Fields::at("part", value.clone()).unwrap();
        let media = take(&mut fields).unwrap();
        let native = fields.into_native(ME);
        let mut object = native.object(ME);
        write(&media, &native, &mut object).unwrap();
        (media, object.into())
    }

    #[test]
    fn media_come_back_as_they_were_spelled() {
        let inline = json!({"inline_data": {"mime_type": "audio/wav", "data": "a-b_", "displayName": "x"}, "zz": 1});
        let (media, again) = round(&inline);
        assert_eq!(again, inline);
        assert_eq!(media.source, MediaSource::Base64 { media_type: "audio/wav".to_owned(), data: "a+b/".to_owned() });
        for (uri, kind) in [
            ("https://x.example/cat.png?w=1", MediaKind::Image),
            ("https://youtu.be/abc", MediaKind::Video),
            ("gs://bucket/report", MediaKind::Document),
        ] {
            let file = json!({"fileData": {"fileUri": uri}, "videoMetadata": {"fps": 1}});
            let (media, again) = round(&file);
            assert_eq!((again, media.kind), (file, kind));
        }
    }

    #[test]
    fn a_url_of_another_protocol_gets_a_type_where_one_can_be_told() {
        let mut object = Map::new();
        let source = MediaSource::Url { url: "https://x.example/cat.JPG".to_owned() };
        write(&Media::new(MediaKind::Image, source), &llm_core::Native::NONE, &mut object).unwrap();
        let want = json!({"fileData": {"fileUri": "https://x.example/cat.JPG", "mimeType": "image/jpeg"}});
        assert_eq!(Value::Object(object), want);
    }
}
