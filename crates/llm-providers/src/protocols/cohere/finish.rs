//! Why the model stopped, in Cohere's words.

use llm_core::chat::FinishReason;
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

const NAME: &str = "finish_reason";

/// Takes the reason. The provider's own word stays.
pub(super) fn read(fields: &Fields) -> Option<FinishReason> {
    fields.text(NAME).filter(|word| !word.is_empty()).map(meaning)
}

fn meaning(word: &str) -> FinishReason {
    match word {
        "COMPLETE" => FinishReason::Stop,
        "STOP_SEQUENCE" => FinishReason::StopSequence,
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        "ERROR" | "TIMEOUT" => FinishReason::Error,
        other => FinishReason::from(other),
    }
}

/// Writes the reason, unless the word that stands there means the same.
pub(super) fn write(reason: Option<&FinishReason>, out: &mut Map<String, Value>) {
    let Some(reason) = reason else { return };
    let stated = out.get(NAME).and_then(Value::as_str).map(meaning);
    if stated.as_ref() != Some(reason) {
        out.insert(NAME.to_owned(), json!(word(reason)));
    }
}

fn word(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop | FinishReason::Pause => "COMPLETE",
        FinishReason::StopSequence => "STOP_SEQUENCE",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ToolCalls => "TOOL_CALL",
        FinishReason::ContentFilter | FinishReason::Refusal => "ERROR_TOXIC",
        FinishReason::Error => "ERROR",
        FinishReason::Unknown(word) => word,
    }
}
