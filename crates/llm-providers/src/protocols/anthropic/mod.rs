//! Anthropic Messages, `POST /v1/messages`: API versions 2023-06-01 and 2026-10-21, in its own cloud and in others.
//!
//! Content blocks are parts, in order. What a block, a message, an answer or an event holds beyond what the
//! vocabulary knows rides in its [`Native`](llm_core::Native) and is written back only to this protocol. Members that
//! were understood leave at most their empty shape there, as a hint of how they were spelled.

mod answer;
mod batches;
mod block;
mod count;
mod error;
mod files;
mod finish;
mod host;
mod model;
mod models;
mod passthrough;
mod request;
mod stream;
mod usage;
mod version;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Protocol, Result};

pub(crate) use model::takes_budget;
pub use version::{CLASSIC, LATEST};

const ME: Protocol = Protocol::Anthropic;

/// The codecs of Anthropic Messages.
#[derive(Clone, Copy, Debug)]
pub struct Anthropic;

/// The codecs of Anthropic's other operations.
#[derive(Clone, Copy, Debug)]
pub struct AnthropicApi;

impl Upstream<Chat> for Anthropic {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        request::encode(request, target)
    }

    fn decode_answer(&self, cx: &DecodeContext, _head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        answer::decode(cx, body)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(stream::Decoder::new(cx))
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode(cx, head, body)
    }
}

impl Downstream<Chat> for Anthropic {
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        request::decode(head, body)
    }

    fn encode_answer(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        Ok(answer::encode(cx, answer))
    }

    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(stream::Encoder::new(cx))
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

impl ChatProtocol for Anthropic {
    fn protocol(&self) -> Protocol {
        ME
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        Some(self)
    }
}
