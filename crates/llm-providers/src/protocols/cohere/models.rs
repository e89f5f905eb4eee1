//! `GET /v1/models`: the models, with their windows.

use llm_core::codec::AnswerContext;
use llm_core::model_list::{Models, ModelsRequest};
use serde_json::json;

use super::{COHERE, CohereApi, error};
use crate::protocols::openai_chat::models::{Shape, decode_answer, encode_answer, get};
use crate::protocols::speaks::speaks;

const SHAPE: Shape = Shape {
    protocol: COHERE,
    list: "models",
    id: &["name"],
    prefix: "",
    name: &[],
    window: &["context_length"],
    max_output: &[],
};

speaks! {
    CohereApi: Models, COHERE, errors error,
    encode_request(_request, target) Ok(get("/v1/models", target)),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(encode_answer(&SHAPE, answer, |model| json!({"name": model.id}))),
}
