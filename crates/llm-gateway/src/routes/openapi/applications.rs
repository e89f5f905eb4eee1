//! What the routes for applications are, in short: their bodies are those of the protocols, whose own documents say more.

use serde_json::{Value, json};

/// A line on each path, whatever it is asked with.
const SUMMARIES: &[(&str, &str)] = &[
    ("/v1/chat/completions", "OpenAI Chat Completions"),
    ("/v1/responses", "OpenAI Responses"),
    ("/v1/responses/{id}", "A stored response"),
    ("/v1/responses/{id}/cancel", "Cancels a response that is being made"),
    ("/v1/responses/{id}/input_items", "What a stored response answered"),
    ("/v1/conversations", "Makes a conversation"),
    ("/v1/conversations/{id}", "A stored conversation"),
    ("/v1/conversations/{id}/items", "The items of a conversation"),
    ("/v1/conversations/{id}/items/{item}", "An item of a conversation"),
    ("/v1/messages", "Anthropic Messages"),
    ("/v1/messages/count_tokens", "Counts the tokens of a prompt, as Anthropic does"),
    ("/v1/completions", "OpenAI text completions"),
    ("/v1/embeddings", "Vectors of texts"),
    ("/v1/rerank", "Documents in the order of their relevance"),
    ("/v1/moderations", "Judgement of contents"),
    ("/v1/images/generations", "Makes images"),
    ("/v1/images/edits", "Changes images"),
    ("/v1/audio/speech", "Text to speech"),
    ("/v1/audio/transcriptions", "Speech to text"),
    ("/api/v1/call/chat", "A conversation, in the native protocol"),
    ("/api/v1/call/complete", "Text that is continued, in the native protocol"),
    ("/api/v1/call/embed", "Vectors of texts, in the native protocol"),
    ("/api/v1/call/rerank", "Documents by relevance, in the native protocol"),
    ("/api/v1/call/moderate", "Judgement of contents, in the native protocol"),
    ("/api/v1/call/images", "Images, in the native protocol"),
    ("/api/v1/call/speak", "Text to speech, in the native protocol"),
    ("/api/v1/call/transcribe", "Speech to text, in the native protocol"),
    ("/api/v1/call/count_tokens", "Counts the tokens of a prompt, in the native protocol"),
    ("/api/v1/call/files", "Files of providers, in the native protocol"),
    ("/api/v1/call/batches", "Batches of calls, in the native protocol"),
    ("/v1/files", "Files, as OpenAI's, Anthropic's and Google's SDKs ask for them"),
    ("/v1/files/{id}", "A file"),
    ("/v1/files/{id}/content", "What a file holds"),
    ("/v1/batches", "OpenAI's and Google's batches of calls"),
    ("/v1/batches/{id}", "A batch; with Google's `:cancel` behind its id, its end"),
    ("/v1/batches/{id}/cancel", "Cancels a batch"),
    ("/v1/messages/batches", "Anthropic's batches of calls"),
    ("/v1/messages/batches/{id}", "A batch of messages"),
    ("/v1/messages/batches/{id}/cancel", "Cancels a batch of messages"),
    ("/v1/messages/batches/{id}/results", "The results of a batch of messages"),
    ("/upload/v1/files", "A file on its way up, as Google's SDKs send it, whole or in pieces"),
    ("/upload/v1beta/files", "A file on its way up, as Google's SDKs send it, whole or in pieces"),
    ("/v1beta/files", "Files, in Google's form"),
    ("/v1beta/files/{id}", "A file, in Google's form; with `:download` behind its id, what it holds"),
    ("/download/v1/files/{id}", "What a file holds, as Google's REST interface asks for it"),
    ("/download/v1beta/files/{id}", "What a file holds, as Google's REST interface asks for it"),
    ("/v1beta/batches", "Google's batches of calls"),
    ("/v1beta/batches/{id}", "A batch of Google's; with `:cancel` behind its id, its end"),
    ("/v1/models", "What the key may call"),
    ("/v1/models/{*id}", "A model; with Google's methods behind its name, a call of it"),
    ("/v1beta/models", "What the key may call, in Google's form"),
    ("/v1beta/models/{*id}", "A model; with Google's methods behind its name, a call of it"),
];

/// The line on a path; none where nobody has written one, which a test notices.
pub(in crate::routes) fn summary(path: &str) -> Option<&'static str> {
    SUMMARIES.iter().find(|(of, _)| *of == path).map(|(_, summary)| *summary)
}

/// An operation for applications.
pub(super) fn operation(path: &str) -> Value {
    json!({
        "summary": summary(path).unwrap_or(path),
        "tags": ["applications"],
        "responses": {"default": {"description": "As the protocol says, errors included"}},
    })
}

/// An operation for scripts that were written for LiteLLM's proxy.
pub(super) fn of_litellm() -> Value {
    json!({
        "summary": "As LiteLLM's proxy answers it",
        "tags": ["litellm"],
        "responses": {"default": {"description": "As LiteLLM's proxy says, errors included"}},
    })
}
