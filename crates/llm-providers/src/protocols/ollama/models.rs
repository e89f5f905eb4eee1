//! `GET /api/tags`: the models that are there.

use llm_core::codec::AnswerContext;
use llm_core::model_list::{Models, ModelsRequest};
use serde_json::json;

use super::{OLLAMA, OllamaApi, error};
use crate::protocols::openai_chat::models::{Shape, decode_answer, encode_answer, get};
use crate::protocols::speaks::speaks;

const SHAPE: Shape = Shape {
    protocol: OLLAMA,
    list: "models",
    id: &["model", "name"],
    prefix: "",
    name: &["name"],
    window: &[],
    max_output: &[],
};

speaks! {
    OllamaApi: Models, OLLAMA, errors error,
    encode_request(_request, target) Ok(get("/api/tags", target)),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(encode_answer(&SHAPE, answer, |model| json!({"name": model.id, "model": model.id}))),
}
