//! The conversation: Bedrock's turns and ours.
//!
//! Bedrock has no role for the results of tools: they are blocks of the user's turn. Here such a message becomes one of
//! results and one of the rest, and back again. Turns must alternate, so what one side says in several of another
//! protocol's messages is joined.

use llm_core::chat::{ChatRequest, Content, Message, Part, Role};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::super::ME;
use super::super::block::{self, Asking, Speaker};
use super::JOINED;
use crate::protocols::blocks::{Place, thoughts_first};

const SYSTEM: &str = "system";

/// Takes `system` and `messages`. Empty lists stay.
pub(super) fn read(fields: &mut Fields, messages: &mut Vec<Message>) -> Result<()> {
    if let Some(system) = fields.want_list(SYSTEM)? {
        if system.is_empty() {
            fields.put(SYSTEM, system.into());
        } else {
            let parts = block::list(SYSTEM, system, Speaker::User)?;
            let native = Native::new(ME, Map::new());
            messages.push(Message { native, ..Message::new(Role::System, parts) });
        }
    }
    let list = fields.want_list("messages")?.ok_or_else(|| fields.missing("messages"))?;
    if list.is_empty() {
        fields.put("messages", list.into());
        return Ok(());
    }
    for (place, value) in list.into_iter().enumerate() {
        read_message(Fields::at(format!("messages[{place}]"), value)?, messages)?;
    }
    Ok(())
}

fn read_message(mut fields: Fields, messages: &mut Vec<Message>) -> Result<()> {
    let (role, speaker) = match fields.need_text("role")?.as_str() {
        "user" => (Role::User, Speaker::User),
        "assistant" => (Role::Assistant, Speaker::Assistant),
        other => {
            let path = fields.path_of("role");
            let error = format!("`{path}` must be `user` or `assistant`, not `{other}`");
            return Err(Error::invalid_request(error).with_param(path));
        }
    };
    let content = fields.want_list("content")?.ok_or_else(|| fields.missing("content"))?;
    let parts = block::list(&fields.path_of("content"), content, speaker)?;
    let native = fields.into_native(ME);
    if role == Role::Assistant || parts.is_empty() {
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
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(request.messages.len());
    for (place, message) in request.messages.iter().enumerate() {
        if message.name.is_some() {
            asking.unsupported.param(&format!("messages[{place}].name"), "it has no names for speakers")?;
        }
        let role = match &message.role {
            Role::System | Role::Developer => {
                write_parts(message, place, asking, &mut system)?;
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
            Role::Unknown(role) => {
                let error = format!("`messages[{place}].role` must be one that Bedrock has, not `{role}`");
                return Err(Error::invalid_request(error).with_param(format!("messages[{place}].role")));
            }
        };
        // Messages of this protocol stay apart where they came apart.
        let joins = !message.native.is_from(ME) || message.native.get(ME, JOINED).is_some();
        match turns.last_mut() {
            Some(turn) if turn.role == role && joins => {
                turn.empty &= message.parts.is_empty();
                write_parts(message, place, asking, &mut turn.blocks)?;
            }
            _ => {
                let mut blocks = Vec::with_capacity(message.parts.len());
                write_parts(message, place, asking, &mut blocks)?;
                turns.push(Turn { role, blocks, native: &message.native, empty: message.parts.is_empty() });
            }
        }
    }
    if !system.is_empty() {
        body.insert(SYSTEM.to_owned(), system.into());
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

/// One message as Bedrock has it.
struct Turn<'a> {
    role: &'static str,
    blocks: Vec<Value>,
    native: &'a Native,
    /// Whether there was nothing to say in the first place.
    empty: bool,
}

impl Turn<'_> {
    /// The message; none where nothing of what it held could be said.
    fn spell(self) -> Option<Value> {
        if self.blocks.is_empty() && !(self.empty && self.native.is_from(ME)) {
            return None;
        }
        let mut object = self.native.object(ME);
        object.shift_remove(JOINED);
        object.insert("role".to_owned(), self.role.into());
        object.insert("content".to_owned(), self.blocks.into());
        Some(object.into())
    }
}
