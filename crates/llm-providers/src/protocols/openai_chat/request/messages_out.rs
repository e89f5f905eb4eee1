//! Messages on their way to a provider.

use std::borrow::Cow;

use llm_core::chat::{Content, Message, Part, Role, ToolResult};
use llm_core::codec::{Target, Unsupported};
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::super::answer::spoken;
use super::super::message::{calls, citations, images, media, parts, reasoning};
use super::encode::Dialect;
use crate::protocols::results::Held;

/// Writes all messages. Tool results that other protocols put into a user's turn become messages of their own, before
/// what the user says.
pub(super) fn write(
    messages: &[Message],
    target: &Target<'_>,
    dialect: Dialect,
    unsupported: &mut Unsupported<'_>,
) -> Result<Value> {
    let out = Vec::with_capacity(messages.len());
    let mut writer = Writer { target, dialect, unsupported, held: Held::default(), out };
    for (place, message) in messages.iter().enumerate() {
        writer.message(message, &format!("messages[{place}]"))?;
    }
    writer.held(&format!("messages[{}]", messages.len().saturating_sub(1)))?;
    Ok(Value::Array(writer.out))
}

struct Writer<'a, 'u> {
    target: &'a Target<'a>,
    dialect: Dialect,
    unsupported: &'a mut Unsupported<'u>,
    /// Media of results, which follows behind them.
    held: Held,
    out: Vec<Value>,
}

impl Writer<'_, '_> {
    fn message(&mut self, message: &Message, at: &str) -> Result<()> {
        for part in &message.parts {
            if let Content::ToolResult(result) = &part.content {
                self.tool_result(message, part, result, at)?;
            }
        }
        let is_said = |part: &&Part| !matches!(part.content, Content::ToolResult(_));
        let said: Vec<&Part> = message.parts.iter().filter(is_said).collect();
        if said.is_empty() && (message.role == Role::Tool || message.parts.len() > said.len()) {
            return Ok(());
        }
        self.held(at)?;
        let mut out = message.native.object(PROTOCOL);
        let role = match &message.role {
            Role::Developer if self.target.quirks.system_only => &Role::System,
            role => role,
        };
        out.insert("role".to_owned(), json!(role));
        if let Some(name) = &message.name {
            out.insert("name".to_owned(), json!(name));
        }
        match message.role {
            Role::Assistant => self.assistant(message, at, &mut out)?,
            _ => self.content(&said, &message.native, at, &mut out)?,
        }
        self.out.push(Value::Object(out));
        Ok(())
    }

    /// Says the media of the results before.
    fn held(&mut self, at: &str) -> Result<()> {
        match self.held.message() {
            Some(message) => self.message(&message, at),
            None => Ok(()),
        }
    }

    fn tool_result(&mut self, message: &Message, part: &Part, result: &ToolResult, at: &str) -> Result<()> {
        // A message of this protocol holds one result, and its members are the message's.
        let own = message.role == Role::Tool && message.parts.len() == 1;
        let native = if own { &message.native } else { &Native::NONE };
        let mut out = native.object(PROTOCOL);
        out.insert("role".to_owned(), json!("tool"));
        out.insert("tool_call_id".to_owned(), json!(result.call_id));
        if let Some(name) = result.name.as_ref().filter(|_| own && native.is_from(PROTOCOL)) {
            out.insert("name".to_owned(), json!(name));
        }
        let mut content = Cow::Borrowed(&result.content);
        if !self.dialect.results_hold_media && !native.is_from(PROTOCOL) {
            content = self.held.take_from(result).map_or(content, Cow::Owned);
        }
        if let Some(marker) = &part.cache {
            // The end of a prefix is marked on a part of the result.
            let takes = parts::takes_cache(marker, self.target);
            let text = content.iter().rposition(|part| part.as_text().is_some()).filter(|_| takes);
            match text.and_then(|place| content.to_mut().get_mut(place)) {
                Some(last) => last.cache = last.cache.take().or_else(|| Some(marker.clone())),
                None => {
                    let why = "it takes no cache marker on the result of a tool";
                    self.unsupported.cache_marker("cache_control", marker, PROTOCOL, why)?;
                }
            }
        }
        let content: Vec<&Part> = content.iter().collect();
        self.content(&content, native, at, &mut out)?;
        self.out.push(Value::Object(out));
        Ok(())
    }

    /// `content` of every role but the assistant: a text where one text says it all, else a list of parts.
    fn content(&mut self, said: &[&Part], native: &Native, at: &str, out: &mut Map<String, Value>) -> Result<()> {
        let was_list = matches!(out.get("content"), Some(Value::Array(_)));
        if let ([part], false) = (said, was_list)
            && let (Content::Text { text, .. }, None) = (&part.content, &part.cache)
        {
            out.insert("content".to_owned(), json!(text));
            return Ok(());
        }
        if said.is_empty() {
            if !native.is_from(PROTOCOL) {
                out.insert("content".to_owned(), json!(""));
            }
            return Ok(());
        }
        let list = self.list(said, at)?;
        out.insert("content".to_owned(), Value::Array(list));
        Ok(())
    }

    fn list(&mut self, said: &[&Part], at: &str) -> Result<Vec<Value>> {
        let mut list = Vec::with_capacity(said.len());
        for (place, part) in said.iter().enumerate() {
            let at = format!("{at}.content[{place}]");
            let Some(mut value) = self.part(part, &at)? else { continue };
            let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            if self.target.quirks.refuse.contains(&kind) {
                self.unsupported.param(&at, &format!("it takes no parts of type `{kind}`"))?;
                continue;
            }
            if let Value::Object(out) = &mut value {
                parts::write_cache(part.cache.as_ref(), self.target, self.unsupported, out)?;
            }
            list.push(value);
        }
        Ok(list)
    }

