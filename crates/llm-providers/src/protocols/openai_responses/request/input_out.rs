//! The conversation on its way to a provider.

use std::borrow::Cow;

use llm_core::Result;
use llm_core::chat::{CacheControl, ChatRequest, Content, Message, Part, Role, ToolResult};
use llm_core::codec::{Target, Unsupported};
use serde_json::{Map, Value, json};

use super::super::content::{self, Side};
use super::super::{PROTOCOL, item};
use super::{INPUT, INSTRUCTIONS, options};

/// Writes `instructions` and `input`.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let shape = out.remove(INPUT);
    let (instructions, rest) = instructions(&request.messages);
    if let Some(text) = instructions {
        out.insert(INSTRUCTIONS.to_owned(), json!(text));
    }
    let mut writer = Writer { target, unsupported, sends_thoughts: false };
    let mut items = Vec::with_capacity(rest.len());
    let before = request.messages.len() - rest.len();
    for (place, message) in rest.iter().enumerate() {
        writer.message(message, before + place, &mut items)?;
    }
    let sends_thoughts = writer.sends_thoughts;
    let was_left_out = shape.is_none() && request.native.is_from(PROTOCOL);
    match only_text(rest).filter(|_| matches!(shape, Some(Value::String(_)))) {
        Some(text) => {
            out.insert(INPUT.to_owned(), json!(text));
        }
        None if items.is_empty() && was_left_out => {}
        None => {
            out.insert(INPUT.to_owned(), Value::Array(items));
        }
    }
    options::write_include(request, sends_thoughts, out);
    Ok(())
}

/// The text of a conversation that is one text.
fn only_text(messages: &[Message]) -> Option<&str> {
    let [Message { parts, .. }] = messages else { return None };
    let [part] = parts.as_slice() else { return None };
    part.as_text()
}

/// The instructions, and the messages that are none: what the caller wrote as such, or plain system messages of another
/// protocol at the beginning.
fn instructions(messages: &[Message]) -> (Option<String>, &[Message]) {
    let plain = |message: &Message| {
        let is_text = |part: &Part| part.as_text().is_some() && part.cache.is_none();
        let own = message.native.is_from(PROTOCOL);
        let marked = message.native.get(PROTOCOL, INSTRUCTIONS).is_some();
        marked || (!own && message.role == Role::System && message.name.is_none() && message.parts.iter().all(is_text))
    };
    let count = messages.iter().take_while(|message| plain(message)).count();
    let (first, rest) = messages.split_at(count);
    let texts: Vec<&str> = first.iter().flat_map(|message| &message.parts).filter_map(Part::as_text).collect();
    ((count > 0).then(|| texts.join("\n\n")), rest)
}

/// Hands the marker of a result to its last text.
fn mark_last_text(parts: &mut [Part], marker: &CacheControl) {
    if let Some(last) = parts.iter_mut().rev().find(|part| part.as_text().is_some()) {
        last.cache.get_or_insert_with(|| marker.clone());
    }
}

struct Writer<'w, 'u> {
    target: &'w Target<'w>,
    unsupported: &'w mut Unsupported<'u>,
    sends_thoughts: bool,
}

impl Writer<'_, '_> {
    fn message(&mut self, message: &Message, place: usize, items: &mut Vec<Value>) -> Result<()> {
        let at = format!("messages[{place}]");
        if message.name.is_some() {
            self.unsupported.param(&format!("{at}.name"), "it has no names for speakers")?;
        }
        match message.role {
            // A turn in which nothing was said is one all the same.
            _ if message.parts.is_empty() && message.role != Role::Tool && !message.native.is_from(PROTOCOL) => {
                items.push(json!({"role": message.role, "content": ""}));
                Ok(())
            }
            Role::Assistant => {
                let provider = self.target.provider;
                let proven = |part: &Part| {
                    options::is_proven_thought(part) && super::super::reasoning::is_of_worth(part, provider)
                };
                self.sends_thoughts |= message.parts.iter().any(proven);
                for marker in message.parts.iter().filter_map(|part| part.cache.as_ref()) {
                    let why = "what the model said has no cache markers";
                    self.unsupported.cache_marker("cache_control", marker, PROTOCOL, why)?;
                }
                let unsupported = &mut *self.unsupported;
                let refuse = |part: usize, why: String| unsupported.param(&format!("{at}.content[{part}]"), &why);
                item::of_turn(&message.parts, provider, refuse, items)
            }
            Role::Tool => self.results(message, &at, items),
            _ => self.said(message, &at, items),
        }
    }

