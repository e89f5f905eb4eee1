//! Why the model stopped, in Anthropic's words and in ours.

use llm_core::Native;
use llm_core::chat::{Content, FinishReason, Part};
use serde_json::Value;

use super::ME;

/// Reads a `stop_reason`. The word itself comes along where it says more than ours.
pub(super) fn read(word: &str) -> (FinishReason, Native) {
    let reason = match word {
        "end_turn" => FinishReason::Stop,
        "max_tokens" => FinishReason::Length,
        "stop_sequence" => FinishReason::StopSequence,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        other => {
            // The window's end is more than a bound reached, and an unknown word may be seen by callers who speak this
            // protocol.
            let mut native = Native::NONE;
            native.insert(ME, "stop_reason", Value::from(other));
            let reason = match other {
                "model_context_window_exceeded" => FinishReason::Length,
                _ => FinishReason::Unknown(other.to_owned()),
            };
            return (reason, native);
        }
    };
    (reason, Native::NONE)
}

/// Writes a `stop_reason`. `said` is what was answered: providers that say only that they stopped may have asked for
/// tools all the same.
pub(super) fn write<'a>(reason: Option<&FinishReason>, native: &'a Native, said: Said) -> &'a str {
    if let Some(Value::String(word)) = native.get(ME, "stop_reason")
        && reason.is_none_or(|reason| read(word).0 == *reason)
    {
        return word;
    }
    match reason {
        // Of an answer that broke off the protocol has no other word.
        Some(FinishReason::Length | FinishReason::Error) => "max_tokens",
        Some(FinishReason::StopSequence) => "stop_sequence",
        Some(FinishReason::ToolCalls) => "tool_use",
        Some(FinishReason::Pause) => "pause_turn",
        Some(FinishReason::Refusal | FinishReason::ContentFilter) => "refusal",
        Some(FinishReason::Stop | FinishReason::Unknown(_)) | None => {
            if said.tool_calls {
                "tool_use"
            } else if said.refusal {
                "refusal"
            } else {
                "end_turn"
            }
        }
    }
}

/// What an answer holds, as far as it tells why the model stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) tool_calls: bool,
    pub(super) refusal: bool,
}

impl Said {
    pub(super) fn add(&mut self, content: &Content) {
        match content {
            Content::ToolCall(_) => self.tool_calls = true,
            Content::Refusal { .. } => self.refusal = true,
            _ => {}
        }
    }

    pub(super) fn of(parts: &[Part]) -> Self {
        let mut said = Self::default();
        parts.iter().for_each(|part| said.add(&part.content));
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_broke_off_does_not_end_as_if_it_were_whole() {
        for said in [Said::default(), Said { tool_calls: true, refusal: false }] {
            assert_eq!(write(Some(&FinishReason::Error), &Native::NONE, said), "max_tokens");
        }
    }
}
