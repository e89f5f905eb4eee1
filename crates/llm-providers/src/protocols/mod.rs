//! The wire formats, a folder of pure codecs each, and the table of them.

mod allowed;
pub mod anthropic;
pub(crate) mod aws;
mod batches;
pub mod bedrock;
mod blocks;
pub(crate) mod body;
pub mod cohere;
pub mod deepgram;
mod effort;
pub mod elevenlabs;
mod emulate;
mod end_user;
mod files;
mod foreign;
mod functions;
pub mod gemini;
mod joined;
mod look;
pub mod mistral;
pub(crate) mod multipart;
pub mod native;
pub mod ollama;
pub mod openai_chat;
mod openai_members;
pub mod openai_responses;
pub(crate) mod other_models;
pub(crate) mod pass;
pub mod path;
pub(crate) mod reader;
mod results;
pub(crate) mod seal;
mod search_result;
pub(crate) mod sound;
pub(crate) mod speaks;
pub(crate) mod splice;
mod stored;
pub mod voyage;

use llm_core::audio::{Speak, Transcribe};
use llm_core::batch::{BatchCall, BatchDraft, Batches};
use llm_core::codec::{Chat, ChatProtocol, Operation, Speaks};
use llm_core::completion::Complete;
use llm_core::embedding::Embed;
use llm_core::file::Files;
use llm_core::image::Images;
use llm_core::model_list::Models;
use llm_core::moderation::Moderate;
use llm_core::rerank::Rerank;
use llm_core::token_count::CountTokens;
use llm_core::{OperationKind, Protocol};

use emulate::Emulating;

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

/// Declares which protocols have an operation, by the codec of each.
macro_rules! table {
    ($($operation:ty: { $($protocol:ident => $codec:expr),+ $(,)? })+) => {
        $(
            impl Spoken for $operation {
                fn codec(protocol: Protocol) -> Option<&'static dyn Speaks<Self>> {
                    match protocol {
                        $(Protocol::$protocol => Some(&$codec),)+
                        _ => None,
                    }
                }
            }
        )+
    };
}

table! {
    Complete: { OpenAiChat => openai_chat::OpenAi, Native => native::NativeApi }
    Embed: {
        OpenAiChat => openai_chat::OpenAi,
        Ollama => ollama::OllamaApi,
        Voyage => voyage::Voyage,
        Cohere => cohere::CohereApi,
        Mistral => mistral::MistralApi,
        Gemini => gemini::GeminiApi,
        Bedrock => bedrock::BedrockApi,
        Native => native::NativeApi,
    }
    Rerank: {
        OpenAiChat => openai_chat::OpenAi,
        Voyage => voyage::Voyage,
        Cohere => cohere::CohereApi,
        Bedrock => bedrock::BedrockApi,
        Native => native::NativeApi,
    }
    Moderate: { OpenAiChat => openai_chat::OpenAi, Mistral => mistral::MistralApi, Native => native::NativeApi }
    Images: { OpenAiChat => openai_chat::OpenAi, Gemini => gemini::GeminiApi, Native => native::NativeApi }
    Speak: {
        OpenAiChat => openai_chat::OpenAi,
        Deepgram => deepgram::Deepgram,
        ElevenLabs => elevenlabs::ElevenLabs,
        Native => native::NativeApi,
    }
    Transcribe: {
        OpenAiChat => openai_chat::OpenAi,
        Mistral => mistral::MistralApi,
        Deepgram => deepgram::Deepgram,
        ElevenLabs => elevenlabs::ElevenLabs,
        Native => native::NativeApi,
    }
    CountTokens: {
        Anthropic => anthropic::AnthropicApi,
        Gemini => gemini::GeminiApi,
        Bedrock => bedrock::BedrockApi,
        Native => native::NativeApi,
    }
    Models: {
        OpenAiChat => openai_chat::OpenAi,
        Anthropic => anthropic::AnthropicApi,
        Ollama => ollama::OllamaApi,
        Cohere => cohere::CohereApi,
        Mistral => mistral::MistralApi,
        Gemini => gemini::GeminiApi,
        Bedrock => bedrock::BedrockApi,
        Deepgram => deepgram::Deepgram,
        ElevenLabs => elevenlabs::ElevenLabs,
    }
    Files: {
        OpenAiChat => openai_chat::OpenAi,
        Anthropic => anthropic::AnthropicApi,
        Mistral => mistral::MistralApi,
        Gemini => gemini::GeminiApi,
        Native => native::NativeApi,
    }
    Batches: {
        OpenAiChat => openai_chat::OpenAi,
        Anthropic => anthropic::AnthropicApi,
        Mistral => mistral::MistralApi,
        Gemini => gemini::GeminiApi,
        Native => native::NativeApi,
    }
}

/// The file of lines that a batch of `calls` is made from; none in protocols whose batches hold their calls themselves.
pub fn batch_lines(protocol: Protocol, calls: &[BatchCall]) -> Option<llm_core::Result<bytes::Bytes>> {
    match protocol {
        Protocol::OpenAiChat => Some(openai_chat::batches::lines(calls)),
        Protocol::Mistral => Some(mistral::batches::lines(calls)),
        _ => None,
    }
}

/// A JSON body of a request with another model, and every other byte as it was.
///
/// # Errors
/// [`llm_core::ErrorKind::InvalidRequest`] where the body is no JSON object.
pub fn with_model(body: &[u8], model: &str) -> llm_core::Result<bytes::Bytes> {
    let mut edited = splice::Splice::new(body)?;
    edited.set_text("model", model);
    Ok(edited.finish())
}

/// Where all calls of a batch go by themselves; an error where they go to several places.
pub fn batch_endpoint(draft: &BatchDraft) -> llm_core::Result<Option<String>> {
    openai_chat::batches::endpoint(draft)
}

/// Whether the codec of `protocol` for an operation is built.
pub fn has(protocol: Protocol, kind: OperationKind) -> bool {
    fn built<O: Spoken>(protocol: Protocol) -> bool {
        O::codec(protocol).is_some()
    }
    let is_built = match kind {
        OperationKind::Chat => built::<Chat>,
        OperationKind::Complete => built::<Complete>,
        OperationKind::Embed => built::<Embed>,
        OperationKind::Rerank => built::<Rerank>,
        OperationKind::Moderate => built::<Moderate>,
        OperationKind::Images => built::<Images>,
        OperationKind::Speak => built::<Speak>,
        OperationKind::Transcribe => built::<Transcribe>,
        OperationKind::CountTokens => built::<CountTokens>,
        OperationKind::Models => built::<Models>,
        OperationKind::Files => built::<Files>,
        OperationKind::Batches => built::<Batches>,
    };
    is_built(protocol)
}

/// The codecs that speak `protocol` for chat, with what stands in for what providers lack; none where they are not built.
pub fn chat(protocol: Protocol) -> Option<&'static dyn ChatProtocol> {
    Some(match protocol {
        Protocol::OpenAiChat => &Emulating(openai_chat::OpenAiChat),
        Protocol::OpenAiResponses => &Emulating(openai_responses::OpenAiResponses),
        Protocol::Anthropic => &Emulating(anthropic::Anthropic),
        Protocol::Bedrock => &Emulating(bedrock::Bedrock),
        Protocol::Cohere => &Emulating(cohere::Cohere),
        Protocol::Mistral => &Emulating(mistral::Mistral),
        Protocol::Gemini => &Emulating(gemini::Gemini),
        Protocol::Ollama => &Emulating(ollama::Ollama),
        Protocol::Native => &native::NativeProtocol,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
