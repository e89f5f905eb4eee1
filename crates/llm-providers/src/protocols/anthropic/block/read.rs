//! Blocks in, parts out.
//!
//! A block is looked at first and taken apart then. A caller's block that lacks what its type needs is an error that
//! names the member; a provider's is kept whole, so that one odd block never costs an answer.

use llm_core::chat::{Content, MediaKind, Part, Reasoning, ServerToolCall, ServerToolResult, ToolCall, ToolResult};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::super::ME;
use super::{cache, citation, media};
use crate::protocols::seal;

/// Reads a block of a caller's request, at `path`.
pub(crate) fn of_caller(path: String, value: Value) -> Result<Part> {
    let fields = Fields::at(path, value)?;
    need_text(&fields, "type")?;
    let kind = Kind::of(&fields);
    kind.check(&fields)?;
    if matches!(kind, Kind::ToolUse | Kind::ServerToolUse) {
        need(&fields, "input", "an object", Value::is_object)?;
    }
    want(&fields, "cache_control", "an object", Value::is_object)?;
    kind.take(fields, None)
}

/// Reads a block of an answer by `provider`.
pub(crate) fn of_provider(provider: &str, value: Value) -> Part {
    let Value::Object(members) = value else { return unknown(value) };
    let fields = Fields::new(members);
    let kind = Kind::of(&fields);
    if kind.check(&fields).is_err() || kind == Kind::ToolResult {
        return unknown(fields.into_members().into());
    }
    kind.take(fields, Some(provider)).unwrap_or_else(|_| unknown(Value::Null))
}

