//! Parts in, blocks out: strictly for a provider, leniently for a caller.

use std::fmt;

use llm_core::chat::{Content, MediaKind, Part, Reasoning, ToolResult};
use llm_core::codec::{Target, Unsupported};
use llm_core::{Error, Protocol, Result};
use serde_json::{Map, Value};

use super::super::ME;
use super::{cache, citation, media, object, spell};
use crate::protocols::blocks::{NotAnObject, Place, write_input};
use crate::protocols::{seal, search_result};

/// What the blocks of one request have in common.
#[derive(Debug)]
pub(crate) struct Asking<'a, 'u> {
    pub(crate) target: &'a Target<'a>,
    /// Whether the API version refuses what the older one took.
    pub(crate) strict: bool,
    pub(crate) unsupported: &'u mut Unsupported<'a>,
}

impl Asking<'_, '_> {
    fn refuse(&mut self, place: Place, member: &str, why: impl fmt::Display) -> Result<()> {
        self.unsupported.param(&format!("{place}{member}"), &why.to_string())
    }
}

/// Whether [`request`] writes anything for a reasoning part.
pub(crate) fn is_sent_thought(part: &Part, target: &Target<'_>) -> bool {
    let Content::Reasoning(reasoning) = &part.content else { return false };
    part.proves_to(target.provider, ME) && thoughts(reasoning, part, says_words(reasoning, target)).next().is_some()
}

/// Whether thoughts in words are of worth to the target: with a signature, or where it asks for none.
fn says_words(reasoning: &Reasoning, target: &Target<'_>) -> bool {
    reasoning.signature.is_some() || target.quirks.replay_reasoning
}

/// Appends the blocks that say `part` of a message by the assistant, or by the user, to the target.
///
/// Left out are texts of nothing but blanks, which Anthropic refuses, and thoughts that are of no worth to the target: those of another
/// provider, and those without a signature.
pub(crate) fn request(
    part: &Part,
    place: Place,
    assistant: bool,
    asking: &mut Asking<'_, '_>,
    out: &mut Vec<Value>,
) -> Result<()> {
    let own = part.native.is_from(ME);
    let mut block = match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } if text.trim().is_empty() && !own => return Ok(()),
        Content::Text { text, citations } => {
            let mut block = text_block(text, part);
            let citations: Vec<Value> =
                citations.iter().filter(|citation| is_of_worth(&citation.native)).filter_map(citation::write).collect();
            if !citations.is_empty() && asking.strict && !assistant {
                asking.refuse(place, ".citations", "API version 2026-10-21 takes no citations in user text")?;
            } else if !citations.is_empty() {
                block.insert("citations".to_owned(), citations.into());
            }
            block
        }
        Content::Refusal { text } => text_block(text, part),
        Content::Reasoning(reasoning) => {
            if part.proves_to(asking.target.provider, ME) {
                out.extend(thoughts(reasoning, part, says_words(reasoning, asking.target)));
            }
            return Ok(());
        }
        Content::ToolCall(call) => {
            let mut block = object("tool_use", part);
            block.insert("id".to_owned(), tool_id(&call.id).into());
            block.insert("name".to_owned(), call.name.as_str().into());
            write_input(&mut block, &call.arguments).map_err(|NotAnObject| {
                Error::invalid_request(format!(
                    "`{place}`: the arguments of tool call `{}` must be a JSON object",
                    call.id
                ))
                .with_param(format!("{place}.arguments"))
            })?;
            block
        }
        Content::ToolResult(result) => tool_result(result, part, place, asking)?,
        Content::ServerToolCall(call) if own => {
            let mut block = object(&call.kind, part);
            block.insert("id".to_owned(), call.id.as_str().into());
            block.insert("name".to_owned(), call.name.as_str().into());
            write_input(&mut block, &call.input).map_err(|NotAnObject| {
                Error::invalid_request(format!("`{place}`: the input of `{}` must be a JSON object", call.kind))
                    .with_param(format!("{place}.input"))
            })?;
            block
        }
        Content::ServerToolResult(result) if own => {
            let mut block = object(&result.kind, part);
            block.insert("tool_use_id".to_owned(), result.call_id.as_str().into());
            block.insert("content".to_owned(), result.content.clone());
            block
        }
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
            if assistant && asking.strict && content.kind == MediaKind::Document {
                return asking.refuse(place, "", "API version 2026-10-21 takes no documents in assistant turns");
            }
            if content.detail.as_deref() == Some("low") && !own {
                let is_foreign = part.native.is_foreign_to(ME);
                asking.unsupported.hint("detail", is_foreign, "it looks at every image closely")?;
            }
            if media::quirk(&content.source).is_some_and(|quirk| asking.target.quirks.refuse.contains(quirk)) {
                return asking.refuse(place, ".source", "the provider takes images and documents inline only");
            }
            match media::write(content, part) {
                Ok(block) => block,
                Err(why) => return asking.refuse(place, "", why),
            }
        }
        Content::Unknown { protocol: ME, value } => {
            out.push(value.clone());
            return Ok(());
        }
        Content::Unknown { protocol, value } => {
            if *protocol == Protocol::Bedrock
                && let Some(block) = search_result::to_anthropic(value)
            {
                out.push(block);
                return Ok(());
            }
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            return asking.refuse(place, "", format_args!("`{kind}` is a part of `{protocol}`"));
        }
    };
    cache::write(part.cache.as_ref(), &mut block);
    out.push(block.into());
    Ok(())
}

