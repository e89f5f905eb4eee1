//! Gemini, `:generateContent` and `:streamGenerateContent`, on Google's generativelanguage and Vertex hosts.
//!
//! The model and the method stand in the path; a target with the variable `project` is Vertex. Members may be spelled
//! in two ways (`name.rs`). What a part, a content, a candidate or an event holds beyond what the vocabulary knows rides
//! in its [`Native`](llm_core::Native) and is written back only to this protocol. Nothing but the end of the connection
//! ends a stream; it was whole where every candidate has said why it ended.

mod answer;
mod batches;
mod candidate;
mod count;
mod embed;
mod error;
mod files;
mod finish;
mod grounding;
mod images;
mod logprobs;
mod model;
mod models;
mod name;
mod part;
mod passthrough;
mod path;
mod request;
mod schema;
mod searches;
mod stream;
pub mod uploads;
mod usage;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Protocol, Result};

pub use path::split as split_path;

const ME: Protocol = Protocol::Gemini;
/// Stands for the provider of a caller's own thoughts: some provider of this protocol made them, and no other protocol's
/// may be sent them.
const ANY_PROVIDER: &str = "gemini/*";

/// The codecs of Gemini.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

/// The codecs of Gemini's other operations.
#[derive(Clone, Copy, Debug)]
pub struct GeminiApi;

impl Upstream<Chat> for Gemini {
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

impl Downstream<Chat> for Gemini {
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

impl ChatProtocol for Gemini {
    fn protocol(&self) -> Protocol {
        ME
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        Some(self)
    }
}
