//! Whether a stream is one that the protocol's own SDK accepts: start, deltas, stop, usage, end mark.

mod anthropic;
mod gemini;
mod openai_chat;
mod openai_responses;

use llm_core::Protocol;
use serde_json::Value;

use crate::replay::Event;

/// Every way in which a whole stream breaks its protocol's grammar; none for a protocol without a validator.
pub fn check(protocol: Protocol, events: &[Event]) -> Vec<String> {
    match protocol {
        Protocol::OpenAiChat => openai_chat::check(events),
        Protocol::OpenAiResponses => openai_responses::check(events),
        Protocol::Anthropic => anthropic::check(events),
        Protocol::Gemini => gemini::check(events),
        _ => Vec::new(),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_count(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).is_some_and(Value::is_u64)
}

#[cfg(test)]
mod tests;
