//! `GET /models`: what a provider lists. OpenAI's shape, and the bare list that some hosts answer with.

use bytes::Bytes;
use http::Method;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::model_list::{ListedModel, Models, ModelsAnswer, ModelsRequest};
use llm_core::{Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::{OpenAi, PROTOCOL, error};
use crate::protocols::body::answer_object;
use crate::protocols::speaks::speaks;

/// A `GET` without a body.
pub(in crate::protocols) fn get(path: &str, target: &Target<'_>) -> Encoded {
    let mut encoded = Encoded::post(path, Bytes::new(), DecodeContext::new(target));
    encoded.method = Method::GET;
    encoded.headers.clear();
    encoded
}

/// Where a protocol's list has what.
pub(in crate::protocols) struct Shape {
    pub(in crate::protocols) protocol: Protocol,
    /// The member that holds the list.
    pub(in crate::protocols) list: &'static str,
    /// The members that may hold a model's id, the first that is there.
    pub(in crate::protocols) id: &'static [&'static str],
    /// What stands before the id and does not belong to it.
    pub(in crate::protocols) prefix: &'static str,
    pub(in crate::protocols) name: &'static [&'static str],
    pub(in crate::protocols) window: &'static [&'static str],
    pub(in crate::protocols) max_output: &'static [&'static str],
}

const SHAPE: Shape = Shape {
    protocol: PROTOCOL,
    list: "data",
    id: &["id", "model_id", "name"],
    prefix: "",
    name: &["display_name", "name"],
    window: &["context_length", "context_window", "max_model_len", "max_context_length", "max_input_tokens"],
    max_output: &["max_completion_tokens", "max_output_tokens"],
};

/// Reads a list. A model keeps all of its members; those that are understood are looked at and stay.
pub(in crate::protocols) fn decode_answer(
    shape: &Shape,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Result<ModelsAnswer> {
    let (list, native) = match serde_json::from_slice(body) {
        Ok(Value::Array(list)) => (list, Native::NONE),
        Ok(Value::Object(members)) => {
            let mut fields = Fields::new(members);
            match fields.take_list(shape.list) {
                Some(list) => (list, fields.into_native(shape.protocol)),
                // A single model, as `GET /models/ID` answers.
                None if shape.id.iter().any(|name| fields.text(name).is_some()) => {
                    (vec![Value::Object(fields.into_members())], Native::NONE)
                }
                None => return Err(error::from_body(cx, None, &fields.into_members(), body)),
            }
        }
        _ => return Err(error::unreadable(head, body)),
    };
    let models = list.into_iter().filter_map(|item| match item {
        Value::Object(members) => Some(model(shape, members)),
        Value::String(id) => Some(ListedModel { id, ..ListedModel::default() }),
        _ => None,
    });
    let models = models.collect();
    Ok(ModelsAnswer { models, provider: cx.provider.clone(), native, ..ModelsAnswer::default() })
}

fn model(shape: &Shape, members: Map<String, Value>) -> ListedModel {
    let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_str());
    let count = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_u64());
    let id = text(shape.id).unwrap_or_default();
    ListedModel {
        id: id.strip_prefix(shape.prefix).unwrap_or(id).to_owned(),
        name: text(shape.name).map(str::to_owned),
        window: count(shape.window),
        max_output: count(shape.max_output),
        native: Native::new(shape.protocol, members),
    }
}

/// Writes a list. Where the provider answered with a bare list or a single model, the customary object is written.
pub(in crate::protocols) fn encode_answer(
    shape: &Shape,
    answer: &ModelsAnswer,
    foreign: impl Fn(&ListedModel) -> Value,
) -> Bytes {
    let mut object = answer_object(&answer.native, shape.protocol);
    let models = answer.models.iter().map(|model| match model.native.members(shape.protocol) {
        Some(members) => Value::Object(members.clone()),
        None => foreign(model),
    });
    let models = models.collect::<Vec<_>>();
    object.set(shape.list, models);
    object.bytes()
}

speaks! {
    OpenAi: Models, PROTOCOL, errors error,
    encode_request(_request, target) Ok(get("/models", target)),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, _body) Ok((ModelsRequest::default(), AnswerContext::default())),
    encode_answer(_cx, answer) {
        let foreign =
            |model: &ListedModel| json!({"id": model.id, "object": "model", "created": 0, "owned_by": answer.provider});
        Ok(encode_answer(&SHAPE, answer, foreign))
    },
}
