//! ElevenLabs' speech both ways: `POST /text-to-speech/VOICE`, and `POST /speech-to-text` as a form.
//!
//! The voice stands in the path, the file's format in the query. Source: ElevenLabs' API reference.

mod hear;
mod speak;
#[cfg(test)]
mod tests;

use llm_core::Protocol;
use llm_core::codec::AnswerContext;
use llm_core::model_list::{Models, ModelsRequest};
use serde_json::json;

use super::openai_chat::{error, models};
use super::speaks::speaks;

const ME: Protocol = Protocol::ElevenLabs;

/// The codec of ElevenLabs.
#[derive(Clone, Copy, Debug)]
pub struct ElevenLabs;

/// A bare list.
const MODELS: models::Shape = models::Shape {
    protocol: ME,
    list: "models",
    id: &["model_id"],
    prefix: "",
    name: &["name"],
    window: &[],
    max_output: &[],
};

speaks! {
    ElevenLabs: Models, ME, errors error,
    encode_request(_request, target) Ok(models::get("/models", target)),
    decode_answer(cx, head, body) models::decode_answer(&MODELS, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(models::encode_answer(&MODELS, answer, |model| json!({"model_id": model.id}))),
}
