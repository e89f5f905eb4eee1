//! `GET /models`: those that listen, and those that speak.

use bytes::Bytes;
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::model_list::{ListedModel, Models, ModelsAnswer, ModelsRequest};
use llm_core::{Native, Result};
use serde_json::{Value, json};

use super::{Deepgram, ME, error};
use crate::protocols::body::answer_object;
use crate::protocols::openai_chat::embed::answer_fields;
use crate::protocols::openai_chat::models::get;
use crate::protocols::speaks::speaks;

/// The lists, in the order in which their models are told.
const LISTS: [&str; 2] = ["stt", "tts"];

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ModelsAnswer> {
    let mut fields = answer_fields(cx, head, body, LISTS[0])?;
    let mut models = Vec::new();
    for name in LISTS {
        let Some(list) = fields.take_list(name) else { continue };
        // A null stands in the place of a model.
        fields.put(name, list.iter().map(|_| Value::Null).collect());
        models.extend(list.into_iter().map(model));
    }
    Ok(ModelsAnswer {
        models,
        provider: cx.provider.clone(),
        native: fields.into_native(ME),
        ..ModelsAnswer::default()
    })
}

fn model(item: Value) -> ListedModel {
    let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text("canonical_name").or_else(|| text("name")).unwrap_or_default();
    let name = text("name");
    let members = if let Value::Object(members) = item { members } else { Default::default() };
    ListedModel { id, name, native: Native::new(ME, members), ..ListedModel::default() }
}

fn encode_answer(answer: &ModelsAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    let mut models = answer.models.iter().map(|model| match model.native.members(ME) {
        Some(members) => Value::Object(members.clone()),
        None => json!({"name": model.name.as_ref().unwrap_or(&model.id), "canonical_name": model.id}),
    });
    for name in LISTS {
        if let Some(Value::Array(places)) = object.members.get(name) {
            let list: Vec<Value> = models.by_ref().take(places.len()).collect();
            object.set(name, list);
        }
    }
    let rest: Vec<Value> = models.collect();
    if !rest.is_empty() {
        object.set(LISTS[0], rest);
    }
    object.bytes()
}

speaks! {
    Deepgram: Models, ME, errors error,
    encode_request(_request, target) Ok(get("/models", target)),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