/// The blocks that say `part` of an answer to a caller. What no Anthropic client knows, because another protocol's
/// provider said it, is left out.
pub(crate) fn answer(part: &Part, id_seed: &str, place: usize) -> Vec<Value> {
    let own = part.native.is_from(ME);
    let block = match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } if text.is_empty() && !own => return Vec::new(),
        Content::Text { text, citations } => {
            let mut block = text_block(text, part);
            citation::write_all(citations, &mut block);
            block
        }
        Content::Refusal { text } => text_block(text, part),
        Content::Reasoning(reasoning) if own => return thoughts(reasoning, part, true).collect(),
        Content::Reasoning(reasoning) => return thoughts(&seal::sealed(reasoning), part, true).collect(),
        Content::ToolCall(call) => {
            let mut block = object("tool_use", part);
            block.insert("id".to_owned(), answer_id(&call.id, id_seed, place).into());
            block.insert("name".to_owned(), call.name.as_str().into());
            if let Err(NotAnObject) = write_input(&mut block, &call.arguments) {
                block.insert("input".to_owned(), wrap_invalid(&call.arguments));
            }
            block
        }
        Content::ServerToolCall(call) if own => {
            let mut block = object(&call.kind, part);
            block.insert("id".to_owned(), call.id.as_str().into());
            block.insert("name".to_owned(), call.name.as_str().into());
            if let Err(NotAnObject) = write_input(&mut block, &call.input) {
                block.insert("input".to_owned(), wrap_invalid(&call.input));
            }
            block
        }
        Content::ServerToolResult(result) if own => {
            let mut block = object(&result.kind, part);
            block.insert("tool_use_id".to_owned(), result.call_id.as_str().into());
            block.insert("content".to_owned(), result.content.clone());
            block
        }
        Content::Media(content) => match media::write(content, part) {
            Ok(block) => block,
            Err(_) => return Vec::new(),
        },
        Content::Unknown { protocol: ME, value } => return vec![value.clone()],
        Content::ServerToolCall(_)
        | Content::ServerToolResult(_)
        | Content::ToolResult(_)
        | Content::Unknown { .. } => return Vec::new(),
    };
    vec![with_cache(block, part)]
}

