//! Why the model stopped, in the words of Chat Completions.

use llm_core::chat::FinishReason;
use llm_core::fields::Fields;
use serde_json::Value;

/// Takes `finish_reason` out of a choice. A word that differs from ours stays behind; null and empty texts do too.
pub(super) fn take(choice: &mut Fields) -> Option<FinishReason> {
    let word = choice.take_nonempty("finish_reason")?;
    let reason = meaning(&word);
    if reason.as_str() != word {
        choice.put("finish_reason", Value::String(word));
    }
    Some(reason)
}

/// What a provider's word means: OpenAI's older ones, Together's, Mistral's, DeepSeek's and Z.ai's, as their
/// documentation lists them. A word that is not known passes for what it is.
fn meaning(word: &str) -> FinishReason {
    match word {
        "function_call" => FinishReason::ToolCalls,
        "eos" | "eos_token" => FinishReason::Stop,
        "max_tokens" | "model_length" | "model_context_window_exceeded" => FinishReason::Length,
        "sensitive" => FinishReason::ContentFilter,
        "insufficient_system_resource" | "network_error" => FinishReason::Error,
        other => FinishReason::from(other),
    }
}

/// The word of a choice that came in this protocol: the provider's own, as long as it still means the same.
pub(super) fn spelled<'a>(reason: &'a FinishReason, own: Option<&'a Value>) -> &'a str {
    own.and_then(Value::as_str)
        .filter(|word| !word.is_empty() && meaning(word) == *reason)
        .unwrap_or_else(|| reason.as_str())
}

/// The word for a choice of another protocol: one of the five that OpenAI's SDKs know.
pub(super) fn canonical(reason: Option<&FinishReason>, has_calls: bool) -> &'static str {
    match reason {
        Some(FinishReason::ToolCalls) => "tool_calls",
        Some(FinishReason::Length | FinishReason::Error) => "length",
        Some(FinishReason::ContentFilter | FinishReason::Refusal) => "content_filter",
        Some(FinishReason::Stop | FinishReason::StopSequence | FinishReason::Pause) => "stop",
        None | Some(FinishReason::Unknown(_)) if has_calls => "tool_calls",
        None | Some(FinishReason::Unknown(_)) => "stop",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hosts_have_words_of_their_own_for_an_answer_that_is_not_whole() {
        for (word, reason) in [
            ("model_length", FinishReason::Length),
            ("model_context_window_exceeded", FinishReason::Length),
            ("sensitive", FinishReason::ContentFilter),
            ("insufficient_system_resource", FinishReason::Error),
            ("network_error", FinishReason::Error),
            ("new", FinishReason::Unknown("new".to_owned())),
        ] {
            let mut choice = Fields::at("choices", json!({"finish_reason": word})).unwrap();
            assert_eq!(take(&mut choice), Some(reason.clone()));
            // Callers of the same protocol read the host's own word.
            assert_eq!(spelled(&reason, choice.get("finish_reason")), word);
        }
    }
}
