//! Parts in, blocks out: strictly for a provider, leniently for a caller.

use std::collections::BTreeSet;
use std::fmt;

use llm_core::chat::{Citation, Content, Part, Reasoning, ToolResult};
use llm_core::codec::{Target, Unsupported};
use llm_core::{Error, Protocol, Result};
use serde_json::{Map, Value, json};

use super::super::ME;
use super::{block, cache, citation, kept, media};
use crate::protocols::blocks::{NotAnObject, Place, write_input};
use crate::protocols::search_result;

/// What the blocks of one request have in common.
#[derive(Debug)]
pub(crate) struct Asking<'a, 'u> {
    pub(crate) target: &'a Target<'a>,
    pub(crate) unsupported: &'u mut Unsupported<'a>,
    /// The names of the documents so far; no two may have the same.
    pub(crate) names: BTreeSet<String>,
}

impl Asking<'_, '_> {
    fn refuse(&mut self, place: Place, member: &str, why: impl fmt::Display) -> Result<()> {
        self.unsupported.param(&format!("{place}{member}"), &why.to_string())
    }

    /// A document's name of letters, digits, single spaces, hyphens and brackets, and like no other's.
    fn name(&mut self, said: Option<&str>) -> String {
        let said = said.unwrap_or_default();
        let stem = said.rsplit_once('.').map_or(said, |(stem, _)| stem);
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' };
        let words: String = stem.chars().map(allowed).collect();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let base = if words.is_empty() { "document".to_owned() } else { words.chars().take(180).collect() };
        let mut name = base.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{base}-{number}");
        }
        name
    }
}

/// Appends the blocks that say `part` of a message by the assistant, or by the user, to the target, with the cache point
/// behind them.
///
/// Left out are empty texts, which Bedrock refuses, and thoughts that are of no worth to the target: those of another
/// provider, and those of another protocol without a signature.
pub(crate) fn request(
    part: &Part,
    place: Place,
    assistant: bool,
    asking: &mut Asking<'_, '_>,
    out: &mut Vec<Value>,
) -> Result<()> {
    let before = out.len();
    request_block(part, place, assistant, asking, out)?;
    // Within a tool's result there is no place for one.
    let within = || match &part.content {
        Content::ToolResult(result) => result.content.iter().rev().find_map(|piece| piece.cache.as_ref()),
        _ => None,
    };
    if let Some(cache) = part.cache.as_ref().or_else(within)
        && (out.len() > before || part.native.is_from(ME))
    {
        out.push(cache::point(cache));
    }
    Ok(())
}

/// Whether [`request`] writes anything for a reasoning part.
pub(crate) fn is_sent_thought(part: &Part, target: &Target<'_>) -> bool {
    let Content::Reasoning(reasoning) = &part.content else { return false };
    part.proves_to(target.provider, ME)
        && thoughts(reasoning, part, says_words(reasoning, part, target)).next().is_some()
}

/// Whether thoughts in words are of worth to the target: with a signature, or where it asks for none.
fn says_words(reasoning: &Reasoning, part: &Part, target: &Target<'_>) -> bool {
    part.native.is_from(ME) || reasoning.signature.is_some() || target.quirks.replay_reasoning
}

