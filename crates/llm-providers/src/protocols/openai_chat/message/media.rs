//! Images, sound, video and documents as content parts.

use llm_core::Result;
use llm_core::chat::{Media, MediaKind, MediaSource, Part};
use llm_core::codec::{DocumentForm, Quirks};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;

/// Reads a media part by its `type`; none where the kind, or this spelling of it, is not known.
pub(in super::super) fn read(kind: &str, part: &mut Fields) -> Result<Option<Media>> {
    match kind {
        "image_url" => by_url(MediaKind::Image, "image_url", part),
        "video_url" => by_url(MediaKind::Video, "video_url", part),
        "input_audio" => audio(part),
        "file" => file(part),
        _ => Ok(None),
    }
}

fn by_url(kind: MediaKind, member: &str, part: &mut Fields) -> Result<Option<Media>> {
    if let Some(url) = part.take_text(member) {
        part.put(member, json!(""));
        return Ok(Some(Media::new(kind, MediaSource::from_url(url))));
    }
    let Some(mut inner) = part.want_object(member)? else { return Err(part.missing(member)) };
    let mut media = Media::new(kind, MediaSource::from_url(inner.need_text("url")?));
    media.detail = inner.want_text("detail")?;
    part.put(member, Value::Object(inner.into_members()));
    Ok(Some(media))
}

fn audio(part: &mut Fields) -> Result<Option<Media>> {
    // Bare base64, which some hosts take, does not say what it is and passes as it is.
    if part.get("input_audio").is_some_and(Value::is_string) {
        return Ok(None);
    }
    let Some(mut inner) = part.want_object("input_audio")? else { return Err(part.missing("input_audio")) };
    let data = inner.need_text("data")?;
    // The format stays: `mp3` and `mpeg` are the same media type.
    let media_type = match inner.text("format") {
        Some("mp3") => "audio/mpeg".to_owned(),
        Some(format) => format!("audio/{format}"),
        None => return Err(inner.missing("format")),
    };
    part.put("input_audio", Value::Object(inner.into_members()));
    Ok(Some(Media::new(MediaKind::Audio, MediaSource::Base64 { media_type, data })))
}

fn file(part: &mut Fields) -> Result<Option<Media>> {
    let Some(mut inner) = part.want_object("file")? else { return Err(part.missing("file")) };
    let source = match inner.text("file_data").map(|data| MediaSource::from_url(data.to_owned())) {
        Some(source @ MediaSource::Base64 { .. }) => {
            inner.take("file_data");
            Some(source)
        }
        // OpenRouter and others take it where OpenAI itself takes data only.
        Some(MediaSource::Url { url }) if url.starts_with("https://") || url.starts_with("http://") => {
            inner.take("file_data");
            Some(MediaSource::Url { url })
        }
        // Bare base64 and whatever else a host may take passes as it is.
        Some(_) => None,
        None => inner.want_text("file_id")?.map(|id| MediaSource::File { id }),
    };
    let media = match source {
        Some(source) => {
            let mut media = Media::new(MediaKind::Document, source);
            media.name = inner.want_text("filename")?;
            Some(media)
        }
        None if inner.get("file_data").is_none() => return Err(inner.missing("file_data")),
        None => None,
    };
    part.put("file", Value::Object(inner.into_members()));
    Ok(media)
}

