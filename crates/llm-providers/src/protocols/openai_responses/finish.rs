//! Why the model stopped: `status` and `incomplete_details` here, one reason there.

use llm_core::chat::FinishReason;
use serde_json::{Map, Value, json};

/// The reason that a response says; none while it is not over.
pub(super) fn read(response: &Map<String, Value>, has_calls: bool) -> Option<FinishReason> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match response.get("status").and_then(Value::as_str) {
        Some("incomplete") => {
            let why = response.get("incomplete_details").and_then(|details| details.get("reason"));
            Some(match text(why).as_deref() {
                Some("max_output_tokens") | None => FinishReason::Length,
                Some("content_filter") => FinishReason::ContentFilter,
                Some(other) => FinishReason::from(other),
            })
        }
        Some("failed") => Some(FinishReason::Error),
        Some("queued" | "in_progress") => None,
        Some("completed") | None if has_calls => Some(FinishReason::ToolCalls),
        Some("completed") | None => Some(FinishReason::Stop),
        Some(other) => Some(FinishReason::from(other)),
    }
}

/// Writes the reason into a response that came in another protocol. `output`: its items, among which a refusal may
/// stand in words.
pub(super) fn write(reason: Option<&FinishReason>, output: &[Value], response: &mut Map<String, Value>) {
    let (status, why) = match reason {
        Some(FinishReason::Length) => ("incomplete", Some("max_output_tokens")),
        Some(FinishReason::ContentFilter) => ("incomplete", Some("content_filter")),
        // A refusal is a part of a message here. One that other protocols tell by the reason alone broke the answer off.
        Some(FinishReason::Refusal) if !output.iter().any(refuses) => ("incomplete", Some("content_filter")),
        // The answer broke off, and the protocol has no word for why.
        Some(FinishReason::Error) => ("incomplete", None),
        _ => ("completed", None),
    };
    response.insert("status".to_owned(), json!(status));
    if let Some(why) = why {
        response.insert("incomplete_details".to_owned(), json!({"reason": why}));
    }
}

fn refuses(item: &Value) -> bool {
    let parts = item.get("content").and_then(Value::as_array);
    parts.is_some_and(|parts| parts.iter().any(|part| part.get("type").is_some_and(|kind| kind == "refusal")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_words_breaks_the_answer_off() {
        let ended = |kind: &str, name: &str| {
            let output = [json!({"type": "message", "content": [{"type": kind, name: "I can't"}]})];
            let mut response = Map::new();
            write(Some(&FinishReason::Refusal), &output, &mut response);
            Value::Object(response)
        };
        let filtered = json!({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}});
        assert_eq!(ended("output_text", "text"), filtered);
        assert_eq!(ended("refusal", "refusal"), json!({"status": "completed"}));
    }
}
