//! `POST /model/MODEL/count-tokens`: a conversation as Converse takes it, within.

use bytes::Bytes;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, Target};
use llm_core::fields::Fields;
use llm_core::token_count::{CountAnswer, CountRequest, CountTokens};
use llm_core::{Error, Result};
use serde_json::{Map, Value};

use super::{BedrockApi, ME, errors, request};
use crate::protocols::body::answer_object;
use crate::protocols::path::segment;
use crate::protocols::speaks::speaks;

/// What of a conversation is not counted: how it is to be answered.
const NOT_COUNTED: [&str; 8] = [
    "inferenceConfig",
    "outputConfig",
    "guardrailConfig",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
];
/// What a caller's body holds around the conversation.
const AROUND: &str = "input";

fn encode_request(asked: &CountRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut encoded = request::encode(&asked.0, &Target { stream: false, ..*target })?;
    encoded.path = format!("/model/{}/count-tokens", segment(target.model));
    if let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&encoded.body) {
        body.retain(|name, _| !NOT_COUNTED.contains(&name.as_str()));
        let mut around = match body.shift_remove(AROUND) {
            Some(Value::Object(around)) => around,
            _ => Map::new(),
        };
        let mut input = match around.shift_remove(AROUND) {
            Some(Value::Object(input)) => input,
            _ => Map::new(),
        };
        input.insert("converse".to_owned(), Value::Object(body));
        around.insert(AROUND.to_owned(), Value::Object(input));
        encoded.body = Bytes::from(Value::Object(around).to_string());
    }
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(CountRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let mut input = fields.want_object("input")?.ok_or_else(|| fields.missing("input"))?;
    let inner = input.want_object("converse")?.ok_or_else(|| input.missing("converse"))?;
    let body = Value::Object(inner.into_members()).to_string();
    let (mut request, cx) = request::decode(head, body.as_bytes())?;
    fields.put(AROUND, Value::Object(input.into_members()));
    request.native.insert(ME, AROUND, Value::Object(fields.into_members()));
    Ok((CountRequest(request), AnswerContext { stream: false, ..cx }))
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<CountAnswer> {
    let unreadable =
        || Error::bad_answer("the provider's answer has no `inputTokens`").with_body(Bytes::copy_from_slice(body));
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(unreadable()) };
    let mut fields = Fields::new(members);
    let input_tokens = fields.take_u64("inputTokens").ok_or_else(unreadable)?;
    let native = fields.into_native(ME);
    Ok(CountAnswer { input_tokens, provider: cx.provider.clone(), native, ..CountAnswer::default() })
}

fn encode_answer(answer: &CountAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    object.set("inputTokens", answer.input_tokens);
    object.bytes()
}

speaks! {
    BedrockApi: CountTokens, ME, errors errors,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
