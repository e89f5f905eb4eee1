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

use llm_core::Protocol;
use llm_core::codec::Chat;

use super::aws;
use super::speaks::speaks;

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

speaks! {
    Bedrock: Chat, ME, errors errors,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, _head, body) answer::decode(cx, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(head, body) request::decode(head, body),
    encode_answer(_cx, answer) Ok(answer::encode(answer)),
    encode_stream(_cx) stream::Encoder::default(),
}
