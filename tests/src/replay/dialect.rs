//! Which protocol a recorded folder speaks, and what is known of its provider.

use llm_core::codec::Quirks;
use llm_core::{OperationKind, Protocol};

/// What a folder of recordings speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Chat, in this protocol.
    Chat(Protocol),
    /// Another operation, in this protocol.
    Operation(OperationKind, Protocol),
    /// Something that is not built.
    Other(&'static str),
}

/// What `provider` speaks at `api`, as the recordings name their folders.
pub fn spoken(provider: &str, api: &str) -> Spoken {
    match (provider, api) {
        ("cohere", "chat") => Spoken::Chat(Protocol::Cohere),
        ("cohere", "chat_v1") => Spoken::Other("Cohere's older chat, version 1"),
        ("mistral", "chat") => Spoken::Chat(Protocol::Mistral),
        ("gemini", "chat") => Spoken::Chat(Protocol::Gemini),
        ("bedrock", "chat") => Spoken::Chat(Protocol::Bedrock),
        ("ollama", "chat") => Spoken::Chat(Protocol::Ollama),
        ("ollama", "generate") => Spoken::Other("Ollama's text completion"),
        (_, "messages") => Spoken::Chat(Protocol::Anthropic),
        (_, "generate_content") => Spoken::Chat(Protocol::Gemini),
        (_, "converse" | "converse_stream") => Spoken::Chat(Protocol::Bedrock),
        (_, "responses") => Spoken::Chat(Protocol::OpenAiResponses),
        (_, "chat" | "openai_chat") => Spoken::Chat(Protocol::OpenAiChat),
        (_, "invoke" | "invoke_stream") => Spoken::Other("a model family's own body in Bedrock's invoke"),
        (_, "interactions") => Spoken::Other("Gemini interactions"),
        ("writer", "completions") => Spoken::Other("text completion in events of its own"),
        (_, "completions") => Spoken::Operation(OperationKind::Complete, Protocol::OpenAiChat),
        (_, "generation") => Spoken::Other("watsonx text generation"),
        (provider, "count_tokens") => Spoken::Operation(OperationKind::CountTokens, protocol_of(provider)),
        (_, "cached_contents") => Spoken::Other("Gemini's stored prompts"),
        (provider, "embeddings") => Spoken::Operation(OperationKind::Embed, protocol_of(provider)),
        (provider, "rerank") => Spoken::Operation(OperationKind::Rerank, protocol_of(provider)),
        (provider, "moderations") => Spoken::Operation(OperationKind::Moderate, protocol_of(provider)),
        (provider, "images") => Spoken::Operation(OperationKind::Images, protocol_of(provider)),
        (provider, "speech") => Spoken::Operation(OperationKind::Speak, protocol_of(provider)),
        // What is recorded is heard, not spoken.
        (provider, "audio") => Spoken::Operation(OperationKind::Transcribe, protocol_of(provider)),
        (_, "ocr") => Spoken::Other("reading of documents"),
        (provider, "files") => Spoken::Operation(OperationKind::Files, protocol_of(provider)),
        (provider, "batches") => Spoken::Operation(OperationKind::Batches, protocol_of(provider)),
        (provider, "models") => Spoken::Operation(OperationKind::Models, protocol_of(provider)),
        _ => Spoken::Other("an interface without a name here"),
    }
}

/// The protocol of a provider's other operations.
fn protocol_of(provider: &str) -> Protocol {
    match provider {
        "anthropic" => Protocol::Anthropic,
        "bedrock" => Protocol::Bedrock,
        "cohere" => Protocol::Cohere,
        "deepgram" => Protocol::Deepgram,
        "elevenlabs" => Protocol::ElevenLabs,
        "gemini" | "vertex" => Protocol::Gemini,
        "mistral" => Protocol::Mistral,
        "ollama" => Protocol::Ollama,
        "voyage" => Protocol::Voyage,
        _ => Protocol::OpenAiChat,
    }
}

/// The API version of recordings whose headers were not kept: they were all made with the older one.
pub(super) fn recorded_version(protocol: Protocol) -> Option<&'static str> {
    (protocol == Protocol::Anthropic).then_some("2023-06-01")
}

/// What matters for reading a provider's answers and stands in no row of the provider table yet.
pub fn quirks_of(provider: &str) -> Quirks {
    Quirks { no_done: matches!(provider, "perplexity" | "writer" | "gpustack"), ..Quirks::default() }
}
