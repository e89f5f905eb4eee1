//! Voyage: `POST /embeddings` and `POST /rerank`. Near OpenAI's and Cohere's, with names of its own.

use llm_core::Protocol;
use llm_core::embedding::Embed;
use llm_core::rerank::Rerank;

use super::openai_chat::{embed, error, rerank};
use super::speaks::speaks;

const PROTOCOL: Protocol = Protocol::Voyage;

const EMBED: embed::Shape = embed::Shape {
    protocol: PROTOCOL,
    path: "/embeddings",
    dimensions: "output_dimension",
    has_purpose: true,
    has_user: false,
};

const RERANK: rerank::Shape = rerank::Shape {
    protocol: PROTOCOL,
    path: "/rerank",
    top: "top_k",
    list: "data",
    has_bound: false,
    has_documents: true,
    truncates: true,
};

/// The codec of Voyage.
#[derive(Clone, Copy, Debug)]
pub struct Voyage;

speaks! {
    Voyage: Embed, PROTOCOL, errors error,
    encode_request(request, target) embed::encode_request(&EMBED, request, target),
    decode_answer(cx, head, body) embed::decode_answer(&EMBED, cx, head, body),
    decode_request(_head, body) embed::decode_request(&EMBED, body),
    encode_answer(cx, answer) embed::encode_answer(&EMBED, cx, answer),
}

speaks! {
    Voyage: Rerank, PROTOCOL, errors error,
    encode_request(request, target) rerank::encode_request(&RERANK, request, target),
    decode_answer(cx, head, body) rerank::decode_answer(&RERANK, cx, head, body),
    decode_request(_head, body) rerank::decode_request(&RERANK, body),
    encode_answer(cx, answer) rerank::encode_answer(&RERANK, cx, answer),
}
