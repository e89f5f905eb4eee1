//! Amazon Bedrock's Converse: `POST /model/MODEL/converse`, and `/converse-stream` as an AWS event stream.
//!
//! Content blocks are unions with one member each (`{"text": …}`, `{"toolUse": {…}}`), and they are parts, in order. A
//! cache point is a block of its own behind what it closes; here it hangs on the part before it. What a block, a
//! message, an answer or an event holds beyond what the vocabulary knows rides in its [`Native`](llm_core::Native).
//! Nobody calls us in this protocol; its server's side is there so that recorded traffic can be shown to lose nothing.
//!
//! Source: the API reference of Amazon Bedrock Runtime, and recorded traffic.

mod answer;
mod block;
mod count;
mod embed;
mod error;
mod finish;
mod model;
mod models;
mod request;
mod rerank;
mod stream;
mod usage;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Protocol, Result};

use super::aws;

const ME: Protocol = Protocol::Bedrock;

/// The codecs of Bedrock Converse.
#[derive(Clone, Copy, Debug)]
pub struct Bedrock;

/// The codecs of Bedrock's other operations.
#[derive(Clone, Copy, Debug)]
pub struct BedrockApi;

/// Errors as AWS says them and as callers read them.
mod errors {
    pub(super) use super::aws::decode_error as decode;
    pub(super) use super::error::encode;
}

impl Upstream<Chat> for Bedrock {
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
        aws::decode_error(cx, head, body)
    }
}

impl Downstream<Chat> for Bedrock {
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        request::decode(head, body)
    }

    fn encode_answer(&self, _cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        Ok(answer::encode(answer))
    }

    fn encode_stream(&self, _cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(stream::Encoder::default())
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

impl ChatProtocol for Bedrock {
    fn protocol(&self) -> Protocol {
        ME
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        None
    }
}
