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

use llm_core::Protocol;
use llm_core::codec::Chat;

use super::speaks::speaks;

const OLLAMA: Protocol = Protocol::Ollama;

/// The codec of Ollama's native protocol.
#[derive(Debug)]
pub struct Ollama;

/// The codec of Ollama's other operations.
#[derive(Debug)]
pub struct OllamaApi;

speaks! {
    Ollama: Chat, OLLAMA, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, head, body) response::decode(cx, head, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(_head, body) request::decode(body),
    encode_answer(cx, answer) response::encode(cx, answer),
    encode_stream(cx) stream::Encoder::new(cx),
}
