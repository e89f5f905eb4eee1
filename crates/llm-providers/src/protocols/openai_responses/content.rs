//! The parts of a message's content: texts, refusals, images, files, sound.

use llm_core::Result;
use llm_core::chat::{CacheControl, Content, Media, MediaKind, MediaSource, Part};
use llm_core::codec::{CacheMarkers, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Protocol};
use serde_json::{Map, Value, json};

use super::{ITEM, PROTOCOL, annotation};
use crate::protocols::openai_chat::model::takes_breakpoints;
use crate::protocols::openai_members;

/// OpenAI's marker of a prefix worth caching.
const BREAKPOINT: &str = "prompt_cache_breakpoint";

/// Reads one part. An unknown kind is kept whole; a known kind of the wrong shape is an error.
pub(super) fn read(mut part: Fields) -> Result<Part> {
    let kind = part.need_text("type")?;
    let content = match kind.as_str() {
        "input_text" | "output_text" | "text" => {
            let citations = annotation::take(&mut part);
            Some(Content::Text { text: part.need_text("text")?, citations })
        }
        "refusal" => Some(Content::Refusal { text: part.need_text("refusal")? }),
        "input_image" => Some(Content::Media(image(&mut part)?)),
        "input_file" => file(&mut part)?.map(Content::Media),
        "input_audio" => Some(Content::Media(audio(&mut part)?)),
        _ => None,
    };
    let cache = if content.is_some() { take_cache(&mut part)? } else { None };
    part.put("type", json!(kind));
    Ok(match content {
        Some(content) => Part { content, cache, native: part.into_native(PROTOCOL) },
        None => unknown(Value::Object(part.into_members())),
    })
}

/// The same for a provider's answer, where an odd part is kept whole.
pub(super) fn read_answer(value: Value) -> Part {
    match Fields::at("content", value.clone()).and_then(read) {
        Ok(part) => part,
        Err(_) => unknown(value),
    }
}

/// A part or item that is kept as it came.
pub(super) fn unknown(value: Value) -> Part {
    Content::Unknown { protocol: PROTOCOL, value }.into()
}

fn image(part: &mut Fields) -> Result<Media> {
    let source = match (part.want_text("image_url")?, part.get("file_id")) {
        (Some(url), _) => MediaSource::from_url(url),
        (None, Some(Value::String(_))) => MediaSource::File { id: part.need_text("file_id")? },
        (None, _) => return Err(part.missing("image_url")),
    };
    Ok(Media { detail: part.want_text("detail")?, ..Media::new(MediaKind::Image, source) })
}

/// A document; none for one whose data is not a `data:` URL, which some hosts take and others don't.
fn file(part: &mut Fields) -> Result<Option<Media>> {
    let source = if let Some(data) = part.text("file_data") {
        let source = MediaSource::from_url(data.to_owned());
        if !matches!(source, MediaSource::Base64 { .. }) {
            return Ok(None);
        }
        part.take("file_data");
        source
    } else if let Some(url) = part.want_text("file_url")? {
        MediaSource::Url { url }
    } else {
        match part.want_text("file_id")? {
            Some(id) => MediaSource::File { id },
            None => return Err(part.missing("file_data")),
        }
    };
    Ok(Some(Media { name: part.want_text("filename")?, ..Media::new(MediaKind::Document, source) }))
}

fn audio(part: &mut Fields) -> Result<Media> {
    let Some(mut inner) = part.want_object("input_audio")? else { return Err(part.missing("input_audio")) };
    let data = inner.need_text("data")?;
    let media_type = match inner.text("format") {
        Some("mp3") => "audio/mpeg".to_owned(),
        Some(format) => format!("audio/{format}"),
        None => return Err(inner.missing("format")),
    };
    part.put("input_audio", Value::Object(inner.into_members()));
    Ok(Media::new(MediaKind::Audio, MediaSource::Base64 { media_type, data }))
}

fn take_cache(part: &mut Fields) -> Result<Option<CacheControl>> {
    let Some(marker) = part.want_object(BREAKPOINT)? else { return Ok(None) };
    let mut native = Native::NONE;
    native.insert(PROTOCOL, BREAKPOINT, Value::Object(marker.into_members()));
    Ok(Some(CacheControl { ttl: None, native }))
}

