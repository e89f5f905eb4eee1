//! The conversation: Anthropic's turns and ours.
//!
//! Anthropic has no role for the results of tools: they are blocks of the user's turn, all results of a turn in one
//! message, before anything else. Here such a message becomes one of results and one of the rest, and back again.

use llm_core::chat::{ChatRequest, Content, Message, Part, Role};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::super::ME;
use super::super::block::{self, Asking};
use super::{JOINED, SYSTEM};
use crate::protocols::blocks::{Place, thoughts_first};

/// Takes `system` and `messages`.
pub(super) fn read(fields: &mut Fields, messages: &mut Vec<Message>) -> Result<()> {
    let list = fields.want_list("messages")?.ok_or_else(|| fields.missing("messages"))?;
    if list.is_empty() {
        let error = Error::invalid_request("`messages` must not be empty: at least one message is required");
        return Err(error.with_param("messages"));
    }
    messages.reserve(list.len() + 1);
    if let Some(system) = read_system(fields)? {
        messages.push(system);
    }
    for (place, value) in list.into_iter().enumerate() {
        read_message(Fields::at(format!("messages[{place}]"), value)?, messages)?;
    }
    Ok(())
}

fn read_system(fields: &mut Fields) -> Result<Option<Message>> {
    let shape = match fields.get(SYSTEM) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(_)) => Value::Array(Vec::new()),
        Some(_) => Value::from(""),
    };
    let parts = block::take_content(fields, SYSTEM)?;
    // What the spelling needs is kept with the message.
    fields.take(SYSTEM);
    let mut message = Message::new(Role::System, parts);
    message.native.insert(ME, SYSTEM, shape);
    Ok(Some(message))
}

fn read_message(mut fields: Fields, messages: &mut Vec<Message>) -> Result<()> {
    let role = match fields.need_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let path = fields.path_of("role");
            let error = format!("`{path}` must be `user`, `assistant` or `system`, not `{other}`");
            return Err(Error::invalid_request(error).with_param(path));
        }
    };
    if fields.get("content").is_none_or(Value::is_null) {
        return Err(fields.missing("content"));
    }
    let parts = block::take_content(&mut fields, "content")?;
    let native = fields.into_native(ME);
    if role != Role::User {
        messages.push(Message { native, ..Message::new(role, parts) });
        return Ok(());
    }
    let first = messages.len();
    for part in parts {
        let role = if is_result(&part) { Role::Tool } else { Role::User };
        match messages.get_mut(first..).and_then(<[Message]>::last_mut) {
            Some(last) if last.role == role => last.parts.push(part),
            _ => messages.push(Message::new(role, vec![part])),
        }
    }
    if messages.len() == first {
        messages.push(Message::new(role, Vec::new()));
    }
    for message in messages.iter_mut().skip(first + 1) {
        message.native.insert(ME, JOINED, true.into());
    }
    if let Some(message) = messages.get_mut(first) {
        message.native = native;
    }
    Ok(())
}

fn is_result(part: &Part) -> bool {
    matches!(part.content, Content::ToolResult(_))
}

/// Writes `system` and `messages`.
pub(super) fn write(request: &ChatRequest, asking: &mut Asking<'_, '_>, body: &mut Map<String, Value>) -> Result<()> {
    let mut system = Vec::new();
    let mut system_shape = None;
    let mut turns: Vec<Turn> = Vec::with_capacity(request.messages.len());
    for (place, message) in request.messages.iter().enumerate() {
        if message.name.is_some() {
            asking.unsupported.param(&format!("messages[{place}].name"), "it has no names for speakers")?;
        }
        let own = message.native.is_from(ME);
        let role = match &message.role {
            Role::System | Role::Developer if own && message.native.get(ME, SYSTEM).is_none() => "system",
            Role::System | Role::Developer => {
                system_shape = system_shape.or(message.native.get(ME, SYSTEM));
                write_parts(message, place, asking, &mut system)?;
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
            Role::Unknown(role) => {
                let error = format!("`messages[{place}].role` must be one that Anthropic has, not `{role}`");
                return Err(Error::invalid_request(error).with_param(format!("messages[{place}].role")));
            }
        };
        let joined = message.native.get(ME, JOINED).is_some();
        match turns.last_mut() {
            Some(turn) if turn.role == role && (joined || (!own && turn.results_only)) => {
                turn.results_only &= message.role == Role::Tool;
                turn.empty &= message.parts.is_empty();
                write_parts(message, place, asking, &mut turn.blocks)?;
            }
            _ => {
                let mut blocks = Vec::with_capacity(message.parts.len());
                write_parts(message, place, asking, &mut blocks)?;
                turns.push(Turn {
                    role,
                    blocks,
                    native: &message.native,
                    results_only: message.role == Role::Tool,
                    empty: message.parts.is_empty(),
                });
            }
        }
    }
    if let Some(system) = block::spell(system, system_shape) {
        body.insert(SYSTEM.to_owned(), system);
    }
    let turns: Vec<Value> = turns.into_iter().filter_map(Turn::spell).collect();
    body.insert("messages".to_owned(), turns.into());
    Ok(())
}

/// Writes the parts of one message.
fn write_parts(message: &Message, place: usize, asking: &mut Asking<'_, '_>, out: &mut Vec<Value>) -> Result<()> {
    let assistant = message.role == Role::Assistant;
    for (number, part) in thoughts_first(message, ME) {
        let place = Place { message: place, part: number, inner: None };
        block::request(part, place, assistant, asking, out)?;
    }
    Ok(())
}

/// One message as Anthropic has it.
struct Turn<'a> {
    role: &'static str,
    blocks: Vec<Value>,
    native: &'a Native,
    /// Whether it holds the results of tools and nothing else, as messages of their own.
    results_only: bool,
    /// Whether there was nothing to say in the first place.
    empty: bool,
}

impl Turn<'_> {
    /// The message; none where nothing of what it held could be said.
    fn spell(self) -> Option<Value> {
        if self.blocks.is_empty() && !self.empty {
            return None;
        }
        let mut object = Map::new();
        object.insert("role".to_owned(), self.role.into());
        let content = block::spell(self.blocks, self.native.get(ME, "content"))?;
        object.insert("content".to_owned(), content);
        for (name, value) in self.native.members(ME).into_iter().flatten() {
            if name != JOINED && name != "content" {
                object.insert(name.clone(), value.clone());
            }
        }
        Some(object.into())
    }
}
