//! Content parts, and the text or list that `content` is.

use llm_core::chat::{CacheControl, Citation, Content, Part};
use llm_core::codec::{CacheMarkers, Quirks, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::{PROTOCOL, model};
use super::{chunks, media};
use crate::protocols::openai_members;

/// The member of Anthropic's form that hosts take over.
const CACHE_CONTROL: &str = "cache_control";
/// OpenAI's own marker.
const BREAKPOINT: &str = "prompt_cache_breakpoint";

/// Reads one part of a content list. An unknown kind is kept whole; a known kind of the wrong shape is an error.
pub(in super::super) fn read(mut part: Fields) -> Result<Part> {
    let kind = match part.want_text("type")? {
        Some(kind) => kind,
        None => return Err(part.missing("type")),
    };
    let content = match kind.as_str() {
        "text" => Content::Text { text: part.need_text("text")?, citations: Vec::new() },
        "refusal" => Content::Refusal { text: part.need_text("refusal")? },
        kind => match media::read(kind, &mut part)? {
            Some(media) => Content::Media(media),
            None => {
                part.put("type", json!(kind));
                let value = Value::Object(part.into_members());
                return Ok(Content::Unknown { protocol: PROTOCOL, value }.into());
            }
        },
    };
    let cache = take_cache(&mut part)?;
    part.put("type", json!(kind));
    Ok(Part { content, cache, native: part.into_native(PROTOCOL) })
}

/// The same for a provider's answer, where an odd part is kept whole.
pub(in super::super) fn read_answer(value: Value, thinker: &str) -> Part {
    if let Some(part) = chunks::read(&value, thinker) {
        return part;
    }
    let unknown = |value| Part::from(Content::Unknown { protocol: PROTOCOL, value });
    match Fields::at("content", value.clone()).and_then(read) {
        Ok(part) => part,
        Err(_) => unknown(value),
    }
}

/// Takes the cache marker off a part or tool. Its native says how it was spelled.
pub(in super::super) fn take_cache(fields: &mut Fields) -> Result<Option<CacheControl>> {
    if let Some(mut marker) = fields.want_object(CACHE_CONTROL)? {
        let ttl = marker.want_text("ttl")?;
        let rest = Value::Object(marker.into_members());
        let mut native = Native::NONE;
        native.insert(PROTOCOL, CACHE_CONTROL, rest);
        return Ok(Some(CacheControl { ttl, native }));
    }
    if let Some(marker) = fields.want_object(BREAKPOINT)? {
        let mut native = Native::NONE;
        native.insert(PROTOCOL, BREAKPOINT, Value::Object(marker.into_members()));
        return Ok(Some(CacheControl { ttl: None, native }));
    }
    Ok(None)
}

/// How a cache marker is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Control,
    Breakpoint,
}

