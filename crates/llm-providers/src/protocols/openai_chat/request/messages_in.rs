//! A caller's messages.

use llm_core::chat::{Content, Message, Part, Role, ToolResult};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::{Value, json};

use super::super::PROTOCOL;
use super::super::message::calls::{self, Arguments, CALLS, Piece};
use super::super::message::{citations, images, parts, reasoning};
use crate::protocols::functions::{CUSTOM, FUNCTION};

/// Takes the messages out of a request; there must be one at least.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Message>> {
    let list = fields.want_list("messages")?.ok_or_else(|| fields.missing("messages"))?;
    if list.is_empty() {
        return Err(Error::invalid_request("`messages` must hold at least one message").with_param("messages"));
    }
    let place = |(place, value)| read_message(Fields::at(format!("messages[{place}]"), value)?);
    list.into_iter().enumerate().map(place).collect()
}

fn read_message(mut fields: Fields) -> Result<Message> {
    let role = Role::from(fields.need_text("role")?.as_str());
    let name = if role == Role::Tool { None } else { fields.want_text("name")? };
    let mut all = Vec::new();
    if role == Role::Assistant {
        all.extend(reasoning::take_object_form(&mut fields));
        all.extend(reasoning::take(&mut fields, None, None));
    }
    let has_content = read_content(&mut fields, &mut all)?;
    if role == Role::Assistant {
        if all.iter().any(|part| part.as_text().is_some()) {
            let cited = citations::take(&mut fields);
            parts::cite(&mut all, cited);
        }
        if let Some(text) = fields.want_text("refusal")? {
            match text.is_empty() {
                true => fields.put("refusal", json!("")),
                false => all.push(Content::Refusal { text }.into()),
            }
        }
        all.extend(images::take(&mut fields));
        read_calls(&mut fields, &mut all)?;
    }
    let said_otherwise = || {
        let others = ["function_call", "audio", CALLS, "refusal", "reasoning_content"];
        !all.is_empty() || others.iter().any(|name| fields.get(name).is_some_and(|value| !value.is_null()))
    };
    let may_lack_content = match role {
        Role::Assistant => said_otherwise(),
        Role::Unknown(_) => true,
        _ => false,
    };
    if !has_content && !may_lack_content {
        return Err(match fields.get("content") {
            Some(_) => fields.wrong("content", "a string or a list of parts"),
            None => fields.missing("content"),
        });
    }
    if role == Role::Tool {
        let mut result = ToolResult::new(fields.need_text("tool_call_id")?, all);
        result.name = fields.want_text("name")?;
        all = vec![result.into()];
    }
    Ok(Message { role, parts: all, name, native: fields.into_native(PROTOCOL) })
}

/// Whether there is content, be it empty.
fn read_content(fields: &mut Fields, all: &mut Vec<Part>) -> Result<bool> {
    match fields.get("content") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::String(_)) => {
            all.extend(fields.take_nonempty("content").map(Part::text));
            Ok(true)
        }
        Some(Value::Array(_)) => {
            let path = fields.path_of("content");
            for (place, part) in fields.take_list("content").unwrap_or_default().into_iter().enumerate() {
                all.push(parts::read(Fields::at(format!("{path}[{place}]"), part)?)?);
            }
            fields.put("content", json!([]));
            Ok(true)
        }
        Some(_) => Err(fields.wrong("content", "a string or a list of parts")),
    }
}

fn read_calls(fields: &mut Fields, all: &mut Vec<Part>) -> Result<()> {
    let path = fields.path_of(CALLS);
    let Some(list) = fields.want_list(CALLS)? else { return Ok(()) };
    if list.is_empty() {
        fields.put(CALLS, json!([]));
    }
    for (place, value) in list.into_iter().enumerate() {
        all.push(read_call(Fields::at(format!("{path}[{place}]"), value)?)?);
    }
    Ok(())
}

fn read_call(mut call: Fields) -> Result<Part> {
    let id = call.need_text("id")?;
    let inner = if call.get(CUSTOM).is_some() && call.get(FUNCTION).is_none() { CUSTOM } else { FUNCTION };
    let Some(mut function) = call.want_object(inner)? else { return Err(call.missing(inner)) };
    let name = function.need_text("name")?;
    let member = calls::arguments_member(inner);
    let arguments = function.need_text(member)?;
    function.put("name", json!(name));
    function.put(member, json!(arguments));
    call.put("id", json!(id));
    call.put(inner, Value::Object(function.into_members()));
    let mut piece = Piece::read(call.into_members(), |_| true);
    let arguments = piece.arguments.take().map(Arguments::into_text).unwrap_or_default();
    let mut part = calls::begin(&mut piece, || id);
    if let Content::ToolCall(call) = &mut part.content {
        call.arguments = arguments;
    }
    Ok(part)
}
