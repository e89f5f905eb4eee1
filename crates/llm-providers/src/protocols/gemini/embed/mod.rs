//! `:embedContent` and `:batchEmbedContents`, and Vertex's older `:predict`.

mod answer;
mod asked;
mod form;
mod passing;
mod request;

use bytes::Bytes;
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead, ResponseHead, Speaks,
    Target, Upstream,
};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedRequest};
use llm_core::{Error, Protocol, Result};

use super::{GeminiApi, ME, error};

impl Upstream<Embed> for GeminiApi {
    fn encode_request(&self, request: &EmbedRequest, target: &Target<'_>) -> Result<Encoded> {
        request::encode(request, target)
    }
    fn decode_answer(&self, cx: &DecodeContext, _: &ResponseHead, body: &[u8]) -> Result<EmbedAnswer> {
        answer::decode(cx, body)
    }
    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode(cx, head, body)
    }
}

impl Downstream<Embed> for GeminiApi {
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
        asked::decode(head, body)
    }
    fn encode_answer(&self, cx: &AnswerContext, answer: &EmbedAnswer) -> Result<Bytes> {
        Ok(answer::encode(cx, answer))
    }
    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

impl Speaks<Embed> for GeminiApi {
    fn protocol(&self) -> Protocol {
        ME
    }
    fn passthrough(&self) -> Option<&dyn Passthrough> {
        Some(&passing::Passing)
    }
}

#[cfg(test)]
mod tests;
