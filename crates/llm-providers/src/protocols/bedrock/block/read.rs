//! Blocks in, parts out.
//!
//! A block is looked at first and taken apart then. A caller's block that lacks what its kind needs is an error that
//! names the member; a provider's is kept whole, so that one odd block never costs an answer.

use llm_core::chat::{Content, MediaKind, Part, Reasoning, ServerToolCall, ServerToolResult, ToolCall, ToolResult};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::ME;
use super::{cache, citation, media};

/// Whose blocks are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Speaker<'a> {
    /// A caller's, in a turn of the user.
    User,
    /// A caller's, in a turn of the model.
    Assistant,
    /// The answer of this provider.
    Provider(&'a str),
}

impl Speaker<'_> {
    fn provider(self) -> Option<String> {
        match self {
            Self::Provider(provider) => Some(provider.to_owned()),
            Self::User | Self::Assistant => None,
        }
    }
}

/// Reads a list of blocks that stands at `path`. Cache points are hung on what they close.
pub(crate) fn list(path: &str, items: Vec<Value>, speaker: Speaker<'_>) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        match (cache::read(&item), parts.last_mut()) {
            (Some(cache), Some(last)) if last.cache.is_none() => last.cache = Some(cache),
            _ => parts.push(one(format!("{path}[{place}]"), item, speaker)?),
        }
    }
    Ok(parts)
}

/// Reads one block.
pub(crate) fn one(path: String, value: Value, speaker: Speaker<'_>) -> Result<Part> {
    let provided = matches!(speaker, Speaker::Provider(_));
    let mut fields = match value {
        Value::Object(members) if provided => Fields::new(members),
        other if provided => return Ok(unknown(other)),
        other => Fields::at(path, other)?,
    };
    let kind = Kind::of(&fields);
    if let Err(error) = kind.check(&fields) {
        return if provided { Ok(unknown(fields.into_members().into())) } else { Err(error) };
    }
    match kind.take(&mut fields, speaker)? {
        Some(content) => Ok(Part { content, cache: None, native: fields.into_native(ME) }),
        None => Ok(unknown(fields.into_members().into())),
    }
}

