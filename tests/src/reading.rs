//! What a body says, read straight from the raw JSON and independent of the codecs: texts, tool calls, usage.
//!
//! The codecs are held against these readings, so nothing here may use them.

mod anthropic;
mod bedrock;
mod cohere;
mod error;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;
mod operation;

use std::collections::BTreeMap;

use llm_core::{Meter, Protocol};
use serde_json::Value;

pub use error::{ErrorReading, kinds_for, read_error};
pub use operation::used;

/// What an answer says, choice by choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The choices by index.
    pub choices: BTreeMap<u64, ChoiceReading>,
    /// Tokens by meter, those that are not zero; none where the provider said no usage.
    pub usage: Option<BTreeMap<Meter, u64>>,
}

/// What one choice says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChoiceReading {
    /// All text, joined.
    pub text: String,
    /// The words in which the model declines, joined.
    pub refusal: String,
    /// The tool calls in order.
    pub calls: Vec<Call>,
    /// The provider's own word for why it stopped.
    pub finish: Option<String>,
}

/// One tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The id; empty where the protocol has none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as JSON text.
    pub arguments: String,
}

/// Reads a whole answer; none for a protocol that has no reader.
pub fn whole(protocol: Protocol, body: &Value) -> Option<Reading> {
    match protocol {
        Protocol::OpenAiChat => Some(openai_chat::whole(body)),
        Protocol::OpenAiResponses => Some(openai_responses::whole(body)),
        Protocol::Anthropic => Some(anthropic::whole(body)),
        Protocol::Bedrock => Some(bedrock::whole(body)),
        Protocol::Cohere => Some(cohere::whole(body)),
        Protocol::Mistral => Some(openai_chat::whole(body)),
        Protocol::Gemini => Some(gemini::events(std::slice::from_ref(body))),
        Protocol::Ollama => Some(ollama::events(std::slice::from_ref(body))),
        _ => None,
    }
}

/// Reads the events of a stream; none for a protocol that has no reader.
pub fn stream(protocol: Protocol, events: &[Value]) -> Option<Reading> {
    match protocol {
        Protocol::OpenAiChat => Some(openai_chat::events(events)),
        Protocol::OpenAiResponses => Some(openai_responses::events(events)),
        Protocol::Anthropic => Some(anthropic::events(events)),
        Protocol::Bedrock => Some(bedrock::events(events)),
        Protocol::Cohere => Some(cohere::events(events)),
        Protocol::Mistral => Some(openai_chat::events(events)),
        Protocol::Gemini => Some(gemini::events(events)),
        Protocol::Ollama => Some(ollama::events(events)),
        _ => None,
    }
}

/// The text at a path of members; empty where there is none.
fn text_at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The count at a path of members, where there is one.
fn count_at(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// The items of a list member.
fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Meters without those that are zero.
fn meters(counts: &[(Meter, u64)]) -> BTreeMap<Meter, u64> {
    counts.iter().copied().filter(|&(_, count)| count > 0).collect()
}
