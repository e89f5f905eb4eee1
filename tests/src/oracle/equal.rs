//! The normal form of a body: differences that never matter are taken out.
//!
//! A null member is an absent one, one bare text part is a text, the text of a tool call's arguments is its JSON, and
//! `"stream": false` is the default everywhere but with Ollama.

use serde_json::{Map, Value, json};

/// The normal form of a whole body for `provider`.
pub(super) fn normal_body(provider: &str, body: &Value) -> Value {
    let mut body = normal(body);
    if let Some(members) = body.as_object_mut() {
        if provider != "ollama" && members.get("stream") == Some(&Value::Bool(false)) {
            members.shift_remove("stream");
        }
        if let Some(system) = members.get_mut("system") {
            unwrap_text(system);
        }
    }
    body
}

/// The normal form of any value inside a body.
pub(super) fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(normal).collect()),
        Value::Object(members) => Value::Object(normal_object(members)),
        other => other.clone(),
    }
}

fn normal_object(members: &Map<String, Value>) -> Map<String, Value> {
    let mut result = Map::new();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let mut value = normal(value);
        if name == "function" {
            parse_arguments(&mut value);
        }
        result.insert(name.clone(), value);
    }
    if result.contains_key("role")
        && let Some(content) = result.get_mut("content")
    {
        unwrap_text(content);
    }
    if result.get("type").is_some_and(|kind| kind == "function_call") {
        let mut call = Value::Object(result);
        parse_arguments(&mut call);
        return match call {
            Value::Object(members) => members,
            _ => Map::new(),
        };
    }
    result
}

/// `[{"type": "text", "text": T}]` with no other member is `T`.
fn unwrap_text(content: &mut Value) {
    let Some([part]) = content.as_array().map(Vec::as_slice) else { return };
    let bare = part.as_object().is_some_and(|part| part.len() == 2) && part["type"] == "text";
    if let (true, Some(text)) = (bare, part.get("text").filter(|text| text.is_string())) {
        *content = text.clone();
    }
}

fn parse_arguments(call: &mut Value) {
    let Some(arguments) = call.as_object_mut().and_then(|call| call.get_mut("arguments")) else { return };
    if let Some(parsed) = arguments.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        *arguments = json!({ "$json": parsed });
    }
}
