//! `POST /v2/rerank`, charged by the search.

use llm_core::Result;
use llm_core::codec::{DecodeContext, ResponseHead};
use llm_core::fields::Fields;
use llm_core::rerank::{Rerank, RerankAnswer};

use super::{COHERE, CohereApi, embed, error};
use crate::protocols::openai_chat::rerank;
use crate::protocols::speaks::speaks;

const SHAPE: rerank::Shape = rerank::Shape {
    protocol: COHERE,
    path: "/v2/rerank",
    top: "top_n",
    list: "results",
    has_bound: true,
    has_documents: false,
    truncates: false,
};

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<RerankAnswer> {
    let mut answer = rerank::decode_answer(&SHAPE, cx, head, body)?;
    let mut fields = Fields::new(answer.native.object(COHERE));
    answer.usage = answer.usage.or_else(|| embed::take_usage(&mut fields));
    Ok(answer)
}

speaks! {
    CohereApi: Rerank, COHERE, errors error,
    encode_request(request, target) rerank::encode_request(&SHAPE, request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(_head, body) rerank::decode_request(&SHAPE, body),
    encode_answer(cx, answer) rerank::encode_answer(&SHAPE, cx, answer),
}