/// How the row takes a cache marker. The error says why it does not.
fn marker_for(cache: &CacheControl, target: &Target<'_>) -> Result<Marker, &'static str> {
    let is_spelled = |name| cache.native.get(PROTOCOL, name).is_some();
    match target.quirks.cache_markers {
        CacheMarkers::None => Err("the provider caches unasked and takes no markers"),
        CacheMarkers::AsGiven | CacheMarkers::Breakpoint if is_spelled(BREAKPOINT) => Ok(Marker::Breakpoint),
        CacheMarkers::AsGiven if is_spelled(CACHE_CONTROL) => Ok(Marker::Control),
        CacheMarkers::AsGiven => Err("its row does not say how cache markers are written"),
        CacheMarkers::CacheControl => Ok(Marker::Control),
        CacheMarkers::Breakpoint if model::takes_breakpoints(target.model) => Ok(Marker::Breakpoint),
        CacheMarkers::Breakpoint => Err("the model caches unasked and takes no markers"),
    }
}

/// Whether the row takes a cache marker.
pub(in super::super) fn takes_cache(cache: &CacheControl, target: &Target<'_>) -> bool {
    marker_for(cache, target).is_ok()
}

/// Whether a marker has its place only on parts of what is said to the model, as a breakpoint has, and no caller of this
/// protocol put it elsewhere.
pub(in super::super) fn is_for_parts(cache: &CacheControl, quirks: &Quirks) -> bool {
    quirks.cache_markers == CacheMarkers::Breakpoint && cache.native.get(PROTOCOL, BREAKPOINT).is_none()
}

/// Writes a cache marker as the row takes it.
pub(in super::super) fn write_cache(
    cache: Option<&CacheControl>,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let Some(cache) = cache else { return Ok(()) };
    match marker_for(cache, target) {
        Err(why) => unsupported.cache_marker(CACHE_CONTROL, cache, PROTOCOL, why)?,
        Ok(Marker::Control) => write_cache_control(cache, out),
        Ok(Marker::Breakpoint) => {
            let spelled = cache.native.get(PROTOCOL, BREAKPOINT).cloned();
            out.insert(BREAKPOINT.to_owned(), spelled.unwrap_or_else(|| json!({"mode": "explicit"})));
            if !openai_members::is_kept_for(cache.ttl.as_deref()) {
                unsupported.cache_marker("cache_control.ttl", cache, PROTOCOL, openai_members::LIFETIME)?;
            }
        }
    }
    Ok(())
}

fn write_cache_control(cache: &CacheControl, out: &mut Map<String, Value>) {
    let mut marker = match cache.native.get(PROTOCOL, CACHE_CONTROL) {
        Some(Value::Object(rest)) => rest.clone(),
        _ => Map::from_iter([("type".to_owned(), json!("ephemeral"))]),
    };
    if let Some(ttl) = &cache.ttl {
        marker.insert("ttl".to_owned(), json!(ttl));
    }
    out.insert(CACHE_CONTROL.to_owned(), Value::Object(marker));
}

/// A text part in a list.
pub(in super::super) fn write_text(text: &str, native: &Native) -> Map<String, Value> {
    let mut out = native.object(PROTOCOL);
    out.insert("type".to_owned(), json!("text"));
    out.insert("text".to_owned(), json!(text));
    out
}

/// Whether a part stands in the content list of a message of this protocol, not in a member of its own.
pub(in super::super) fn is_listed(part: &Part) -> bool {
    part.native.get(PROTOCOL, "type").is_some() || matches!(part.content, Content::Unknown { .. })
}

/// Writes `content` of an answer's message: over the shape that was left of it, or in full.
pub(in super::super) fn write_answer_content(parts: &[Part], own: bool, out: &mut Map<String, Value>) {
    if own && matches!(out.get("content"), Some(Value::Array(_))) {
        let list = parts.iter().filter_map(|part| match &part.content {
            Content::Text { text, .. } => Some(Value::Object(write_text(text, &part.native))),
            Content::Unknown { protocol, value } if *protocol == PROTOCOL => Some(value.clone()),
            Content::Refusal { text } if is_listed(part) => {
                let mut out = part.native.object(PROTOCOL);
                out.insert("refusal".to_owned(), json!(text));
                Some(Value::Object(out))
            }
            Content::Media(media) if is_listed(part) => media::write(part, media, &Quirks::default()).ok(),
            Content::Reasoning(thought) if is_listed(part) => Some(chunks::write(&thought.text, &part.native)),
            _ => None,
        });
        out.insert("content".to_owned(), Value::Array(list.collect()));
        return;
    }
    match joined_text(parts) {
        Some(text) => {
            out.insert("content".to_owned(), Value::String(text));
        }
        None if !own => {
            out.insert("content".to_owned(), Value::Null);
        }
        None => {}
    }
}

/// All texts as one, thoughts between their tags where they stood so; none where there is no text part.
pub(in super::super) fn joined_text(parts: &[Part]) -> Option<String> {
    let mut all = None;
    for part in parts {
        match &part.content {
            Content::Text { text, .. } => all.get_or_insert_with(String::new).push_str(text),
            Content::Reasoning(reasoning) if super::think::stood_in_tags(part) => {
                super::think::write(&reasoning.text, all.get_or_insert_with(String::new));
            }
            _ => {}
        }
    }
    all
}

/// Gives the citations to the last text, if there is one.
pub(in super::super) fn cite(parts: &mut [Part], cited: Vec<Citation>) {
    for part in parts.iter_mut().rev() {
        if let Content::Text { citations, .. } = &mut part.content {
            citations.extend(cited);
            return;
        }
    }
}
