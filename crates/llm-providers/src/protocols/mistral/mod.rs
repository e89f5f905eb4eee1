//! Mistral's chat completions: nearly OpenAI's, and therefore made of its codec.
//!
//! What differs: `random_seed`; a choice of tools that must be made is `any`; thoughts are parts of the content, which
//! turns from a text into a list and back within one stream; documents are `document_url`, sound is bare base64; errors
//! are `{"detail"}` or `{"object": "error"}`. Members that both protocols have, `prompt_cache_key` among them, pass
//! from OpenAI's callers as they are. Source: Mistral's API reference, and recorded traffic.
//!
//! What Mistral answers is kept for this protocol and not for OpenAI's, so callers of OpenAI's see its full form: one
//! text as content, and the thoughts where their SDKs look for them.

pub(super) mod batches;
mod error;
mod files;
mod fit;
mod operations;
mod request;
mod stream;
#[cfg(test)]
mod tests;

use llm_core::Protocol;
use llm_core::chat::Relabel;
use llm_core::codec::Chat;

use super::openai_chat::OpenAiChat;
use super::speaks::speaks;

const MISTRAL: Protocol = Protocol::Mistral;
/// The protocol that this one is made of.
const INNER: Protocol = Protocol::OpenAiChat;

/// The codec of Mistral's chat completions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mistral;

/// The codec of Mistral's other operations.
#[derive(Clone, Copy, Debug)]
pub struct MistralApi;

speaks! {
    Mistral: Chat, MISTRAL, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, head, body) {
        let mut answer = OpenAiChat.decode_answer(cx, head, body)?;
        answer.relabel(INNER, MISTRAL);
        Ok(answer)
    },
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(head, body) request::decode(head, body),
    encode_answer(cx, answer) {
        let mut answer = answer.clone();
        answer.relabel(MISTRAL, INNER);
        OpenAiChat.encode_answer(cx, &answer)
    },
    encode_stream(cx) stream::Encoder::new(cx),
}
