//! `POST /moderations`, of OpenAI and of Mistral.

use bytes::Bytes;
use llm_core::chat::{Content, Part, UnsupportedPolicy};
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::moderation::{Judgement, Moderate, ModerateAnswer, ModerateRequest};
use llm_core::{Error, Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::embed::{answer_fields, take_usage, write_usage};
use super::message::parts;
use super::{OpenAi, PROTOCOL, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::pass::Pass;
use crate::protocols::speaks::speaks;

const PATH: &str = "/moderations";
/// The model where a caller names none, as OpenAI documents it.
const DEFAULT_MODEL: &str = "omni-moderation-latest";

/// Writes a request. `protocol` is OpenAI's, or Mistral's, which is the same but for the tag on what it keeps.
pub(in crate::protocols) fn encode_request(
    protocol: Protocol,
    request: &ModerateRequest,
    target: &Target<'_>,
) -> Result<Encoded> {
    let mut body = Body::new(&request.native, protocol, request.unsupported, target)?;
    body.set("model", target.model);
    let was_list = body.take("input").is_some_and(|hint| hint.is_array());
    let only_text = request.input.iter().all(|part| part.as_text().is_some() && part.native.is_none());
    let items = request.input.iter().map(|part| item(protocol, part, only_text)).collect::<Option<Vec<_>>>();
    let Some(mut items) = items else {
        body.lacks("input", Some(()), "it judges texts, and images by URL")?;
        return body.post(PATH);
    };
    match items.as_mut_slice() {
        [one] if !was_list && one.is_string() => body.set("input", one.take()),
        _ => body.set("input", Value::Array(items)),
    }
    body.post(PATH)
}

fn item(protocol: Protocol, part: &Part, only_text: bool) -> Option<Value> {
    let mut object = part.native.object(protocol);
    match &part.content {
        Content::Text { text, .. } if only_text => return Some(Value::from(text.as_str())),
        Content::Text { text, .. } => {
            object.entry("type").or_insert_with(|| json!("text"));
            object.insert("text".to_owned(), json!(text));
        }
        Content::Media(media) => {
            let url = media.source.to_url()?;
            object.entry("type").or_insert_with(|| json!("image_url"));
            let inner = object.entry("image_url").or_insert_with(|| Map::new().into());
            match inner {
                Value::Object(inner) => drop(inner.insert("url".to_owned(), json!(url))),
                inner => *inner = json!(url),
            }
        }
        Content::Unknown { protocol: theirs, value } if *theirs == protocol => return Some(value.clone()),
        _ => return None,
    }
    Some(Value::Object(object))
}

pub(in crate::protocols) fn decode_request(
    protocol: Protocol,
    body: &[u8],
) -> Result<(ModerateRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.want_text("model")?.unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    let input = match fields.get("input") {
        Some(Value::String(_)) => fields.take_text("input").map(Part::text).into_iter().collect(),
        Some(Value::Array(_)) => {
            let items = fields.take_list("input").unwrap_or_default();
            fields.put("input", json!([]));
            let parts = items.into_iter().enumerate().map(|(place, item)| match item {
                Value::String(text) => Ok(Part::text(text)),
                item => parts::read(Fields::at(format!("input[{place}]"), item)?),
            });
            parts.collect::<Result<Vec<_>>>()?
        }
        None | Some(Value::Null) => return Err(fields.missing("input")),
        Some(_) => return Err(fields.wrong("input", "a string or a list")),
    };
    let unsupported = UnsupportedPolicy::default();
    let mut rest = fields.into_members();
    // A null: whatever it stands for, the model is written in its place.
    rest.shift_remove("model");
    let native = Native::new(protocol, rest);
    let request = ModerateRequest { model: model.clone(), input, unsupported, native };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

pub(in crate::protocols) fn decode_answer(
    protocol: Protocol,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Result<ModerateAnswer> {
    let mut fields = answer_fields(cx, head, body, "results")?;
    let list = fields.take_list("results").unwrap_or_default();
    let results = list.into_iter().map(|item| {
        let mut fields = Fields::at("results", item).map_err(|error| Error::bad_answer(error.message()))?;
        let mut object = |name: &str| fields.take_object(name).map(Fields::into_members).unwrap_or_default();
        let (categories, scores) = (object("categories"), object("category_scores"));
        // It stays, since Mistral says none.
        let said = fields.get("flagged").and_then(Value::as_bool);
        let flagged = said.unwrap_or_else(|| categories.values().any(|found| *found == Value::Bool(true)));
        Ok(Judgement { flagged, categories, scores, native: fields.into_native(protocol) })
    });
    let results = results.collect::<Result<_>>()?;
    let mut answer = ModerateAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        results,
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        ..ModerateAnswer::default()
    };
    answer.usage = take_usage(protocol, &mut fields);
    answer.native = fields.into_native(protocol);
    Ok(answer)
}

pub(in crate::protocols) fn encode_answer(
    protocol: Protocol,
    cx: &AnswerContext,
    answer: &ModerateAnswer,
) -> Result<Bytes> {
    let mut object = answer_object(&answer.native, protocol);
    let results = answer.results.iter().map(|judgement| {
        let mut item = answer_object(&judgement.native, protocol);
        item.complete("flagged", || json!(judgement.flagged));
        item.set("categories", judgement.categories.clone());
        item.set("category_scores", judgement.scores.clone());
        Value::Object(item.members)
    });
    let results = results.collect::<Vec<_>>();
    object.set("results", results);
    if !answer.id.is_empty() || !object.is_own {
        object.set("id", if answer.id.is_empty() { format!("modr-{}", cx.id_seed) } else { answer.id.clone() });
    }
    let model = if object.is_own { &answer.model } else { &cx.model };
    if !model.is_empty() {
        object.set("model", model.as_str());
    }
    // OpenAI's callers know no usage here.
    let said = answer.usage.as_ref().filter(|usage| usage.native.is_from(protocol));
    write_usage(said, protocol, object.is_own, &mut object.members);
    Ok(object.bytes())
}

static PASS: Pass<Moderate> = Pass { codec: &OpenAi, path: PATH, elsewhere: &[] };

speaks! {
    OpenAi: Moderate, PROTOCOL, errors error,
    encode_request(request, target) encode_request(PROTOCOL, request, target),
    decode_answer(cx, head, body) decode_answer(PROTOCOL, cx, head, body),
    decode_request(_head, body) decode_request(PROTOCOL, body),
    encode_answer(cx, answer) encode_answer(PROTOCOL, cx, answer),
    passthrough &PASS,
}
