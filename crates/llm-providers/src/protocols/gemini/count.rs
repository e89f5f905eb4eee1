//! `:countTokens`: the contents of a request, alone, or the whole request within.

use bytes::Bytes;
use llm_core::codec::{
    AnswerContext, DecodeContext, Edits, Encoded, Observed, Observer, Passthrough, RequestHead, Skim, Target,
};
use llm_core::fields::Fields;
use llm_core::token_count::{CountAnswer, CountRequest, CountTokens};
use llm_core::{Error, Result};
use serde_json::{Map, Value};

use super::name::GENERATE_CONTENT_REQUEST as WITHIN;
use super::passthrough::{skim, stated};
use super::{Gemini, GeminiApi, ME, error, part, path, request};
use crate::protocols::body::answer_object;
use crate::protocols::speaks::speaks;
use crate::protocols::splice::Splice;

/// What Gemini's own host counts only there. A member that nobody knows stays where it stood.
const ONLY_WITHIN: [&str; 6] =
    ["systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"];
const METHOD: &str = "countTokens";

fn encode_request(asked: &CountRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut inner = asked.0.clone();
    inner.max_tokens = None;
    let mut encoded = request::encode(&inner, &Target { stream: false, ..*target })?;
    encoded.path = path::to(target, METHOD)?;
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&encoded.body) else { return Ok(encoded) };
    let (name, outer) = WITHIN.remove(&mut body);
    let outer = outer.and_then(|outer| if let Value::Object(outer) = outer { Some(outer) } else { None });
    let is_plain = !body.keys().any(|name| ONLY_WITHIN.contains(&name.as_str()));
    // Vertex counts a request as it is; Gemini's own host wants all but bare contents wrapped.
    if !path::is_vertex(target) && (!is_plain || outer.is_some()) {
        body.insert("model".to_owned(), path::full_name(target.model).into());
        let mut outer: Map<_, _> = outer.unwrap_or_default();
        outer.insert(name.to_owned(), Value::Object(body));
        body = outer;
    }
    encoded.body = Bytes::from(Value::Object(body).to_string());
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(CountRequest, AnswerContext)> {
    let (model, _) = path::split(&head.path)?;
    let mut fields = Fields::parse(body)?;
    let name = WITHIN.of(&fields);
    let (inner, outer) = match fields.want_object(name)? {
        Some(mut inner) => {
            if fields.get("contents").is_some_and(|contents| !contents.is_null()) {
                return Err(one_of_both(name));
            }
            // Which model is asked, the path says.
            inner.take_text("model");
            (inner.into_members(), Some(fields.into_members()))
        }
        None => (fields.into_members(), None),
    };
    let place = format!("/v1beta/models/{model}:generateContent");
    let (mut request, cx) =
        request::decode(&RequestHead { path: place, ..head.clone() }, Value::Object(inner).to_string().as_bytes())?;
    if let Some(outer) = outer {
        request.native.insert(ME, name, Value::Object(outer));
    }
    request.model.clone_from(&model);
    Ok((CountRequest(request), AnswerContext { model, stream: false, ..cx }))
}

fn one_of_both(name: &str) -> Error {
    Error::invalid_request(format!("`contents` and `{name}` exclude each other")).with_param(name)
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<CountAnswer> {
    let unreadable = || Error::bad_answer("the provider's answer has no `totalTokens`");
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(unreadable().with_body(Bytes::copy_from_slice(body)));
    };
    let mut fields = Fields::new(members);
    let input_tokens = fields.take_u64("totalTokens").ok_or_else(unreadable)?;
    Ok(CountAnswer {
        input_tokens,
        provider: cx.provider.clone(),
        native: fields.into_native(ME),
        ..CountAnswer::default()
    })
}

fn encode_answer(answer: &CountAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    object.set("totalTokens", answer.input_tokens);
    object.bytes()
}

speaks! {
    GeminiApi: CountTokens, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
    passthrough &Passing,
}

/// The bytes pass as those of `:generateContent` do; there is no usage to see.
struct Passing;

impl Passthrough for Passing {
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        let (model, _) = path::split(&head.path)?;
        let splice = Splice::new(body)?;
        let seen = match stated(&splice, WITHIN) {
            None => skim::skim(body)?,
            // Whatever stands twice could be read in another way by the provider.
            Some((name, _)) if splice.count(WITHIN.camel) + splice.count(WITHIN.snake) > 1 => {
                return Err(Error::invalid_request(format!("`{name}` stands there twice")).with_param(name));
            }
            Some((name, _)) if splice.value("contents").is_some_and(|said| said != b"null") => {
                return Err(one_of_both(name));
            }
            Some((_, inner)) => skim::skim(inner)?,
        };
        // Counting is free, so nothing is bounded.
        Ok(Skim { model, max_tokens: Some(0), choices: 1, stored: seen.stored, ..Skim::default() })
    }

    /// What is counted only within a whole request on the one host, and only bare on the other, is put there by
    /// translation; so is a body that names another model than the path.
    fn can_pass(&self, target: &Target<'_>, head: &RequestHead, body: &[u8]) -> bool {
        let (Ok((model, _)), Ok(splice)) = (path::split(&head.path), Splice::new(body)) else { return false };
        let is_named = |splice: &Splice<'_>| splice.value("model").is_none_or(|said| path::repeats(said, &model));
        let is_there = match stated(&splice, WITHIN) {
            Some((_, inner)) => !path::is_vertex(target) && Splice::new(inner).is_ok_and(|inner| is_named(&inner)),
            None => path::is_vertex(target) || !ONLY_WITHIN.iter().any(|name| splice.count(name) > 0),
        };
        is_there && memchr::memmem::find(body, part::SEALED).is_none()
    }

    /// The model stands in the path, and once more in a whole request.
    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        let Some(model) = &edits.model else { return Ok(body.clone()) };
        let mut splice = Splice::new(body)?;
        let Some((name, inner)) = stated(&splice, WITHIN) else { return Ok(body.clone()) };
        let mut inner = Splice::new(inner)?;
        if inner.count("model") > 0 {
            inner.set_text("model", &path::full_name(model));
            splice.set(name, inner.finish());
        }
        Ok(splice.finish())
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        Ok(Encoded::post(path::to(target, METHOD)?, Bytes::new(), DecodeContext::new(target)))
    }

    fn observe(&self, body: &[u8]) -> Observed {
        Observed { complete: decode_answer(&DecodeContext::default(), body).is_ok(), ..Observed::default() }
    }

    fn observe_stream(&self, hide_usage: bool) -> Box<dyn Observer> {
        Passthrough::observe_stream(&Gemini, hide_usage)
    }
}

#[cfg(test)]
mod tests;
