//! `GET /foundation-models`, at the host that has no calls: which is for the row to say.

use llm_core::codec::AnswerContext;
use llm_core::model_list::{Models, ModelsRequest};
use serde_json::json;

use super::{BedrockApi, ME, errors};
use crate::protocols::openai_chat::models::{Shape, decode_answer, encode_answer, get};
use crate::protocols::speaks::speaks;

const SHAPE: Shape = Shape {
    protocol: ME,
    list: "modelSummaries",
    id: &["modelId"],
    prefix: "",
    name: &["modelName"],
    window: &[],
    max_output: &[],
};

speaks! {
    BedrockApi: Models, ME, errors errors,
    encode_request(_request, target) Ok(get("/foundation-models", target)),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(encode_answer(&SHAPE, answer, |model| json!({"modelId": model.id}))),
}
