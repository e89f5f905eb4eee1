//! Messages: content, plan, calls and citations, which requests and answers share.

use llm_core::Native;
use llm_core::chat::{Content, Message, Part, Role, ToolCall, ToolResult};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::{COHERE, citation, content};

/// What the model means to do with the tools it calls.
pub(super) const PLAN: &str = "tool_plan";
/// The calls.
pub(super) const CALLS: &str = "tool_calls";

/// Reads a message. `thinker` is the provider that thought; `make_id` gives ids to calls that have none.
pub(super) fn read(mut fields: Fields, thinker: Option<&str>, make_id: &mut dyn FnMut() -> String) -> Message {
    let role = fields.text("role").map_or(Role::Assistant, Role::from);
    let mut parts = Vec::new();
    if let Some(text) = fields.take_nonempty(PLAN) {
        parts.push(plan(text));
    }
    if let Some(text) = fields.take_nonempty("content") {
        parts.push(Part::text(text));
    } else if let Some(list) = fields.take_list("content") {
        fields.put("content", json!([]));
        parts.extend(list.into_iter().map(|value| content::read(value, thinker)));
    }
    citation::take(&mut fields, &mut parts);
    parts.extend(take_calls(&mut fields, make_id));
    if role != Role::Tool {
        return Message { role, parts, name: None, native: fields.into_native(COHERE) };
    }
    let call_id = fields.take_text("tool_call_id").unwrap_or_default();
    let result = ToolResult { call_id, name: None, content: parts, is_error: None };
    Message { role, parts: vec![result.into()], name: None, native: fields.into_native(COHERE) }
}

/// A plan, or the beginning of one.
pub(super) fn plan(text: String) -> Part {
    let marker = Map::from_iter([(PLAN.to_owned(), json!(""))]);
    Part::text(text).with_native(content::own(marker))
}

/// Whether a text was the plan.
pub(super) fn is_plan(part: &Part) -> bool {
    part.native.get(COHERE, PLAN).is_some()
}

/// Whether a part stands in the content, and not in a member of its own.
pub(super) fn is_in_content(part: &Part) -> bool {
    !is_plan(part) && !matches!(part.content, Content::ToolCall(_) | Content::ToolResult(_))
}

/// Takes the calls, unless one of them can't be understood.
fn take_calls(fields: &mut Fields, make_id: &mut dyn FnMut() -> String) -> Vec<Part> {
    match fields.get(CALLS) {
        Some(Value::Array(calls)) if !calls.is_empty() && calls.iter().all(is_call) => {}
        _ => return Vec::new(),
    }
    let calls = fields.take_list(CALLS).unwrap_or_default().into_iter();
    calls.filter_map(|call| Fields::at(CALLS, call).ok()).map(|call| read_call(call, make_id)).collect()
}

fn is_call(value: &Value) -> bool {
    value.get("function").is_some_and(Value::is_object)
}

/// Reads a call. An id that was given leaves an empty one behind, which tells it from one made here.
pub(super) fn read_call(mut fields: Fields, make_id: &mut dyn FnMut() -> String) -> Part {
    let id = match fields.take_nonempty("id") {
        Some(id) => {
            fields.put("id", json!(""));
            id
        }
        None => make_id(),
    };
    let mut call = ToolCall { id, ..ToolCall::default() };
    if let Some(mut function) = fields.take_object("function") {
        call.name = function.take_text("name").unwrap_or_default();
        call.arguments = match function.get("arguments") {
            Some(Value::Object(arguments)) => Value::Object(arguments.clone()).to_string(),
            _ => function.take_nonempty("arguments").unwrap_or_default(),
        };
        fields.put("function", Value::Object(function.into_members()));
    }
    Part::from(call).with_native(fields.into_native(COHERE))
}

/// Writes a call; the full form where it came in another protocol.
pub(super) fn write_call(call: &ToolCall, native: &Native) -> Value {
    let mut out = native.object(COHERE);
    let own = native.is_from(COHERE);
    if !own || out.contains_key("id") {
        out.insert("id".to_owned(), json!(call.id));
    }
    if !own {
        out.insert("type".to_owned(), json!("function"));
    }
    let mut function = match out.remove("function") {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    function.insert("name".to_owned(), json!(call.name));
    // JSON in the place of a JSON text is written back as it came, as long as it says the same.
    let stated = function.get("arguments").filter(|value| value.is_object()).map(Value::to_string);
    let arguments = if call.arguments.is_empty() && !own { "{}" } else { call.arguments.as_str() };
    if !arguments.is_empty() && stated.as_deref() != Some(arguments) {
        function.insert("arguments".to_owned(), json!(arguments));
    }
    out.insert("function".to_owned(), Value::Object(function));
    Value::Object(out)
}

/// Why a part can't be written, and its place in the message.
pub(super) struct Unwritable {
    pub(super) place: usize,
    pub(super) why: &'static str,
}

/// Writes what is said over what is left of the message. What is said beside tool calls is the plan, where it did not
/// come in this protocol's content. What can't be written is left out and returned.
pub(super) fn write(parts: &[&Part], native: &Native, out: &mut Map<String, Value>) -> Vec<Unwritable> {
    let own = native.is_from(COHERE);
    let was_list = matches!(out.get("content"), Some(Value::Array(_)));
    let has_calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let mut plan: Option<String> = None;
    let mut listed: Vec<&Part> = Vec::new();
    let mut list = Vec::new();
    let mut calls = Vec::new();
    let mut unwritable = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        match &part.content {
            Content::ToolCall(call) => calls.push(write_call(call, &part.native)),
            Content::Text { text, .. } if is_plan(part) || (has_calls && !own) => {
                plan.get_or_insert_default().push_str(text);
            }
            // Thoughts that are hidden or only signed have no words to send.
            Content::Reasoning(thought) if thought.text.is_empty() && !part.native.is_from(COHERE) => {}
            _ => match content::write(part) {
                Ok(value) => {
                    listed.push(part);
                    list.push(value);
                }
                Err(why) => unwritable.push(Unwritable { place, why }),
            },
        }
    }
    if let Some(plan) = plan {
        out.insert(PLAN.to_owned(), json!(plan));
    }
    match listed.as_slice() {
        [part] if !was_list && part.as_text().is_some() => {
            out.insert("content".to_owned(), json!(part.as_text()));
        }
        [] if own || has_calls => {}
        [] => {
            out.insert("content".to_owned(), json!(""));
        }
        _ => {
            out.insert("content".to_owned(), Value::Array(list));
        }
    }
    citation::write_all(parts, out);
    if !calls.is_empty() {
        out.insert(CALLS.to_owned(), Value::Array(calls));
    }
    unwritable
}