    fn part(&mut self, part: &Part, at: &str) -> Result<Option<Value>> {
        Ok(Some(match &part.content {
            Content::Text { text, .. } => Value::Object(parts::write_text(text, &part.native)),
            Content::Refusal { text } => {
                let mut out = part.native.object(PROTOCOL);
                out.insert("type".to_owned(), json!("refusal"));
                out.insert("refusal".to_owned(), json!(text));
                Value::Object(out)
            }
            Content::Media(media) => match media::write(part, media, self.target.quirks) {
                Ok(value) => value,
                Err(why) => {
                    self.unsupported.param(at, why)?;
                    return Ok(None);
                }
            },
            Content::Unknown { protocol, value } if *protocol == PROTOCOL => value.clone(),
            // Only its own provider can read a thought, and only in its own place.
            Content::Reasoning(_) => return Ok(None),
            other => {
                self.unsupported.param(at, &format!("a part of the kind `{}` has no place there", kind_of(other)))?;
                return Ok(None);
            }
        }))
    }

    fn assistant(&mut self, message: &Message, at: &str, out: &mut Map<String, Value>) -> Result<()> {
        let is_misplaced =
            |part: &Part| part.cache.as_ref().is_some_and(|marker| parts::is_for_parts(marker, self.target.quirks));
        if message.parts.iter().any(is_misplaced) {
            let mut bare = message.clone();
            for marker in bare.parts.iter_mut().filter(|part| is_misplaced(part)).filter_map(|part| part.cache.take()) {
                let why = "what the model said has no cache markers";
                self.unsupported.cache_marker("cache_control", &marker, PROTOCOL, why)?;
            }
            return self.assistant(&bare, at, out);
        }
        let own = message.native.is_from(PROTOCOL);
        let all = &message.parts;
        let mut listed = Vec::new();
        for (place, part) in all.iter().enumerate() {
            match place_of(part) {
                Place::Content => listed.push(part),
                Place::Elsewhere => {
                    if let (Content::ToolCall(_), Some(marker)) = (&part.content, &part.cache) {
                        let why = "a tool call has no cache marker";
                        self.unsupported.cache_marker("cache_control", marker, PROTOCOL, why)?;
                    }
                }
                Place::Nowhere => {
                    let what = format!("the assistant can't have said a part of the kind `{}`", kind_of(&part.content));
                    self.unsupported.param(&format!("{at}.content[{place}]"), &what)?;
                }
            }
        }
        let was_list = matches!(out.get("content"), Some(Value::Array(_)));
        let plain = listed.iter().all(|part| matches!(part.content, Content::Text { .. }) && part.cache.is_none());
        if plain && !was_list {
            match parts::joined_text(all) {
                Some(text) => {
                    out.insert("content".to_owned(), json!(text));
                }
                None if !own => {
                    out.insert("content".to_owned(), Value::Null);
                }
                None => {}
            }
        } else {
            let list = self.list(&listed, at)?;
            out.insert("content".to_owned(), Value::Array(list));
        }
        if own {
            citations::write_all(all, out);
        }
        let refusal: String = all.iter().filter_map(refusal_member).collect();
        if !refusal.is_empty() {
            out.insert("refusal".to_owned(), json!(refusal));
        }
        if let Some((shape, _)) = all.iter().find_map(spoken) {
            // Sound is sent back by its id.
            out.insert("audio".to_owned(), json!({"id": shape.get("id")}));
        }
        images::put(all.iter().filter(|part| images::stood_there(part)).filter_map(images::write).collect(), out);
        reasoning::write_request(all, self.target.quirks, self.target.provider, out);
        calls::write_all(all, out);
        Ok(())
    }
}

/// Where a part of the assistant's stands.
enum Place {
    /// In `content`.
    Content,
    /// In a member of its own, if anywhere.
    Elsewhere,
    /// This protocol has no place for it.
    Nowhere,
}

fn place_of(part: &Part) -> Place {
    match &part.content {
        Content::Text { .. } => Place::Content,
        Content::Refusal { .. } if parts::is_listed(part) => Place::Content,
        Content::Media(_) if parts::is_listed(part) => Place::Content,
        Content::Media(_) if spoken(part).is_some() || images::stood_there(part) => Place::Elsewhere,
        Content::Unknown { protocol, .. } if *protocol == PROTOCOL => Place::Content,
        Content::Refusal { .. } | Content::Reasoning(_) | Content::ToolCall(_) | Content::ToolResult(_) => {
            Place::Elsewhere
        }
        Content::Media(_) | Content::ServerToolCall(_) | Content::ServerToolResult(_) | Content::Unknown { .. } => {
            Place::Nowhere
        }
    }
}

fn refusal_member(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Refusal { text } if !parts::is_listed(part) => Some(text),
        _ => None,
    }
}

fn kind_of(content: &Content) -> &'static str {
    match content {
        Content::Text { .. } => "text",
        Content::Reasoning(_) => "reasoning",
        Content::ToolCall(_) => "tool_call",
        Content::ToolResult(_) => "tool_result",
        Content::ServerToolCall(_) => "server_tool_call",
        Content::ServerToolResult(_) => "server_tool_result",
        Content::Media(_) => "media",
        Content::Refusal { .. } => "refusal",
        Content::Unknown { .. } => "unknown",
    }
}
