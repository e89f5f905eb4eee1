//! The wire formats, a folder of pure codecs each, and the table of them.

pub mod anthropic;
pub(crate) mod aws;
pub mod bedrock;
pub mod cohere;
pub mod gemini;
pub mod mistral;
pub mod native;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
pub(crate) mod path;
pub(crate) mod reader;
pub(crate) mod splice;

use llm_core::Protocol;
use llm_core::codec::{Chat, ChatProtocol, Operation, Speaks};

/// An operation, with the table of the protocols that have it.
pub trait Spoken: Operation {
    /// The codecs that speak `protocol` for this operation; none where it has no such thing, or they are not built.
    fn codec(protocol: Protocol) -> Option<&'static dyn Speaks<Self>>;
}

impl Spoken for Chat {
    fn codec(protocol: Protocol) -> Option<&'static dyn Speaks> {
        chat(protocol)
    }
}

/// The codecs that speak `protocol` for chat; none where they are not built.
pub fn chat(protocol: Protocol) -> Option<&'static dyn ChatProtocol> {
    match protocol {
        Protocol::OpenAiChat => Some(&openai_chat::OpenAiChat),
        Protocol::OpenAiResponses => Some(&openai_responses::OpenAiResponses),
        Protocol::Anthropic => Some(&anthropic::Anthropic),
        Protocol::Bedrock => Some(&bedrock::Bedrock),
        Protocol::Cohere => Some(&cohere::Cohere),
        Protocol::Mistral => Some(&mistral::Mistral),
        Protocol::Gemini => Some(&gemini::Gemini),
        Protocol::Ollama => Some(&ollama::Ollama),
        Protocol::Native => Some(&native::NativeProtocol),
        _ => None,
    }
}
