//! Reranking by `POST /model/MODEL/invoke`: Amazon's models and Cohere's take nearly one body.

use llm_core::Result;
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, Encoded, Target};
use llm_core::fields::Fields;
use llm_core::rerank::{Rerank, RerankRequest};

use super::{BedrockApi, ME, errors};
use crate::protocols::body::Body;
use crate::protocols::openai_chat::rerank;
use crate::protocols::path::segment;
use crate::protocols::speaks::speaks;

/// The version of Cohere's interface, which it has to be told.
const COHERES_VERSION: u64 = 2;

const SHAPE: rerank::Shape = rerank::Shape {
    protocol: ME,
    path: "/invoke",
    top: "top_n",
    list: "results",
    has_bound: false,
    has_documents: false,
    truncates: false,
};

fn encode_request(request: &RerankRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    body.set("query", request.query.as_str());
    body.set("documents", request.documents.clone());
    body.set_some("top_n", request.top_n);
    if target.model.contains("cohere.") {
        body.set("api_version", COHERES_VERSION);
    }
    body.lacks("max_tokens_per_doc", request.max_tokens_per_doc, "it reads as much of a document as it can")?;
    let mut encoded = body.post(format!("/model/{}/invoke", segment(target.model)))?;
    encoded.context.emulation.documents = rerank::repeated(request);
    Ok(encoded)
}

fn decode_request(body: &[u8]) -> Result<(RerankRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let request = RerankRequest {
        query: fields.need_text("query")?,
        documents: fields.want_list("documents")?.ok_or_else(|| fields.missing("documents"))?,
        top_n: fields.want_u64("top_n")?,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(ME),
        ..RerankRequest::default()
    };
    Ok((request, AnswerContext::default()))
}

speaks! {
    BedrockApi: Rerank, ME, errors errors,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) rerank::decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, body) decode_request(body),
    encode_answer(cx, answer) rerank::encode_answer(&SHAPE, cx, answer),
}