fn request_block(
    part: &Part,
    place: Place,
    assistant: bool,
    asking: &mut Asking<'_, '_>,
    out: &mut Vec<Value>,
) -> Result<()> {
    let own = part.native.is_from(ME);
    out.push(match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } if text.trim().is_empty() && !own => return Ok(()),
        // Sources that another protocol named are of no worth here.
        Content::Text { text, citations } if own => text_block(text, citations, part),
        Content::Text { text, .. } | Content::Refusal { text } => text_block(text, &[], part),
        Content::Reasoning(reasoning) => {
            if part.proves_to(asking.target.provider, ME) {
                out.extend(thoughts(reasoning, part, says_words(reasoning, part, asking.target)));
            }
            return Ok(());
        }
        Content::ToolCall(call) => {
            let id = if own { call.id.clone() } else { tool_id(&call.id) };
            let (outer, mut inner) = kept("toolUse", part);
            inner.insert("toolUseId".to_owned(), id.into());
            inner.insert("name".to_owned(), call.name.as_str().into());
            write_input(&mut inner, &call.arguments).map_err(|NotAnObject| {
                let message = format!("`{place}`: the arguments of tool call `{}` must be a JSON object", call.id);
                Error::invalid_request(message).with_param(format!("{place}.arguments"))
            })?;
            block("toolUse", outer, inner)
        }
        Content::ToolResult(result) => tool_result(result, part, place, asking)?,
        Content::ServerToolCall(_) | Content::ServerToolResult(_) if own => match server_tool(part) {
            Some(block) => block,
            None => return Ok(()),
        },
        Content::ServerToolCall(call) => {
            return asking.refuse(place, "", format_args!("`{}` is a part of another protocol", call.kind));
        }
        Content::ServerToolResult(result) => {
            return asking.refuse(place, "", format_args!("`{}` is a part of another protocol", result.kind));
        }
        Content::Media(content) => {
            if assistant && !own {
                return asking.refuse(place, "", "it takes media from the user only");
            }
            if content.detail.as_deref() == Some("low") && !own {
                let is_foreign = part.native.is_foreign_to(ME);
                asking.unsupported.hint("detail", is_foreign, "it looks at every image closely")?;
            }
            match media::write(content, part, |said| asking.name(said)) {
                Ok(block) => block,
                Err(why) => return asking.refuse(place, "", why),
            }
        }
        Content::Unknown { protocol: ME, value } => value.clone(),
        Content::Unknown { protocol, value } => {
            if *protocol == Protocol::Anthropic
                && let Some((block, cache)) = search_result::to_bedrock(value)
            {
                out.push(block);
                match cache {
                    Some(cache) if place.inner.is_some() => {
                        let why = "there is no cache point within a tool's result";
                        asking.unsupported.cache_marker("cache_control", &cache, ME, why)?;
                    }
                    Some(cache) => out.push(cache::point(&cache)),
                    None => {}
                }
                return Ok(());
            }
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            return asking.refuse(place, "", format_args!("`{kind}` is a part of `{protocol}`"));
        }
    });
    Ok(())
}

/// The blocks that say `part` of an answer to a caller. What no client of this protocol knows is left out.
pub(crate) fn answer(part: &Part) -> Vec<Value> {
    let own = part.native.is_from(ME);
    let said = match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } if text.is_empty() && !own => return Vec::new(),
        Content::Text { text, citations } => text_block(text, citations, part),
        Content::Refusal { text } => text_block(text, &[], part),
        Content::Reasoning(reasoning) => return thoughts(reasoning, part, true).collect(),
        Content::ToolCall(call) => {
            let (outer, mut inner) = kept("toolUse", part);
            inner.insert("toolUseId".to_owned(), call.id.as_str().into());
            inner.insert("name".to_owned(), call.name.as_str().into());
            if let Err(NotAnObject) = write_input(&mut inner, &call.arguments) {
                inner.insert("input".to_owned(), json!({ "INVALID_JSON": call.arguments }));
            }
            block("toolUse", outer, inner)
        }
        Content::Media(content) => match media::write(content, part, |said| said.unwrap_or("document").to_owned()) {
            Ok(block) => block,
            Err(_) => return Vec::new(),
        },
        Content::Unknown { protocol: ME, value } => value.clone(),
        _ => return server_tool(part).into_iter().collect(),
    };
    std::iter::once(said).chain(part.cache.as_ref().map(cache::point)).collect()
}

/// The call or the result of a tool that Bedrock runs; none for those of another protocol.
fn server_tool(part: &Part) -> Option<Value> {
    if !part.native.is_from(ME) {
        return None;
    }
    match &part.content {
        Content::ServerToolCall(call) => {
            let (outer, mut inner) = kept("toolUse", part);
            inner.insert("toolUseId".to_owned(), call.id.as_str().into());
            inner.insert("name".to_owned(), call.name.as_str().into());
            if let Err(NotAnObject) = write_input(&mut inner, &call.input) {
                inner.insert("input".to_owned(), json!({ "INVALID_JSON": call.input }));
            }
            Some(block("toolUse", outer, inner))
        }
        Content::ServerToolResult(result) => {
            let (outer, mut inner) = kept("toolResult", part);
            inner.insert("toolUseId".to_owned(), result.call_id.as_str().into());
            if !result.content.is_null() {
                inner.insert("content".to_owned(), result.content.clone());
            }
            Some(block("toolResult", outer, inner))
        }
        _ => None,
    }
}

