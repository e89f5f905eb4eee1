//! Which protocol a recorded folder speaks, and what is known of its provider.

use llm_core::Protocol;
use llm_core::codec::Quirks;

/// What a folder of recordings speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Chat, in this protocol.
    Chat(Protocol),
    /// Something that is not chat.
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
        (_, "completions") => Spoken::Other("text completion"),
        (_, "generation") => Spoken::Other("watsonx text generation"),
        (_, "count_tokens") => Spoken::Other("counting tokens"),
        (_, "cached_contents") => Spoken::Other("Gemini's stored prompts"),
        (_, "embeddings") => Spoken::Other("embeddings"),
        (_, "rerank") => Spoken::Other("reranking"),
        (_, "moderations") => Spoken::Other("moderation"),
        (_, "images") => Spoken::Other("images"),
        (_, "audio") => Spoken::Other("audio"),
        (_, "ocr") => Spoken::Other("reading of documents"),
        (_, "files") => Spoken::Other("files"),
        (_, "batches") => Spoken::Other("batches"),
        (_, "models") => Spoken::Other("lists of models"),
        _ => Spoken::Other("an interface without a name here"),
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
