//! A caller's conversation.

use llm_core::chat::{Content, Message, Part, Role, ToolResult};
use llm_core::fields::Fields;
use llm_core::stored::referred_item;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::item::{self, Reading};
use super::super::{PROTOCOL, content};
use super::{INPUT, INSTRUCTIONS};

/// Members that stand in for an input.
const STORED: [&str; 3] = ["prompt", "previous_response_id", "conversation"];

/// Takes `instructions` and `input` out of a request.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    if let Some(text) = fields.want_text(INSTRUCTIONS)? {
        let mut message = Message::text(Role::System, text);
        message.native.insert(PROTOCOL, INSTRUCTIONS, json!(""));
        messages.push(message);
    }
    match fields.take(INPUT) {
        Some(Value::String(text)) => {
            messages.push(own(Message::text(Role::User, text)));
            fields.put(INPUT, json!(""));
        }
        Some(Value::Array(list)) => {
            if list.is_empty() {
                fields.put(INPUT, json!([]));
            }
            for (place, value) in list.into_iter().enumerate() {
                read_item(format!("{INPUT}[{place}]"), value, &mut messages)?;
            }
        }
        Some(other) => {
            fields.put(INPUT, other);
            return Err(fields.wrong(INPUT, "a string or a list"));
        }
        None => {
            let is_stored = STORED.iter().any(|name| fields.get(name).is_some_and(|value| !value.is_null()));
            if !is_stored {
                return Err(fields.missing(INPUT));
            }
        }
    }
    Ok(messages)
}

fn own(mut message: Message) -> Message {
    message.native = Native::new(PROTOCOL, Map::new());
    message
}

fn read_item(path: String, value: Value, messages: &mut Vec<Message>) -> Result<()> {
    let stands_for_another = referred_item(&value).is_some();
    if stands_for_another || item::is_models(&value) {
        let parts = match stands_for_another {
            true => vec![content::unknown(value)],
            false => item::of_model(value, path, Reading::Caller)?,
        };
        match messages.last_mut() {
            Some(last) if last.role == Role::Assistant => last.parts.extend(parts),
            _ => messages.push(own(Message::new(Role::Assistant, parts))),
        }
        return Ok(());
    }
    let fields = Fields::at(path, value)?;
    messages.push(match fields.text("type") {
        None | Some("message") => message(fields)?,
        Some("function_call_output" | "custom_tool_call_output") => result(fields)?,
        // What was answered to something that only this protocol knows.
        Some(_) => own(Message::new(Role::Tool, vec![content::unknown(Value::Object(fields.into_members()))])),
    });
    Ok(())
}

fn message(mut fields: Fields) -> Result<Message> {
    let role = Role::from(fields.need_text("role")?.as_str());
    let parts = parts(&mut fields, "content")?;
    Ok(Message { native: fields.into_native(PROTOCOL), ..Message::new(role, parts) })
}

fn result(mut fields: Fields) -> Result<Message> {
    let call_id = fields.need_text("call_id")?;
    let content = parts(&mut fields, "output")?;
    let part = Part::from(Content::ToolResult(ToolResult::new(call_id, content)));
    Ok(own(Message::new(Role::Tool, vec![part.with_native(fields.into_native(PROTOCOL))])))
}

/// Takes a text or a list of parts; of a list its empty shape stays.
fn parts(fields: &mut Fields, name: &str) -> Result<Vec<Part>> {
    let path = fields.path_of(name);
    match fields.take(name) {
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(list)) => {
            fields.put(name, json!([]));
            let list = list.into_iter().enumerate();
            list.map(|(place, part)| content::read(Fields::at(format!("{path}[{place}]"), part)?)).collect()
        }
        Some(other) => {
            fields.put(name, other);
            Err(fields.wrong(name, "a string or a list"))
        }
        None => Err(fields.missing(name)),
    }
}
