//! Embeddings by `POST /model/MODEL/invoke`: Amazon Titan's body, one text a call, and Cohere's.

use bytes::Bytes;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedInput, EmbedRequest, Embedding, Vector};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::{BedrockApi, ME, errors};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::cohere::embed as cohere;
use crate::protocols::path::segment;
use crate::protocols::speaks::speaks;

/// The header with the prompt's tokens, for models whose body does not say them.
const TOKENS: &str = "x-amzn-bedrock-input-token-count";

fn encode_request(request: &EmbedRequest, target: &Target<'_>) -> Result<Encoded> {
    let path = format!("/model/{}/invoke", segment(target.model));
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    if target.model.contains("cohere.") {
        cohere::write_options(request, &mut body)?;
        return body.post(path);
    }
    match request.input.as_slice() {
        [EmbedInput::Text(text)] => body.set("inputText", text.as_str()),
        _ => body.lacks("input", Some(()), "Titan embeds one text a call")?,
    }
    body.set_some("dimensions", request.dimensions);
    body.lacks("purpose", request.purpose.as_ref(), "Titan does not ask what vectors are for")?;
    body.lacks("user", request.user.as_ref(), "it has no end users")?;
    body.post(path)
}

fn decode_request(body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let text = fields.need_text("inputText")?;
    let dimensions = fields.want_u64("dimensions")?;
    let native = fields.into_native(ME);
    let request = EmbedRequest { input: vec![EmbedInput::Text(text)], dimensions, native, ..EmbedRequest::default() };
    Ok((request, AnswerContext::default()))
}

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<EmbedAnswer> {
    let said = head.headers.get(TOKENS).and_then(|tokens| tokens.to_str().ok()?.parse().ok());
    let by_header = said.map(|tokens: u64| Usage::default().with(Meter::Input, tokens));
    let unreadable =
        || Error::bad_answer("the provider's answer has no vector").with_body(Bytes::copy_from_slice(body));
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(unreadable()) };
    if members.contains_key("embeddings") {
        let mut answer = cohere::decode_answer(cx, head, body)?;
        answer.usage = answer.usage.or(by_header);
        return Ok(answer);
    }
    let mut fields = Fields::new(members);
    let vector = match fields.take("embedding") {
        Some(Value::Array(numbers)) => Vector::Numbers(numbers),
        Some(Value::String(packed)) => Vector::Base64(packed),
        _ => return Err(unreadable()),
    };
    let counted = fields.take_u64("inputTextTokenCount").map(|tokens| Usage::default().with(Meter::Input, tokens));
    Ok(EmbedAnswer {
        embeddings: vec![Embedding { index: 0, vector, native: Native::new(ME, Map::new()) }],
        provider: cx.provider.clone(),
        usage: counted.or(by_header),
        native: fields.into_native(ME),
        ..EmbedAnswer::default()
    })
}

fn encode_answer(answer: &EmbedAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    if let Some(first) = answer.embeddings.first() {
        match first.vector.clone().into_numbers() {
            Vector::Numbers(numbers) => object.set("embedding", numbers),
            Vector::Base64(text) | Vector::Int8(text) => object.set("embedding", json!(text)),
        }
    }
    object.set_some("inputTextTokenCount", answer.usage.as_ref().map(Usage::input_tokens));
    object.bytes()
}

speaks! {
    BedrockApi: Embed, ME, errors errors,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(_head, body) decode_request(body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