/// The block with which a part begins in a stream, its pieces still to come. None for parts that no Anthropic client
/// knows.
pub(crate) fn begun(part: &Part, id_seed: &str, place: usize) -> Option<Value> {
    let own = part.native.is_from(ME);
    let block = match &part.content {
        Content::Text { text, .. } if own => text_block(text, part),
        Content::Text { .. } | Content::Refusal { .. } => text_block("", part),
        Content::Reasoning(reasoning) if own => return thoughts(reasoning, part, true).next(),
        Content::Reasoning(reasoning @ Reasoning { encrypted: Some(_), .. }) => {
            redacted(&seal::sealed(reasoning).encrypted.unwrap_or_default(), part)
        }
        Content::Reasoning(_) => {
            let mut block = object("thinking", part);
            block.insert("thinking".to_owned(), "".into());
            block.insert("signature".to_owned(), "".into());
            block
        }
        Content::ToolCall(call) => {
            let mut block = object("tool_use", part);
            block.insert("id".to_owned(), answer_id(&call.id, id_seed, place).into());
            block.insert("name".to_owned(), call.name.as_str().into());
            block.entry("input").or_insert_with(|| Map::new().into());
            block
        }
        Content::ServerToolCall(call) if own => {
            let mut block = object(&call.kind, part);
            block.insert("id".to_owned(), call.id.as_str().into());
            block.insert("name".to_owned(), call.name.as_str().into());
            block.entry("input").or_insert_with(|| Map::new().into());
            block
        }
        _ => return answer(part, id_seed, place).into_iter().next(),
    };
    Some(with_cache(block, part))
}

fn with_cache(mut block: Map<String, Value>, part: &Part) -> Value {
    cache::write(part.cache.as_ref(), &mut block);
    block.into()
}

fn text_block(text: &str, part: &Part) -> Map<String, Value> {
    let mut block = object("text", part);
    block.insert("text".to_owned(), text.into());
    block
}

/// The blocks of a reasoning part: thoughts in words, where `words` are wanted, and encrypted ones. Official SDKs
/// require a signature, so one that is not there is empty.
fn thoughts<'a>(reasoning: &'a Reasoning, part: &'a Part, words: bool) -> impl Iterator<Item = Value> + 'a {
    let own = part.native.is_from(ME);
    let hidden = reasoning.encrypted.as_deref().map(|data| redacted(data, part));
    let said = !reasoning.text.is_empty() || reasoning.signature.is_some() || (own && hidden.is_none());
    let spoken = (said && words).then(|| {
        let mut block = object("thinking", part);
        block.insert("thinking".to_owned(), reasoning.text.as_str().into());
        match &reasoning.signature {
            Some(signature) => {
                block.insert("signature".to_owned(), signature.as_str().into());
            }
            None if !own => {
                block.insert("signature".to_owned(), "".into());
            }
            None => {}
        }
        block
    });
    spoken.into_iter().chain(hidden).map(|block| with_cache(block, part))
}

fn redacted(data: &str, part: &Part) -> Map<String, Value> {
    let mut block = object("redacted_thinking", part);
    block.insert("data".to_owned(), data.into());
    block
}

fn tool_result(
    result: &ToolResult,
    part: &Part,
    place: Place,
    asking: &mut Asking<'_, '_>,
) -> Result<Map<String, Value>> {
    let mut block = object("tool_result", part);
    block.insert("tool_use_id".to_owned(), tool_id(&result.call_id).into());
    let mut content = Vec::with_capacity(result.content.len());
    for (inner, part) in result.content.iter().enumerate() {
        request(part, Place { inner: Some(inner), ..place }, false, asking, &mut content)?;
    }
    block.remove("content");
    if !content.is_empty() || result.content.is_empty() {
        let content = spell(content, part.native.get(ME, "content"));
        block.extend(content.map(|content| ("content".to_owned(), content)));
    }
    if let Some(is_error) = result.is_error {
        block.insert("is_error".to_owned(), is_error.into());
    }
    Ok(block)
}

/// Citations that we made up for a caller's SDK have no index that the provider would take back.
fn is_of_worth(native: &llm_core::Native) -> bool {
    native.is_from(ME) && native.get(ME, "encrypted_index").and_then(Value::as_str) != Some("")
}

/// A tool call's id as Anthropic takes it: letters, digits, `_` and `-`. Other providers' ids have more, and call and
/// result are changed alike.
fn tool_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}

fn answer_id(id: &str, id_seed: &str, place: usize) -> String {
    if id.is_empty() { format!("toolu_{id_seed}_{place}") } else { id.to_owned() }
}

/// Arguments that a model garbled, as Anthropic's documentation has them wrapped.
fn wrap_invalid(text: &str) -> Value {
    serde_json::json!({ "INVALID_JSON": text })
}
