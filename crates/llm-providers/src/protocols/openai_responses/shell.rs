//! The response around an answer that came in another protocol, with the members that OpenAI's SDKs read.

use llm_core::codec::AnswerContext;
use serde_json::{Map, Value, json};

/// A response that has begun: no output, no usage.
pub(super) fn begun(cx: &AnswerContext, model: &str) -> Map<String, Value> {
    let model = if model.is_empty() { cx.model.as_str() } else { model };
    let value = json!({
        "id": format!("resp_{}", cx.id_seed),
        "object": "response",
        "created_at": cx.created,
        "status": "in_progress",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "temperature": null,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": null,
        "truncation": "disabled",
        "usage": null,
    });
    let mut members = match value {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.extend(cx.echo.clone());
    members
}

/// The members of a request that its response repeats.
const REPEATED: [&str; 15] = [
    "background",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

/// What a response repeats of its request: what the caller has set.
pub(super) fn repeated<'v>(get: impl Fn(&str) -> Option<&'v Value>) -> Map<String, Value> {
    let set = REPEATED.iter().filter_map(|name| Some((*name, get(name).filter(|value| !value.is_null())?)));
    set.map(|(name, value)| (name.to_owned(), complete(name, value.clone()))).collect()
}

/// A member as responses have it: with the parts that requests may leave out.
fn complete(name: &str, mut value: Value) -> Value {
    let missing: &[(&str, Value)] = match name {
        "reasoning" => &[("effort", Value::Null), ("summary", Value::Null)],
        "text" => &[("format", json!({"type": "text"}))],
        _ => &[],
    };
    if let Value::Object(members) = &mut value {
        for (name, default) in missing {
            members.entry(*name).or_insert_with(|| default.clone());
        }
    }
    if let ("tools", Value::Array(tools)) = (name, &mut value) {
        for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
            if tool.get("type").and_then(Value::as_str) == Some("function") {
                for (name, default) in [("parameters", Value::Null), ("strict", json!(true))] {
                    tool.entry(name).or_insert(default);
                }
            }
        }
    }
    value
}
