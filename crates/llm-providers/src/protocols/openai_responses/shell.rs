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
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