    fn leave_marker(&mut self, marker: &CacheControl, why: &str) -> Result<()> {
        self.unsupported.cache_marker("cache_control", marker, PROTOCOL, why)
    }

    /// A message of anyone but the model.
    fn said(&mut self, message: &Message, at: &str, items: &mut Vec<Value>) -> Result<()> {
        // Results that another protocol puts into the user's turn are items of their own.
        let (results, rest): (Vec<&Part>, Vec<&Part>) =
            message.parts.iter().partition(|part| matches!(part.content, Content::ToolResult(_)));
        for part in &results {
            self.result(part, at, items)?;
        }
        if rest.is_empty() && !results.is_empty() {
            return Ok(());
        }
        let mut out = message.native.object(PROTOCOL);
        out.insert("role".to_owned(), json!(message.role));
        let as_list = matches!(out.get("content"), Some(Value::Array(_)));
        out.insert("content".to_owned(), self.content(&rest, as_list, &format!("{at}.content"))?);
        items.push(Value::Object(out));
        Ok(())
    }

    /// A text where it is one and nothing more, else a list of parts.
    fn content(&mut self, parts: &[&Part], as_list: bool, at: &str) -> Result<Value> {
        let is_plain = |part: &&Part| {
            matches!(&part.content, Content::Text { citations, .. } if citations.is_empty())
                && part.cache.is_none()
                && part.native.get(PROTOCOL, "type").is_none()
        };
        if let ([only], false) = (parts, as_list)
            && is_plain(only)
        {
            return Ok(json!(only.as_text()));
        }
        let mut list = Vec::with_capacity(parts.len());
        for (place, part) in parts.iter().enumerate() {
            let at = format!("{at}[{place}]");
            match content::write(part, Side::Input) {
                Ok(mut written) => {
                    content::write_cache(part.cache.as_ref(), self.target, self.unsupported, &mut written)?;
                    list.push(Value::Object(written));
                }
                Err(why) => self.unsupported.param(&at, &why)?,
            }
        }
        Ok(Value::Array(list))
    }

    fn results(&mut self, message: &Message, at: &str, items: &mut Vec<Value>) -> Result<()> {
        for (place, part) in message.parts.iter().enumerate() {
            match &part.content {
                Content::ToolResult(_) => self.result(part, at, items)?,
                Content::Unknown { protocol: PROTOCOL, value } => items.push(value.clone()),
                _ => {
                    let why = "beside the results of tools nothing can be said in their place";
                    self.unsupported.param(&format!("{at}.content[{place}]"), why)?;
                }
            }
        }
        Ok(())
    }

    fn result(&mut self, part: &Part, at: &str, items: &mut Vec<Value>) -> Result<()> {
        let Content::ToolResult(ToolResult { call_id, content, .. }) = &part.content else { return Ok(()) };
        // The end of a prefix within the result, or at its end, is marked on a part of it.
        let mut marked = Cow::Borrowed(content);
        if let Some(marker) = &part.cache {
            match content::takes_cache(marker, self.target) {
                Ok(()) if content.iter().any(|part| part.as_text().is_some()) => {
                    mark_last_text(marked.to_mut(), marker)
                }
                Ok(()) => self.leave_marker(marker, "a result without text has no cache marker")?,
                Err(why) => self.leave_marker(marker, why)?,
            }
        }
        let content = marked.as_slice();
        let mut out = part.native.object(PROTOCOL);
        let as_list = matches!(out.get("output"), Some(Value::Array(_)));
        out.entry("type").or_insert_with(|| json!("function_call_output"));
        out.insert("call_id".to_owned(), json!(call_id));
        let plain = content.iter().all(|part| part.as_text().is_some() && part.cache.is_none());
        let output = if plain && !as_list {
            // Texts of other protocols come in several parts.
            json!(content.iter().filter_map(Part::as_text).collect::<String>())
        } else {
            let parts: Vec<&Part> = content.iter().collect();
            self.content(&parts, true, &format!("{at}.content"))?
        };
        out.insert("output".to_owned(), output);
        items.push(Value::Object(out));
        Ok(())
    }
}