/// Takes a caller's `content`, a string or a list of blocks, and leaves the empty shape where the spelling can't be
/// told from the parts.
pub(crate) fn take_content(fields: &mut Fields, name: &str) -> Result<Vec<Part>> {
    let path = fields.path_of(name);
    match fields.take(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => {
            fields.put(name, "".into());
            Ok(Vec::new())
        }
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            if items.len() < 2 {
                fields.put(name, Value::Array(Vec::new()));
            }
            let blocks = items.into_iter().enumerate();
            blocks.map(|(place, block)| of_caller(format!("{path}[{place}]"), block)).collect()
        }
        Some(other) => {
            fields.put(name, other);
            Err(fields.wrong(name, "a string or a list"))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Thinking,
    RedactedThinking,
    ToolUse,
    ToolResult,
    ServerToolUse,
    ServerToolResult,
    Media(&'static str),
    Unknown,
}

impl Kind {
    fn of(fields: &Fields) -> Self {
        match fields.text("type").unwrap_or_default() {
            "text" => Self::Text,
            "thinking" => Self::Thinking,
            "redacted_thinking" => Self::RedactedThinking,
            "tool_use" => Self::ToolUse,
            "tool_result" => Self::ToolResult,
            "image" => Self::Media("image"),
            "document" => Self::Media("document"),
            word if word.ends_with("_tool_use") => Self::ServerToolUse,
            word if word.ends_with("_tool_result") => Self::ServerToolResult,
            _ => Self::Unknown,
        }
    }

    /// Whether the block has what its type needs.
    fn check(self, fields: &Fields) -> Result<()> {
        match self {
            Self::Text => {
                need_text(fields, "text")?;
                want(fields, "citations", "a list", Value::is_array)
            }
            Self::Thinking => need_text(fields, "thinking"),
            Self::RedactedThinking => need_text(fields, "data"),
            Self::ToolUse | Self::ServerToolUse => {
                need_text(fields, "id")?;
                need_text(fields, "name")
            }
            Self::ToolResult => {
                need_text(fields, "tool_use_id")?;
                want(fields, "is_error", "true or false", Value::is_boolean)
            }
            Self::ServerToolResult => {
                need_text(fields, "tool_use_id")?;
                need(fields, "content", "there", |_| true)
            }
            Self::Media(_) => need(fields, "source", "an object", Value::is_object),
            Self::Unknown => Ok(()),
        }
    }

    /// Takes apart a block that was checked. `provider`: whose answer it is a part of; none for a caller's.
    fn take(self, mut fields: Fields, provider: Option<&str>) -> Result<Part> {
        if let Self::Media(_) = self
            && !fields.get("source").and_then(Value::as_object).is_some_and(media::is_known)
        {
            return Ok(unknown(fields.into_members().into()));
        }
        let content = match self {
            Self::Text => {
                let citations = citation::take_all(&mut fields);
                Content::Text { text: fields.take_text("text").unwrap_or_default(), citations }
            }
            Self::Thinking => Content::Reasoning(read_thoughts(
                provider,
                Reasoning {
                    text: fields.take_text("thinking").unwrap_or_default(),
                    signature: fields.take_nonempty("signature"),
                    ..Reasoning::default()
                },
            )),
            Self::RedactedThinking => Content::Reasoning(read_thoughts(
                provider,
                Reasoning { encrypted: fields.take_text("data"), ..Reasoning::default() },
            )),
            Self::ToolUse => Content::ToolCall(ToolCall {
                id: fields.take_text("id").unwrap_or_default(),
                name: fields.take_text("name").unwrap_or_default(),
                arguments: take_input(&mut fields),
                is_custom: false,
            }),
            Self::ToolResult => Content::ToolResult(ToolResult {
                call_id: fields.take_text("tool_use_id").unwrap_or_default(),
                name: None,
                content: take_content(&mut fields, "content")?,
                is_error: fields.take_bool("is_error"),
            }),
            Self::ServerToolUse => Content::ServerToolCall(ServerToolCall {
                kind: fields.text("type").unwrap_or_default().to_owned(),
                id: fields.take_text("id").unwrap_or_default(),
                name: fields.take_text("name").unwrap_or_default(),
                input: take_input(&mut fields),
            }),
            Self::ServerToolResult => Content::ServerToolResult(ServerToolResult {
                kind: fields.text("type").unwrap_or_default().to_owned(),
                call_id: fields.take_text("tool_use_id").unwrap_or_default(),
                content: fields.take("content").unwrap_or_default(),
            }),
            Self::Media(kind) => match media::take(MediaKind::from(kind), &mut fields) {
                Some(media) => Content::Media(media),
                None => return Ok(unknown(fields.into_members().into())),
            },
            Self::Unknown => return Ok(unknown(fields.into_members().into())),
        };
        fields.take("type");
        let cache = cache::read(&mut fields);
        Ok(Part { content, cache, native: fields.into_native(ME) })
    }
}

/// Thoughts with the provider that thought them. A caller's say whose they are where another protocol's provider did.
fn read_thoughts(provider: Option<&str>, reasoning: Reasoning) -> Reasoning {
    match provider {
        Some(provider) => Reasoning { provider: Some(provider.to_owned()), ..reasoning },
        None => seal::unsealed(reasoning),
    }
}

fn unknown(value: Value) -> Part {
    Part::from(Content::Unknown { protocol: ME, value }).with_native(Native::new(ME, Map::new()))
}

/// Takes a tool's input as a JSON text. What is no object stays where it is.
fn take_input(fields: &mut Fields) -> String {
    match fields.take_object("input") {
        Some(input) => Value::Object(input.into_members()).to_string(),
        None => String::new(),
    }
}

fn need_text(fields: &Fields, name: &str) -> Result<()> {
    need(fields, name, "a string", Value::is_string)
}

fn need(fields: &Fields, name: &str, wanted: &str, fits: fn(&Value) -> bool) -> Result<()> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(fields.missing(name)),
        Some(value) if fits(value) => Ok(()),
        Some(_) => Err::<(), Error>(fields.wrong(name, wanted)),
    }
}

fn want(fields: &Fields, name: &str, wanted: &str, fits: fn(&Value) -> bool) -> Result<()> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(_) => need(fields, name, wanted, fits),
    }
}
