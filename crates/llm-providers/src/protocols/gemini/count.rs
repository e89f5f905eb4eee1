//! `:countTokens`: the contents of a request, alone, or the whole request within.

use bytes::Bytes;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, Target};
use llm_core::fields::Fields;
use llm_core::token_count::{CountAnswer, CountRequest, CountTokens};
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::{GeminiApi, ME, error, path, request};
use crate::protocols::body::answer_object;
use crate::protocols::speaks::speaks;

/// The whole request, where Gemini's own host is to count more than contents.
const WITHIN: &str = "generateContentRequest";

/// What Gemini's own host counts only there. A member that nobody knows stays where it stood.
const ONLY_WITHIN: [&str; 6] =
    ["systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"];

fn encode_request(asked: &CountRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut inner = asked.0.clone();
    inner.max_tokens = None;
    let mut encoded = request::encode(&inner, &Target { stream: false, ..*target })?;
    encoded.path = path::to(target, "countTokens")?;
    let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&encoded.body) else { return Ok(encoded) };
    let within = body.shift_remove(WITHIN);
    let is_plain = !body.keys().any(|name| ONLY_WITHIN.contains(&name.as_str()));
    // Vertex counts a request as it is; Gemini's own host wants all but bare contents wrapped.
    if !path::is_vertex(target) && (!is_plain || within.is_some()) {
        let model = target.model.strip_prefix("models/").unwrap_or(target.model);
        body.insert("model".to_owned(), json!(format!("models/{model}")));
        let mut outer = Map::new();
        outer.insert(WITHIN.to_owned(), Value::Object(body));
        body = outer;
    }
    encoded.body = Bytes::from(Value::Object(body).to_string());
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(CountRequest, AnswerContext)> {
    let (model, _) = path::split(&head.path)?;
    let mut fields = Fields::parse(body)?;
    let (inner, was_within) = match fields.want_object(WITHIN)? {
        Some(mut inner) => {
            inner.take_text("model");
            (inner.into_members(), true)
        }
        None => (fields.into_members(), false),
    };
    let place = format!("/v1beta/models/{model}:generateContent");
    let (mut request, cx) =
        request::decode(&RequestHead { path: place, ..head.clone() }, Value::Object(inner).to_string().as_bytes())?;
    if was_within {
        request.native.insert(ME, WITHIN, json!({}));
    }
    request.model.clone_from(&model);
    Ok((CountRequest(request), AnswerContext { model, stream: false, ..cx }))
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
}
