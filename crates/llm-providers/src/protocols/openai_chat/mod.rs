//! OpenAI Chat Completions, upstream and downstream, and everything that calls itself compatible with it.
//!
//! The hosts' differences are [`Quirks`](llm_core::codec::Quirks) of their rows; nothing here asks for a provider's
//! name. What a decoder leaves in a [`Native`] beside unknown members are hints of spelling, so that
//! what came in this protocol is written back as it was:
//!
//! | left behind | means |
//! | --- | --- |
//! | `content: []` | the content was a list of parts |
//! | `stop: ""` | one stop text, not a list |
//! | `max_tokens: 0`, `max_completion_tokens: 0` | the bound's name |
//! | null within a list | the place of an item that was understood |
//! | an empty text in a reasoning part | the members in which its text stood |
//! | `usage: {}` in a chunk | usage stood at the top of it |

mod answer;
pub(super) mod batches;
mod complete;
pub(super) mod embed;
pub(super) mod error;
mod events;
pub(super) mod files;
mod finish;
pub(super) mod images;
pub(super) mod message;
pub(super) mod model;
pub(super) mod models;
pub(super) mod moderate;
mod passthrough;
mod request;
pub(super) mod rerank;
mod speak;
mod stream;
pub(super) mod tier;
pub(super) mod transcribe;
pub(super) mod usage;

use llm_core::chat::ChatRequest;
use llm_core::codec::{Chat, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::{Error, Native, Protocol, Result};
use serde_json::{Map, Value};

pub(super) use request::{Dialect, lacks_thinking, switch_off};

use super::speaks::speaks;

const PROTOCOL: Protocol = Protocol::OpenAiChat;

/// Reads an answer of a status other than 2xx, in any of the shapes that hosts use; other protocols have them too.
pub(super) fn read_error(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    error::decode(cx, head, body)
}

/// Writes a request to a provider whose protocol is nearly this one: `last` changes what differs.
pub(super) fn encode_with(
    request: &ChatRequest,
    target: &Target<'_>,
    dialect: Dialect,
    last: impl FnOnce(&mut Map<String, Value>),
) -> Result<Encoded> {
    request::encode_with(request, target, dialect, last)
}

/// A thought as a part of the content list, over what is left of it.
pub(super) fn write_thought(text: &str, shape: Map<String, Value>) -> Value {
    message::chunks::write(text, &Native::new(PROTOCOL, shape))
}

/// Reads the error that an answer of status 200, or an event, says it is.
pub(super) fn error_of_members(cx: &DecodeContext, members: &Map<String, Value>, body: &[u8]) -> Error {
    error::from_body(cx, None, members, body)
}

/// The codec of OpenAI Chat Completions.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiChat;

/// The codec of OpenAI's other operations, and of everything that is compatible with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAi;

speaks! {
    OpenAiChat: Chat, PROTOCOL, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, head, body) answer::decode(cx, head, body),
    decode_stream(cx) stream::Decoder::new(cx.clone()),
    decode_request(_head, body) request::decode(body),
    encode_answer(cx, answer) answer::encode(cx, answer),
    encode_stream(cx) stream::Encoder::new(cx.clone()),
    passthrough &OpenAiChat,
}