fn unknown(value: Value) -> Part {
    Part::from(Content::Unknown { protocol: ME, value }).with_native(Native::new(ME, Map::new()))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Cited,
    Reasoning,
    ToolUse,
    ToolResult,
    Media(&'static str),
    Unknown,
}

impl Kind {
    const ALL: [(&'static str, Self); 9] = [
        ("text", Self::Text),
        ("citationsContent", Self::Cited),
        ("reasoningContent", Self::Reasoning),
        ("toolUse", Self::ToolUse),
        ("toolResult", Self::ToolResult),
        ("image", Self::Media("image")),
        ("document", Self::Media("document")),
        ("video", Self::Media("video")),
        ("audio", Self::Media("audio")),
    ];

    fn of(fields: &Fields) -> Self {
        let known = Self::ALL.iter().find(|(name, _)| fields.get(name).is_some_and(|value| !value.is_null()));
        known.map_or(Self::Unknown, |(_, kind)| *kind)
    }

    /// Whether the block has what its kind needs.
    fn check(self, fields: &Fields) -> Result<()> {
        let Some((name, _)) = Self::ALL.iter().find(|(_, kind)| *kind == self) else { return Ok(()) };
        if self == Self::Text {
            return need(fields, name, "a string", Value::is_string);
        }
        need(fields, name, "an object", Value::is_object)?;
        match self {
            Self::ToolUse => {
                need_in(fields, name, "toolUseId", "a string", Value::is_string)?;
                need_in(fields, name, "name", "a string", Value::is_string)
            }
            Self::ToolResult => {
                need_in(fields, name, "toolUseId", "a string", Value::is_string)?;
                match fields.get(name).and_then(|inner| inner.get("content")) {
                    None | Some(Value::Null) => Ok(()),
                    Some(_) => need_in(fields, name, "content", "a list", Value::is_array),
                }
            }
            _ => Ok(()),
        }
    }

    /// Takes apart a block that was checked, and leaves what is not understood; none where it is nothing that the
    /// vocabulary has, and all of it was left.
    fn take(self, fields: &mut Fields, speaker: Speaker<'_>) -> Result<Option<Content>> {
        match self {
            Self::Text => Ok(fields.take_text("text").map(|text| Content::Text { text, citations: Vec::new() })),
            Self::Cited => Ok(within(fields, "citationsContent", take_cited)),
            Self::Reasoning => Ok(within(fields, "reasoningContent", |inner| take_reasoning(inner, speaker))),
            Self::ToolUse => Ok(within(fields, "toolUse", take_call)),
            Self::ToolResult => take_result(fields, speaker),
            Self::Media(name) => {
                Ok(within(fields, name, |inner| media::take(MediaKind::from(name), inner).map(Content::Media)))
            }
            Self::Unknown => Ok(None),
        }
    }
}

/// Takes `content` out of the member `name`, and puts back what is left of it.
fn within<T>(fields: &mut Fields, name: &str, take: impl FnOnce(&mut Fields) -> Option<T>) -> Option<T> {
    let mut inner = fields.take_object(name)?;
    let content = take(&mut inner);
    if content.is_none() || !inner.is_empty() {
        fields.put(name, inner.into_members().into());
    }
    content
}

/// A text with its sources. Its pieces are put together; where there are several, they are kept as they came.
fn take_cited(inner: &mut Fields) -> Option<Content> {
    let pieces = inner.get("content")?.as_array().filter(|pieces| !pieces.is_empty())?;
    let text = pieces.iter().map(|piece| piece.get("text")?.as_str()).collect::<Option<String>>()?;
    if let [Value::Object(only)] = pieces.as_slice() {
        let mut rest = only.clone();
        rest.shift_remove("text");
        inner.put("content", json!([rest]));
    }
    let all_objects = |list: &Vec<Value>| list.iter().all(Value::is_object);
    let mut citations = Vec::new();
    if inner.get("citations").and_then(Value::as_array).is_some_and(all_objects) {
        for citation in inner.take_list("citations").unwrap_or_default() {
            if let Value::Object(members) = citation {
                citations.push(citation::read(members));
            }
        }
        if citations.is_empty() {
            inner.put("citations", Value::Array(Vec::new()));
        }
    }
    Some(Content::Text { text, citations })
}

fn take_reasoning(inner: &mut Fields, speaker: Speaker<'_>) -> Option<Content> {
    let mut reasoning = Reasoning { provider: speaker.provider(), ..Reasoning::default() };
    if inner.text("redactedContent").is_some() {
        reasoning.encrypted = inner.take_text("redactedContent");
        return Some(Content::Reasoning(reasoning));
    }
    inner.get("reasoningText")?.get("text").filter(|text| text.is_string())?;
    let mut said = inner.take_object("reasoningText")?;
    reasoning.text = said.take_text("text").unwrap_or_default();
    reasoning.signature = said.take_nonempty("signature");
    if !said.is_empty() {
        inner.put("reasoningText", said.into_members().into());
    }
    Some(Content::Reasoning(reasoning))
}

/// A tool call; one with a type of its own is of a tool that Bedrock runs.
fn take_call(inner: &mut Fields) -> Option<Content> {
    let (id, name) = (inner.take_text("toolUseId")?, inner.take_text("name")?);
    let input = match inner.take_object("input") {
        Some(input) => Value::Object(input.into_members()).to_string(),
        None => String::new(),
    };
    Some(match inner.text("type") {
        Some(kind) if kind.starts_with("server_") => {
            Content::ServerToolCall(ServerToolCall { kind: kind.to_owned(), id, name, input })
        }
        _ => Content::ToolCall(ToolCall::new(id, name, input)),
    })
}

/// The result of a tool; one that the model itself says is of a tool that Bedrock runs.
fn take_result(fields: &mut Fields, speaker: Speaker<'_>) -> Result<Option<Content>> {
    let Some(mut inner) = fields.take_object("toolResult") else { return Ok(None) };
    let call_id = inner.take_text("toolUseId").unwrap_or_default();
    let content = if matches!(speaker, Speaker::User) {
        let path = inner.path_of("content");
        let items = match inner.take_list("content") {
            Some(items) if items.is_empty() => {
                inner.put("content", items.into());
                Vec::new()
            }
            items => items.unwrap_or_default(),
        };
        let parts = items.into_iter().enumerate();
        let parts = parts.map(|(place, item)| result_part(format!("{path}[{place}]"), item));
        let is_error = match inner.text("status") {
            Some("success") => Some(false),
            Some("error") => Some(true),
            _ => None,
        };
        if is_error.is_some() {
            inner.take("status");
        }
        Content::ToolResult(ToolResult { call_id, name: None, content: parts.collect::<Result<_>>()?, is_error })
    } else {
        let kind = inner.text("type").unwrap_or("tool_result").to_owned();
        let content = inner.take("content").unwrap_or_default();
        Content::ServerToolResult(ServerToolResult { kind, call_id, content })
    };
    if !inner.is_empty() {
        fields.put("toolResult", inner.into_members().into());
    }
    Ok(Some(content))
}

/// A piece of a tool's result: a block, or any JSON, which is the text of it.
fn result_part(path: String, item: Value) -> Result<Part> {
    let Some(value) = item.get("json").cloned() else { return one(path, item, Speaker::User) };
    let mut fields = Fields::at(path, item)?;
    fields.put("json", Value::Null);
    Ok(Part::text(value.to_string()).with_native(fields.into_native(ME)))
}

fn need(fields: &Fields, name: &str, wanted: &str, fits: fn(&Value) -> bool) -> Result<()> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(fields.missing(name)),
        Some(value) if fits(value) => Ok(()),
        Some(_) => Err(fields.wrong(name, wanted)),
    }
}

/// The same of a member within the member `outer`.
fn need_in(fields: &Fields, outer: &str, name: &str, wanted: &str, fits: fn(&Value) -> bool) -> Result<()> {
    match fields.get(outer).and_then(|inner| inner.get(name)) {
        Some(value) if fits(value) => Ok(()),
        found => {
            let odd = json!({ name: found.filter(|value| !value.is_object()).cloned().unwrap_or_default() });
            need(&Fields::at(fields.path_of(outer), odd)?, name, wanted, fits)
        }
    }
}
