//! One part of a content list: text, thoughts, images, and whatever else is kept as it is.

use llm_core::Native;
use llm_core::chat::{Content, Media, MediaKind, MediaSource, Part, Reasoning};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::COHERE;

/// Reads one part. What is not understood is kept whole. `thinker` is the provider that thought.
pub(super) fn read(value: Value, thinker: Option<&str>) -> Part {
    let text_at = |pointer: &str| value.pointer(pointer).is_some_and(Value::is_string);
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let understood = match kind {
        "text" => text_at("/text"),
        "thinking" => text_at("/thinking"),
        "image_url" => text_at("/image_url/url"),
        _ => false,
    };
    let kind = kind.to_owned();
    let (true, Value::Object(members)) = (understood, value.clone()) else {
        return Content::Unknown { protocol: COHERE, value }.into();
    };
    let mut fields = Fields::new(members);
    let content = match kind.as_str() {
        "text" => Content::Text { text: fields.take_text("text").unwrap_or_default(), citations: Vec::new() },
        "thinking" => {
            let text = fields.take_text("thinking").unwrap_or_default();
            Content::Reasoning(thought(text, thinker))
        }
        _ => Content::Media(image(&mut fields)),
    };
    Part { content, cache: None, native: fields.into_native(COHERE) }
}

/// A thought of `thinker`.
pub(super) fn thought(text: String, thinker: Option<&str>) -> Reasoning {
    Reasoning { text, provider: thinker.map(str::to_owned), ..Reasoning::default() }
}

fn image(fields: &mut Fields) -> Media {
    let Some(mut inner) = fields.take_object("image_url") else {
        return Media::new(MediaKind::Image, MediaSource::Url { url: String::new() });
    };
    let url = inner.take_text("url").unwrap_or_default();
    let mut media = Media::new(MediaKind::Image, MediaSource::from_url(url));
    media.detail = inner.take_text("detail");
    fields.put("image_url", Value::Object(inner.into_members()));
    media
}

/// Writes one part over what is left of it. The error says why Cohere has no place for it.
pub(super) fn write(part: &Part) -> Result<Value, &'static str> {
    let mut out = part.native.object(COHERE);
    match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } => write_text(&mut out, text),
        Content::Reasoning(reasoning) => {
            out.insert("type".to_owned(), json!("thinking"));
            out.insert("thinking".to_owned(), json!(reasoning.text));
        }
        Content::Media(Media { kind: MediaKind::Image, source, detail, .. }) => {
            let url = source.to_url().ok_or("an image must be inline or at a URL")?;
            write_image(&mut out, &url, detail.as_deref());
        }
        Content::Media(Media { kind: MediaKind::Document, source: MediaSource::Text { text, .. }, .. }) => {
            write_text(&mut out, text);
        }
        Content::Media(Media { kind: MediaKind::Audio, .. }) => return Err("it hears no sound"),
        Content::Media(Media { kind: MediaKind::Video, .. }) => return Err("it sees no videos"),
        Content::Media(_) => return Err("it reads no files; documents go in as text"),
        Content::Unknown { protocol, value } if *protocol == COHERE => return Ok(value.clone()),
        _ => return Err("only the protocol it came from can say it"),
    }
    Ok(Value::Object(out))
}

fn write_text(out: &mut Map<String, Value>, text: &str) {
    out.insert("type".to_owned(), json!("text"));
    out.insert("text".to_owned(), json!(text));
}

fn write_image(out: &mut Map<String, Value>, url: &str, detail: Option<&str>) {
    let mut inner = match out.remove("image_url") {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    inner.insert("url".to_owned(), json!(url));
    if let Some(detail) = detail {
        inner.insert("detail".to_owned(), json!(detail));
    }
    out.insert("type".to_owned(), json!("image_url"));
    out.insert("image_url".to_owned(), Value::Object(inner));
}

/// A native that says nothing but that its part came in this protocol.
pub(super) fn own(members: Map<String, Value>) -> Native {
    Native::new(COHERE, members)
}
