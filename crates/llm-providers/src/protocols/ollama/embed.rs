//! `POST /api/embed`, and the older `POST /api/embeddings` for callers that came with it.

use bytes::Bytes;
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, Target};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedInput, EmbedRequest, Embedding, Vector};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Value, json};

use super::{OLLAMA, OllamaApi, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::openai_chat::embed::is_listed;
use crate::protocols::speaks::speaks;

const PATH: &str = "/api/embed";
const OLDER: &str = "/api/embeddings";

fn encode_request(request: &EmbedRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, OLLAMA, request.unsupported, target)?;
    body.set("model", target.model);
    body.take("input");
    let was_list = is_listed(request);
    let was_older = body.take("prompt").is_some();
    let mut texts = Vec::with_capacity(request.input.len());
    for input in &request.input {
        match input {
            EmbedInput::Text(text) => texts.push(Value::from(text.as_str())),
            _ => body.lacks("input", Some(()), "it embeds texts and nothing else")?,
        }
    }
    body.set_some("dimensions", request.dimensions);
    body.lacks("purpose", request.purpose.as_ref(), "it does not ask what vectors are for")?;
    body.lacks("user", request.user.as_ref(), "it has no end users")?;
    match texts.as_mut_slice() {
        [one] if was_older => {
            body.set("prompt", one.take());
            return body.post(OLDER);
        }
        [one] if !was_list => body.set("input", one.take()),
        _ => body.set("input", Value::Array(texts)),
    }
    body.post(PATH)
}

fn decode_request(body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.need_text("model")?;
    let mut input = Vec::new();
    if let Some(prompt) = fields.take_text("prompt") {
        fields.put("prompt", json!(""));
        input.push(EmbedInput::Text(prompt));
    } else if let Some(text) = fields.take_text("input") {
        input.push(EmbedInput::Text(text));
    } else {
        for (place, item) in fields.want_list("input")?.ok_or_else(|| fields.missing("input"))?.into_iter().enumerate()
        {
            let Value::String(text) = item else {
                let path = format!("input[{place}]");
                return Err(Error::invalid_request(format!("`{path}` must be a string")).with_param(path));
            };
            input.push(EmbedInput::Text(text));
        }
        fields.put("input", json!([]));
    }
    let request = EmbedRequest {
        input,
        dimensions: fields.want_u64("dimensions")?,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(OLLAMA),
        model: model.clone(),
        ..EmbedRequest::default()
    };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<EmbedAnswer> {
    let Ok(value @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else {
        return Err(
            Error::bad_answer("the provider's answer is not a JSON object").with_body(Bytes::copy_from_slice(body))
        );
    };
    if let Some(error) = error::inside(cx, &value) {
        return Err(error);
    }
    let mut fields = Fields::at("", value)?;
    let lists = match fields.take_list("embedding") {
        Some(numbers) => {
            fields.put("embedding", json!([]));
            vec![Value::Array(numbers)]
        }
        None => fields.take_list("embeddings").ok_or_else(|| {
            Error::bad_answer("the provider's answer has no `embeddings`").with_body(Bytes::copy_from_slice(body))
        })?,
    };
    let embeddings = (0u64..).zip(lists).map(|(index, list)| match list {
        Value::Array(numbers) => {
            let native = Native::new(OLLAMA, serde_json::Map::new());
            Ok(Embedding { index, vector: Vector::Numbers(numbers), native })
        }
        _ => Err(Error::bad_answer("the provider's answer has a vector that is none")),
    });
    Ok(EmbedAnswer {
        embeddings: embeddings.collect::<Result<_>>()?,
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        usage: fields.take_u64("prompt_eval_count").map(|tokens| Usage::default().with(Meter::Input, tokens)),
        native: fields.into_native(OLLAMA),
        ..EmbedAnswer::default()
    })
}

fn encode_answer(cx: &AnswerContext, answer: &EmbedAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, OLLAMA);
    let mut vectors = answer.embeddings.iter().map(|embedding| match embedding.vector.clone().into_numbers() {
        Vector::Numbers(numbers) => Value::Array(numbers),
        Vector::Base64(text) | Vector::Int8(text) => Value::String(text),
    });
    if object.members.contains_key("embedding") {
        object.set_some("embedding", vectors.next());
    } else {
        let vectors: Vec<Value> = vectors.collect();
        object.set("embeddings", vectors);
    }
    let model = if object.is_own { &answer.model } else { &cx.model };
    if !model.is_empty() {
        object.set("model", model.as_str());
    }
    object.set_some("prompt_eval_count", answer.usage.as_ref().map(Usage::input_tokens));
    object.bytes()
}

speaks! {
    OllamaApi: Embed, OLLAMA, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_request(_head, body) decode_request(body),
    encode_answer(cx, answer) Ok(encode_answer(cx, answer)),
}
