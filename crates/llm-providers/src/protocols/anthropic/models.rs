//! `GET /v1/models`: the models, with windows and abilities.

use llm_core::codec::AnswerContext;
use llm_core::model_list::{Models, ModelsRequest};
use serde_json::json;

use super::{AnthropicApi, ME, error, host};
use crate::protocols::openai_chat::models::{Shape, decode_answer, encode_answer};
use crate::protocols::speaks::speaks;

const SHAPE: Shape = Shape {
    protocol: ME,
    list: "data",
    id: &["id"],
    prefix: "",
    name: &["display_name"],
    window: &["max_input_tokens"],
    max_output: &["max_tokens"],
};

speaks! {
    AnthropicApi: Models, ME, errors error,
    encode_request(_request, target) {
        let mut encoded = host::address(target, None, bytes::Bytes::new())?;
        encoded.method = http::Method::GET;
        encoded.headers.remove(http::header::CONTENT_TYPE);
        "/v1/models".clone_into(&mut encoded.path);
        Ok(encoded)
    },
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) {
        let foreign = |model: &llm_core::model_list::ListedModel| json!({
            "type": "model",
            "id": model.id,
            "display_name": model.name.as_ref().unwrap_or(&model.id),
            "max_input_tokens": model.window,
            "max_tokens": model.max_output,
        });
        Ok(encode_answer(&SHAPE, answer, foreign))
    },
}
