//! Why the model stopped, in Bedrock's words and in ours.

use llm_core::Native;
use llm_core::chat::FinishReason;
use serde_json::Value;

use super::ME;

/// Where the word itself is kept if it says more than ours.
const WORD: &str = "stopReason";

/// Reads a `stopReason`.
pub(super) fn read(word: &str) -> (FinishReason, Native) {
    let reason = ours(word);
    let mut native = Native::NONE;
    if theirs(Some(&reason)) != word {
        native.insert(ME, WORD, Value::from(word));
    }
    (reason, native)
}

fn ours(word: &str) -> FinishReason {
    match word {
        "end_turn" => FinishReason::Stop,
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "stop_sequence" => FinishReason::StopSequence,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        "malformed_tool_use" | "malformed_model_output" => FinishReason::Error,
        other => FinishReason::Unknown(other.to_owned()),
    }
}

/// Writes a `stopReason`.
pub(super) fn write<'a>(reason: Option<&'a FinishReason>, native: &'a Native) -> &'a str {
    match native.get(ME, WORD) {
        Some(Value::String(word)) if reason.is_none_or(|reason| ours(word) == *reason) => word,
        _ => theirs(reason),
    }
}

fn theirs(reason: Option<&FinishReason>) -> &str {
    match reason {
        // Of an answer that broke off the protocol has no other word that all its clients know.
        Some(FinishReason::Length | FinishReason::Error) => "max_tokens",
        Some(FinishReason::StopSequence) => "stop_sequence",
        Some(FinishReason::ToolCalls) => "tool_use",
        Some(FinishReason::ContentFilter) => "content_filtered",
        Some(FinishReason::Refusal) => "refusal",
        Some(FinishReason::Unknown(word)) => word,
        Some(FinishReason::Stop | FinishReason::Pause) | None => "end_turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_broke_off_does_not_end_as_if_it_were_whole() {
        assert_eq!(write(Some(&FinishReason::Error), &Native::NONE), "max_tokens");
        assert_eq!(write(Some(&FinishReason::Stop), &Native::NONE), "end_turn");
    }
}
