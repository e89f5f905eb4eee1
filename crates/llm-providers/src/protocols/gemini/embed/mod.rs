//! `:embedContent` and `:batchEmbedContents`, and Vertex's older `:predict`.

mod answer;
mod asked;
mod form;
mod passing;
mod request;

use llm_core::embedding::Embed;

use super::{GeminiApi, ME, error};
use crate::protocols::speaks::speaks;

speaks! {
    GeminiApi: Embed, ME, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, _head, body) answer::decode(cx, body),
    decode_request(head, body) asked::decode(head, body),
    encode_answer(cx, answer) Ok(answer::encode(cx, answer)),
    passthrough &passing::Passing,
}

#[cfg(test)]
mod tests;
