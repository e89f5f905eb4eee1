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
mod operations;
mod request;
mod stream;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest, Relabel};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Protocol, Result};

use super::openai_chat::OpenAiChat;

const MISTRAL: Protocol = Protocol::Mistral;
/// The protocol that this one is made of.
const INNER: Protocol = Protocol::OpenAiChat;

/// The codec of Mistral's chat completions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mistral;

/// The codec of Mistral's other operations.
#[derive(Clone, Copy, Debug)]
pub struct MistralApi;

impl Upstream<Chat> for Mistral {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        request::encode(request, target)
    }

    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        let mut answer = OpenAiChat.decode_answer(cx, head, body)?;
        answer.relabel(INNER, MISTRAL);
        Ok(answer)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(stream::Decoder::new(cx))
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        OpenAiChat.decode_error(cx, head, body)
    }
}

impl Downstream<Chat> for Mistral {
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        request::decode(head, body)
    }

    fn encode_answer(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        let mut answer = answer.clone();
        answer.relabel(MISTRAL, INNER);
        OpenAiChat.encode_answer(cx, &answer)
    }

    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(stream::Encoder::new(cx))
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

impl ChatProtocol for Mistral {
    fn protocol(&self) -> Protocol {
        MISTRAL
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        None
    }
}
