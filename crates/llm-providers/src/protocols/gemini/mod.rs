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

use llm_core::Protocol;
use llm_core::codec::Chat;

pub use path::split as split_path;

use super::speaks::speaks;

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

speaks! {
    Gemini: Chat, ME, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, _head, body) answer::decode(cx, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(head, body) request::decode(head, body),
    encode_answer(cx, answer) Ok(answer::encode(cx, answer)),
    encode_stream(cx) stream::Encoder::new(cx),
    passthrough &Gemini,
}
