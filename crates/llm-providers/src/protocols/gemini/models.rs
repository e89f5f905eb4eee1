//! `GET /v1beta/models`: the models, with their windows.

use llm_core::codec::AnswerContext;
use llm_core::model_list::{Models, ModelsRequest};
use serde_json::json;

use super::{GeminiApi, ME, error, path};
use crate::protocols::openai_chat::models::{Shape, decode_answer, encode_answer, get};
use crate::protocols::speaks::speaks;

const SHAPE: Shape = Shape {
    protocol: ME,
    list: "models",
    id: &["name"],
    prefix: "models/",
    name: &["displayName"],
    window: &["inputTokenLimit"],
    max_output: &["outputTokenLimit"],
};

speaks! {
    GeminiApi: Models, ME, errors error,
    encode_request(_request, target) Ok(get(&path::list(target), target)),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(encode_answer(&SHAPE, answer, |model| json!({"name": format!("models/{}", model.id)}))),
}
