//! Why a candidate ended, in Google's words and in ours.

use llm_core::Native;
use llm_core::chat::FinishReason;
use serde_json::Value;

use super::ME;

/// The candidate's member.
pub(super) const FINISH_REASON: &str = "finishReason";

/// Reads a `finishReason`, a word or, where enums come as numbers, its number. None for one that says nothing.
/// `calls`: the candidate asks for functions, which Google calls a plain stop.
pub(super) fn read(said: &Value, calls: bool) -> Option<FinishReason> {
    let word = match said {
        Value::String(word) => word.as_str(),
        // Only these numbers are the same on both of Google's hosts.
        Value::Number(number) => match number.as_u64() {
            Some(0) => "FINISH_REASON_UNSPECIFIED",
            Some(1) => "STOP",
            Some(2) => "MAX_TOKENS",
            Some(3 | 7 | 8) => "SAFETY",
            Some(4) => "RECITATION",
            Some(5) => "OTHER",
            _ => return Some(FinishReason::Unknown(number.to_string())),
        },
        _ => return None,
    };
    Some(match word {
        "" | "FINISH_REASON_UNSPECIFIED" => return None,
        "STOP" if calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        "OTHER"
        | "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "NO_IMAGE"
        | "IMAGE_OTHER" => FinishReason::Error,
        other => FinishReason::Unknown(other.to_owned()),
    })
}

/// The reason of an answer of another protocol. Some say that the model stopped where it declined in words.
pub(super) fn with_refusal(reason: FinishReason, refuses: bool) -> FinishReason {
    if refuses && reason == FinishReason::Stop { FinishReason::Refusal } else { reason }
}

/// Writes a `finishReason`: the provider's own where it came in this protocol and still says the same.
pub(super) fn write(reason: &FinishReason, native: &Native) -> Value {
    if let Some(said) = native.get(ME, FINISH_REASON)
        && [true, false].iter().any(|calls| read(said, *calls).as_ref() == Some(reason))
    {
        return said.clone();
    }
    let word = match reason {
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::ToolCalls | FinishReason::Pause => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
        // No word of another protocol is one of Google's enum.
        FinishReason::Error | FinishReason::Unknown(_) => "OTHER",
    };
    word.into()
}