/// Writes a media part over what is left of it; the full form where it came in another protocol. The error says why
/// this protocol has no place for it.
pub(in super::super) fn write(part: &Part, media: &Media, quirks: &Quirks) -> Result<Value, &'static str> {
    let mut out = part.native.object(PROTOCOL);
    let kind = match media.kind {
        MediaKind::Image => "image_url",
        MediaKind::Video => "video_url",
        MediaKind::Audio => "input_audio",
        MediaKind::Document | MediaKind::Unknown(_) => "file",
    };
    match (&media.kind, &media.source) {
        (MediaKind::Document, MediaSource::Text { text, .. }) => {
            out.insert("type".to_owned(), json!("text"));
            out.insert("text".to_owned(), json!(text));
            return Ok(Value::Object(out));
        }
        (MediaKind::Image | MediaKind::Video, source) => match source.to_url() {
            Some(url) => write_url(&mut out, kind, &url, media.detail.as_deref()),
            None => return Err("it must be inline or at a URL"),
        },
        (MediaKind::Audio, MediaSource::Base64 { data, .. } | MediaSource::Url { url: data }) if quirks.bare_audio => {
            out.insert(kind.to_owned(), json!(data));
        }
        (MediaKind::Audio, MediaSource::Base64 { media_type, data }) => within(&mut out, kind, |inner| {
            inner.insert("data".to_owned(), json!(data));
            if !inner.contains_key("format") {
                inner.insert("format".to_owned(), json!(audio_format(media_type)));
            }
        }),
        (MediaKind::Audio, _) => return Err("sound must be inline"),
        (_, source) if quirks.documents == DocumentForm::FileUrl => {
            let file = write_file_url(source, media.name.as_deref());
            let file = file.ok_or("a document must be inline or at a URL")?;
            return Ok(Value::Object(file));
        }
        (_, MediaSource::Base64 { .. } | MediaSource::Url { .. }) if quirks.documents == DocumentForm::DocumentUrl => {
            out.remove(kind);
            out.insert("type".to_owned(), json!("document_url"));
            out.insert("document_url".to_owned(), json!(media.source.to_url()));
            if let Some(name) = &media.name {
                out.insert("document_name".to_owned(), json!(name));
            }
            return Ok(Value::Object(out));
        }
        (_, MediaSource::File { id }) if quirks.documents == DocumentForm::DocumentUrl => {
            out.insert("type".to_owned(), json!(kind));
            out.insert("file_id".to_owned(), json!(id));
            out.remove(kind);
            return Ok(Value::Object(out));
        }
        (_, source) => {
            let (member, value, default_name) = match source {
                MediaSource::Base64 { .. } => ("file_data", source.to_url(), Some("document.pdf")),
                // As its caller wrote it.
                MediaSource::Url { url } if part.native.is_from(PROTOCOL) => ("file_data", Some(url.clone()), None),
                MediaSource::File { id } => ("file_id", Some(id.clone()), None),
                MediaSource::Url { .. } | MediaSource::Text { .. } => {
                    return Err("a document must be inline or a file that the provider holds");
                }
            };
            let name = media.name.as_deref().or(default_name.filter(|_| !part.native.is_from(PROTOCOL)));
            within(&mut out, kind, |inner| {
                inner.insert(member.to_owned(), json!(value));
                if let Some(name) = name {
                    inner.insert("filename".to_owned(), json!(name));
                }
            });
        }
    }
    out.insert("type".to_owned(), json!(kind));
    Ok(Value::Object(out))
}

fn write_url(out: &mut Map<String, Value>, kind: &str, url: &str, detail: Option<&str>) {
    if out.get(kind).is_some_and(Value::is_string) {
        out.insert(kind.to_owned(), json!(url));
        return;
    }
    within(out, kind, |inner| {
        inner.insert("url".to_owned(), json!(url));
        if let Some(detail) = detail {
            inner.insert("detail".to_owned(), json!(detail));
        }
    });
}

/// `file_url` holds a URL, or bare base64.
fn write_file_url(source: &MediaSource, name: Option<&str>) -> Option<Map<String, Value>> {
    let url = match source {
        MediaSource::Base64 { data, .. } => data,
        MediaSource::Url { url } => url,
        MediaSource::File { .. } | MediaSource::Text { .. } => return None,
    };
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("file_url"));
    out.insert("file_url".to_owned(), json!({"url": url}));
    if let Some(name) = name {
        out.insert("file_name".to_owned(), json!(name));
    }
    Some(out)
}

fn audio_format(media_type: &str) -> &str {
    match media_type.rsplit('/').next().unwrap_or_default() {
        "mpeg" => "mp3",
        "x-wav" | "wave" | "vnd.wave" => "wav",
        other => other,
    }
}

/// Changes the object under `name`, which begins empty where there is none.
fn within(out: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut inner = match out.remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    change(&mut inner);
    out.insert(name.to_owned(), Value::Object(inner));
}