/// A text, with its sources if it has any.
fn text_block(text: &str, citations: &[Citation], part: &Part) -> Value {
    const CITED: &str = "citationsContent";
    if citations.is_empty() && part.native.get(ME, CITED).is_none() {
        let (outer, _) = kept("text", part);
        return block("text", outer, text);
    }
    let (outer, mut inner) = kept(CITED, part);
    let pieces = inner.get("content").and_then(Value::as_array);
    let joined = |pieces: &[Value]| pieces.iter().filter_map(|piece| piece.get("text")?.as_str()).collect::<String>();
    // Several pieces were kept as they came.
    if !pieces.is_some_and(|pieces| pieces.len() > 1 && joined(pieces) == text) {
        let mut piece = match pieces.map(Vec::as_slice) {
            Some([Value::Object(only)]) => only.clone(),
            _ => Map::new(),
        };
        piece.insert("text".to_owned(), text.into());
        inner.insert("content".to_owned(), json!([piece]));
    }
    if !citations.is_empty() {
        inner.insert("citations".to_owned(), citations.iter().map(citation::write).collect());
    }
    block(CITED, outer, inner)
}

/// The blocks of a reasoning part: thoughts in words, where `words` are wanted, and encrypted ones.
fn thoughts<'a>(reasoning: &'a Reasoning, part: &'a Part, words: bool) -> impl Iterator<Item = Value> + 'a {
    const KIND: &str = "reasoningContent";
    let hidden = reasoning.encrypted.as_deref().map(|data| {
        let (outer, mut inner) = kept(KIND, part);
        inner.insert("redactedContent".to_owned(), data.into());
        block(KIND, outer, inner)
    });
    let own = part.native.is_from(ME);
    let said = !reasoning.text.is_empty() || reasoning.signature.is_some() || (own && hidden.is_none());
    let spoken = (said && words).then(|| {
        let (outer, mut inner) = kept(KIND, part);
        let mut text = match inner.shift_remove("reasoningText") {
            Some(Value::Object(rest)) => rest,
            _ => Map::new(),
        };
        text.insert("text".to_owned(), reasoning.text.as_str().into());
        if let Some(signature) = &reasoning.signature {
            text.insert("signature".to_owned(), signature.as_str().into());
        }
        inner.insert("reasoningText".to_owned(), text.into());
        block(KIND, outer, inner)
    });
    spoken.into_iter().chain(hidden)
}

fn tool_result(result: &ToolResult, part: &Part, place: Place, asking: &mut Asking<'_, '_>) -> Result<Value> {
    let own = part.native.is_from(ME);
    let (outer, mut inner) = kept("toolResult", part);
    let id = if own { result.call_id.clone() } else { tool_id(&result.call_id) };
    inner.insert("toolUseId".to_owned(), id.into());
    let mut content = Vec::with_capacity(result.content.len());
    for (number, piece) in result.content.iter().enumerate() {
        match as_json(piece) {
            Some(value) => content.push(value),
            None => request_block(piece, Place { inner: Some(number), ..place }, false, asking, &mut content)?,
        }
    }
    if content.is_empty() && !own {
        // Nova takes no empty list, and all models take an empty text here.
        content.push(json!({"text": ""}));
    }
    if !content.is_empty() {
        inner.insert("content".to_owned(), content.into());
    }
    match result.is_error {
        Some(true) => {
            inner.insert("status".to_owned(), "error".into());
        }
        // Success is what holds where nothing is said.
        Some(false) if own => {
            inner.insert("status".to_owned(), "success".into());
        }
        _ => {}
    }
    Ok(block("toolResult", outer, inner))
}

/// A text that came as JSON, or is a JSON object.
fn as_json(piece: &Part) -> Option<Value> {
    let text = piece.as_text()?;
    if piece.native.is_from(ME) {
        piece.native.get(ME, "json")?;
        let (outer, _) = kept("json", piece);
        return Some(match serde_json::from_str::<Value>(text) {
            Ok(value) => block("json", outer, value),
            Err(_) => block("text", outer, text),
        });
    }
    let value: Value = serde_json::from_str(text).ok().filter(Value::is_object)?;
    Some(json!({ "json": value }))
}

/// A tool call's id as Bedrock takes it: at most 64 letters, digits, `_` and `-`. Other providers' ids have more, and
/// call and result are changed alike.
fn tool_id(id: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let excess = id.chars().count().saturating_sub(64);
    id.chars().skip(excess).map(allowed).collect()
}
