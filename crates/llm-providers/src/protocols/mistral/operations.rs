//! Mistral's other operations: OpenAI's shapes, with a few names of its own.

use llm_core::audio::Transcribe;
use llm_core::codec::AnswerContext;
use llm_core::embedding::Embed;
use llm_core::model_list::{Models, ModelsRequest};
use llm_core::moderation::Moderate;
use serde_json::json;

use super::{MISTRAL, MistralApi};
use crate::protocols::openai_chat::{embed, error, models, moderate, transcribe};
use crate::protocols::speaks::speaks;

const EMBED: embed::Shape = embed::Shape {
    protocol: MISTRAL,
    path: "/embeddings",
    dimensions: "output_dimension",
    has_purpose: false,
    has_user: false,
};

const MODELS: models::Shape = models::Shape {
    protocol: MISTRAL,
    list: "data",
    id: &["id"],
    prefix: "",
    name: &["name"],
    window: &["max_context_length"],
    max_output: &[],
};

speaks! {
    MistralApi: Embed, MISTRAL, errors error,
    encode_request(request, target) embed::encode_request(&EMBED, request, target),
    decode_answer(cx, head, body) embed::decode_answer(&EMBED, cx, head, body),
    decode_request(_head, body) embed::decode_request(&EMBED, body),
    encode_answer(cx, answer) embed::encode_answer(&EMBED, cx, answer),
}

speaks! {
    MistralApi: Moderate, MISTRAL, errors error,
    encode_request(request, target) moderate::encode_request(MISTRAL, request, target),
    decode_answer(cx, head, body) moderate::decode_answer(MISTRAL, cx, head, body),
    decode_request(_head, body) moderate::decode_request(MISTRAL, body),
    encode_answer(cx, answer) moderate::encode_answer(MISTRAL, cx, answer),
}

speaks! {
    MistralApi: Transcribe, MISTRAL, errors error,
    encode_request(request, target) transcribe::encode_request(MISTRAL, request, target),
    decode_answer(cx, head, body) transcribe::decode_answer(MISTRAL, cx, head, body),
    decode_request(head, body) transcribe::decode_request(MISTRAL, head, body),
    encode_answer(cx, answer) Ok(transcribe::encode_answer(MISTRAL, cx, answer)),
}

speaks! {
    MistralApi: Models, MISTRAL, errors error,
    encode_request(_request, target) Ok(models::get("/models", target)),
    decode_answer(cx, head, body) models::decode_answer(&MODELS, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(models::encode_answer(&MODELS, answer, |model| json!({"id": model.id, "object": "model"}))),
}
