//! OpenAI Responses, upstream and downstream.
//!
//! Items of the model (its messages, thoughts and calls) are parts of one assistant turn, in order; a message of anyone
//! else, and the result of a call, is a turn of its own. Errors, tiers and counts are those of Chat Completions. What a
//! decoder leaves in a [`Native`](llm_core::Native) beside unknown members are hints of spelling:
//!
//! | left behind | means |
//! | --- | --- |
//! | `(item)` | in a part: what is left of the message item it begins; null in the further parts of that item |
//! | `(event)` | in a chunk: the event, without the text of its piece |
//! | `(name)`, `(done)` | in a chunk: its event had another name than its type; it was the end mark of other protocols |
//! | `content: []`, `output: []` | it was a list of parts |
//! | `input: ""` | the whole input was a text |
//! | `instructions: ""` | in a message: it stood in `instructions` |
//! | `truncation: ""` | it was said to be off |
//! | null, false in `include` | encrypted thoughts, log probabilities |
//! | null in `annotations` | the place of a citation that was understood |

mod annotation;
mod answer;
mod content;
mod error;
mod finish;
mod item;
mod passthrough;
mod reasoning;
mod request;
mod searches;
mod shell;
pub mod stored;
mod stream;
mod usage;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Protocol, Result};

use super::openai_chat;

const PROTOCOL: Protocol = Protocol::OpenAiResponses;
/// What is left of the item that a part belongs to.
const ITEM: &str = "(item)";
/// An event of a stream.
const EVENT: &str = "(event)";

/// The codec of OpenAI Responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiResponses;

/// Reads what a response used; none where its usage is of another protocol.
pub(super) fn read_usage(response: &serde_json::Map<String, serde_json::Value>) -> Option<llm_core::Usage> {
    let members = response.get("usage")?.as_object().filter(|members| members.contains_key("input_tokens"))?;
    Some(usage::read(members.clone()).with(llm_core::Meter::Query, searches::charged(response)))
}

impl Upstream<Chat> for OpenAiResponses {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        request::encode(request, target)
    }

    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        answer::decode(cx, head, body)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(stream::Decoder::new(cx.clone()))
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        openai_chat::error::decode(cx, head, body)
    }
}

impl Downstream<Chat> for OpenAiResponses {
    fn decode_request(&self, _: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        request::decode(body)
    }

    fn encode_answer(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        answer::encode(cx, answer)
    }

    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(stream::Encoder::new(cx.clone()))
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        openai_chat::error::encode(error)
    }
}

impl ChatProtocol for OpenAiResponses {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        Some(self)
    }
}
