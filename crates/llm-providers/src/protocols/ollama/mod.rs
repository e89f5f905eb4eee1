//! Ollama's native protocol: `POST /api/chat`, newline-delimited JSON where it streams.
//!
//! What differs from most: it streams unless `stream: false` is sent; sampling stands under `options`; arguments of
//! tool calls are objects; ids of calls may be missing and results name the tool instead; images are bare base64
//! beside one text; `think` is a switch or a level. Source: Ollama's `docs/api.md`, and recorded traffic.

mod embed;
mod error;
mod message;
mod models;
mod request;
mod response;
mod stream;
mod timestamp;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Protocol, Result};

const OLLAMA: Protocol = Protocol::Ollama;

/// The codec of Ollama's native protocol.
#[derive(Debug)]
pub struct Ollama;

/// The codec of Ollama's other operations.
#[derive(Debug)]
pub struct OllamaApi;

impl Upstream<Chat> for Ollama {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        request::encode(request, target)
    }

    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        response::decode(cx, head, body)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(stream::Decoder::new(cx))
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode(cx, head, body)
    }
}

impl Downstream<Chat> for Ollama {
    fn decode_request(&self, _: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        request::decode(body)
    }

    fn encode_answer(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        response::encode(cx, answer)
    }

    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(stream::Encoder::new(cx))
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

impl ChatProtocol for Ollama {
    fn protocol(&self) -> Protocol {
        OLLAMA
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        None
    }
}
