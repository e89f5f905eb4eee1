//! Cohere's chat, version 2: `POST /v2/chat`, server-sent events where it streams.
//!
//! What differs from most: `p`, `k` and `stop_sequences`; a choice of tools is `REQUIRED`, `NONE` or nothing; what is
//! said beside tool calls is the `tool_plan`; thoughts are parts of the content; citations stand beside the content and
//! name its parts; usage says both what was read and written and what is charged. Source: Cohere's API reference, and
//! recorded traffic.
//!
//! What a decoder leaves in a [`Native`](llm_core::Native) beside unknown members are hints of spelling:
//!
//! | left behind | means |
//! | --- | --- |
//! | `content: []` | the content was a list of parts |
//! | `tool_plan: ""` in a text part | the text was the plan |
//! | `schema: {}` in a response format | the schema stood under its older name |
//! | `event` in a chunk | the name of the event, where it was not its type |

mod answer;
mod citation;
mod content;
pub(super) mod embed;
mod error;
mod finish;
mod message;
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

const COHERE: Protocol = Protocol::Cohere;

/// The codec of Cohere's chat.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cohere;

/// The codec of Cohere's other operations.
#[derive(Clone, Copy, Debug)]
pub struct CohereApi;

impl Upstream<Chat> for Cohere {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        request::encode(request, target)
    }

    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        answer::decode(cx, head, body)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(stream::Decoder::new(cx))
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode(cx, head, body)
    }
}

impl Downstream<Chat> for Cohere {
    fn decode_request(&self, _: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        request::decode(body)
    }

    fn encode_answer(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        answer::encode(cx, answer)
    }

    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(stream::Encoder::new(cx))
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

impl ChatProtocol for Cohere {
    fn protocol(&self) -> Protocol {
        COHERE
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        None
    }
}
