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
mod thinking;
mod usage;
mod version;

use llm_core::Protocol;
use llm_core::codec::Chat;

pub(crate) use model::{takes_adaptive, word_of};
pub(crate) use thinking::{Asked, effort_of, lacks_thoughts, plan};
pub use version::{CLASSIC, LATEST};

use super::speaks::speaks;

const ME: Protocol = Protocol::Anthropic;

/// The codecs of Anthropic Messages.
#[derive(Clone, Copy, Debug)]
pub struct Anthropic;

/// The codecs of Anthropic's other operations.
#[derive(Clone, Copy, Debug)]
pub struct AnthropicApi;

speaks! {
    Anthropic: Chat, ME, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, _head, body) answer::decode(cx, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(head, body) request::decode(head, body),
    encode_answer(cx, answer) Ok(answer::encode(cx, answer)),
    encode_stream(cx) stream::Encoder::new(cx),
    passthrough &Anthropic,
}