/// Whether the row takes a cache marker. The error says why it does not.
pub(super) fn takes_cache(cache: &CacheControl, target: &Target<'_>) -> Result<(), &'static str> {
    let own = cache.native.get(PROTOCOL, BREAKPOINT).is_some();
    match target.quirks.cache_markers {
        _ if own => Ok(()),
        CacheMarkers::Breakpoint if takes_breakpoints(target.model) => Ok(()),
        CacheMarkers::Breakpoint => Err("the model caches unasked and takes no markers"),
        _ => Err("its row does not say that it takes cache markers"),
    }
}

/// Writes a cache marker as the row takes it.
pub(super) fn write_cache(
    cache: Option<&CacheControl>,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let Some(cache) = cache else { return Ok(()) };
    let own = cache.native.get(PROTOCOL, BREAKPOINT);
    if let Err(why) = takes_cache(cache, target) {
        return unsupported.cache_marker("cache_control", cache, PROTOCOL, why);
    }
    if !openai_members::is_kept_for(cache.ttl.as_deref()) {
        unsupported.cache_marker("cache_control.ttl", cache, PROTOCOL, openai_members::LIFETIME)?;
    }
    out.insert(BREAKPOINT.to_owned(), own.cloned().unwrap_or_else(|| json!({"mode": "explicit"})));
    Ok(())
}

/// Which side speaks: kinds of texts have names of their own on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Whoever asks, and the results of tools.
    Input,
    /// The model.
    Output,
}

/// Writes a part over what is left of it; the full form where it came in another protocol. The error says why this
/// protocol has no place for it.
pub(super) fn write(part: &Part, side: Side) -> Result<Map<String, Value>, String> {
    let own = part.native.is_from(PROTOCOL);
    let mut out = part.native.object(PROTOCOL);
    out.remove(ITEM);
    let mut set_kind = |out: &mut Map<String, Value>, kind: &str| {
        if !out.contains_key("type") {
            out.insert("type".to_owned(), json!(kind));
        }
    };
    match &part.content {
        Content::Text { text, citations } => {
            let kind = if side == Side::Input { "input_text" } else { "output_text" };
            set_kind(&mut out, kind);
            out.insert("text".to_owned(), json!(text));
            annotation::write_all(text, citations, &mut out);
        }
        Content::Refusal { text } => {
            set_kind(&mut out, "refusal");
            out.insert("refusal".to_owned(), json!(text));
        }
        Content::Media(media) => write_media(media, own, &mut set_kind, &mut out)?,
        Content::Unknown { protocol: PROTOCOL, value: Value::Object(members) } => return Ok(members.clone()),
        other => return Err(foreign(other)),
    }
    Ok(out)
}

/// Why a part of another protocol has no place here.
fn foreign(content: &Content) -> String {
    let of = |kind: &str, protocol: Option<Protocol>| match protocol {
        Some(protocol) => format!("`{kind}` is a part of `{protocol}`"),
        None => format!("`{kind}` is a part of another protocol"),
    };
    match content {
        Content::ServerToolCall(call) => of(&call.kind, None),
        Content::ServerToolResult(result) => of(&result.kind, None),
        Content::Unknown { protocol, value } => {
            of(value.get("type").and_then(Value::as_str).unwrap_or("unknown"), Some(*protocol))
        }
        _ => "a part of this kind can't stand here".to_owned(),
    }
}

fn write_media(
    media: &Media,
    own: bool,
    set_kind: &mut dyn FnMut(&mut Map<String, Value>, &str),
    out: &mut Map<String, Value>,
) -> Result<(), String> {
    let mut set = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    let kind = match (&media.kind, &media.source) {
        (_, MediaSource::Text { text, .. }) => {
            set("text", json!(text));
            "input_text"
        }
        (MediaKind::Image, source) => {
            match source {
                MediaSource::File { id } => set("file_id", json!(id)),
                source => set("image_url", json!(source.to_url())),
            }
            match &media.detail {
                Some(detail) => set("detail", json!(detail)),
                None if !own => set("detail", json!("auto")),
                None => {}
            }
            "input_image"
        }
        (MediaKind::Document, source) => {
            let default_name = match source {
                MediaSource::File { id } => {
                    set("file_id", json!(id));
                    None
                }
                MediaSource::Url { url } => {
                    set("file_url", json!(url));
                    None
                }
                source => {
                    set("file_data", json!(source.to_url()));
                    Some("document.pdf")
                }
            };
            if let Some(name) = media.name.as_deref().or(default_name.filter(|_| !own)) {
                set("filename", json!(name));
            }
            "input_file"
        }
        (MediaKind::Audio, MediaSource::Base64 { data, .. }) if own => {
            if let Some(inner) = out.get_mut("input_audio").and_then(Value::as_object_mut) {
                inner.insert("data".to_owned(), json!(data));
            }
            "input_audio"
        }
        (kind, _) => return Err(format!("it takes no {kind}")),
    };
    set_kind(out, kind);
    Ok(())
}
