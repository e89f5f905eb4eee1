//! `POST /v2/embed`: texts, images, or both together; vectors by type.

use bytes::Bytes;
use llm_core::chat::{Content, Part, UnsupportedPolicy};
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedInput, EmbedRequest, Embedding, Purpose, Vector};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::{COHERE, CohereApi, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::openai_chat::embed::answer_fields;
use crate::protocols::speaks::speaks;

/// The types of vectors, the one that is understood first.
const TYPES: [&str; 6] = ["float", "base64", "int8", "uint8", "binary", "ubinary"];

fn purpose_of(word: &str) -> Purpose {
    match word {
        "search_query" => Purpose::Query,
        "search_document" => Purpose::Document,
        other => Purpose::from(other),
    }
}

fn word_of(purpose: &Purpose) -> &str {
    match purpose {
        Purpose::Query => "search_query",
        Purpose::Document => "search_document",
        other => other.as_str(),
    }
}

/// Where the input stands: texts alone, images alone, or anything together.
pub(in crate::protocols) fn write_input(request: &EmbedRequest, body: &mut Body<'_>) -> Result<()> {
    let was = ["texts", "images", "inputs"].into_iter().find(|name| body.take(name).is_some());
    let text = |input: &EmbedInput| match input {
        EmbedInput::Text(text) => Some(json!(text)),
        _ => None,
    };
    let image = |input: &EmbedInput| match input {
        EmbedInput::Parts(parts) => match parts.as_slice() {
            [Part { content: Content::Media(media), .. }] => Some(json!(media.source.to_url()?)),
            _ => None,
        },
        _ => None,
    };
    let any = |input: &EmbedInput| match input {
        EmbedInput::Text(text) => Some(json!({"content": [{"type": "text", "text": text}]})),
        EmbedInput::Other(native) if native.is_from(COHERE) => Some(Value::Object(native.object(COHERE))),
        EmbedInput::Parts(parts) => {
            let parts = parts.iter().map(|part| match &part.content {
                Content::Text { text, .. } => Some(json!({"type": "text", "text": text})),
                Content::Media(media) => {
                    Some(json!({"type": "image_url", "image_url": {"url": media.source.to_url()?}}))
                }
                _ => None,
            });
            Some(json!({"content": parts.collect::<Option<Vec<_>>>()?}))
        }
        EmbedInput::Tokens(_) | EmbedInput::Other(_) => None,
    };
    let all =
        |write: &dyn Fn(&EmbedInput) -> Option<Value>| request.input.iter().map(write).collect::<Option<Vec<_>>>();
    let texts = all(&text).filter(|_| was.is_none_or(|was| was == "texts"));
    let images = || all(&image).filter(|_| was.is_none_or(|was| was == "images"));
    if let Some(texts) = texts {
        body.set("texts", texts);
    } else if let Some(images) = images() {
        body.set("images", images);
    } else if let Some(inputs) = all(&any) {
        body.set("inputs", inputs);
    } else {
        body.lacks("input", Some(()), "it embeds texts and images, and nothing else")?;
    }
    Ok(())
}

/// Writes everything but the model.
pub(in crate::protocols) fn write_options(request: &EmbedRequest, body: &mut Body<'_>) -> Result<()> {
    write_input(request, body)?;
    let is_own = request.native.is_from(COHERE);
    let only_images = body.get("images").is_some();
    let assumed = (!is_own).then_some(if only_images { "image" } else { "search_document" });
    body.set_some("input_type", request.purpose.as_ref().map(word_of).or(assumed));
    body.set_some("output_dimension", request.dimensions);
    if !is_own {
        body.set("embedding_types", json!(["float"]));
    }
    body.lacks("user", request.user.as_ref(), "it has no end users")
}

fn encode_request(request: &EmbedRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, COHERE, request.unsupported, target)?;
    body.set("model", target.model);
    write_options(request, &mut body)?;
    body.post("/v2/embed")
}

fn decode_request(body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.need_text("model")?;
    let mut input = Vec::new();
    let wrong = |fields: &Fields, name| fields.wrong(name, "a list of strings");
    for name in ["texts", "images", "inputs"] {
        let Some(list) = fields.want_list(name)? else { continue };
        fields.put(name, json!([]));
        for item in list {
            input.push(match (name, item) {
                ("texts", Value::String(text)) => EmbedInput::Text(text),
                ("images", Value::String(url)) => EmbedInput::Parts(vec![Part::image_url(url)]),
                ("inputs", Value::Object(members)) => EmbedInput::Other(Native::new(COHERE, members)),
                _ => return Err(wrong(&fields, name)),
            });
        }
    }
    let request = EmbedRequest {
        input,
        dimensions: fields.want_u64("output_dimension")?,
        purpose: fields.want_text("input_type")?.map(|word| purpose_of(&word)),
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(COHERE),
        model: model.clone(),
        ..EmbedRequest::default()
    };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

/// Reads what is charged. A search is a query, whatever it was for.
pub(super) fn take_usage(fields: &mut Fields) -> Option<Usage> {
    let units = fields.get("meta")?.get("billed_units")?.as_object()?;
    let count = |name: &str| units.get(name).and_then(whole);
    let mut usage = Usage::default();
    usage.set(Meter::Input, count("input_tokens").unwrap_or(0));
    usage.set(Meter::InputImage, count("image_tokens").unwrap_or(0));
    usage.set(Meter::Image, count("images").unwrap_or(0));
    usage.set(Meter::Query, count("search_units").unwrap_or(0));
    (!usage.is_zero()).then_some(usage)
}

/// Cohere writes counts with and without a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded first")]
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| Some(value.as_f64()?.ceil().clamp(0.0, 1e15) as u64))
}

/// Reads an answer; of Bedrock's Cohere as well.
pub(in crate::protocols) fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<EmbedAnswer> {
    let mut fields = answer_fields(cx, head, body, "embeddings")?;
    let broken = || Error::bad_answer("the provider's answer has `embeddings` that are none");
    let lists = match fields.take("embeddings") {
        // The first of the types that is understood is taken out; the others stay.
        Some(Value::Object(mut types)) => {
            let list = TYPES.into_iter().find_map(|name| types.shift_remove(name));
            fields.put("embeddings", Value::Object(types));
            list.unwrap_or_default()
        }
        Some(list) => list,
        None => return Err(broken()),
    };
    let Value::Array(lists) = lists else { return Err(broken()) };
    let vectors = (0u64..).zip(lists).map(|(index, list)| {
        let vector = match list {
            Value::Array(numbers) => Vector::Numbers(numbers),
            Value::String(packed) => Vector::Base64(packed),
            _ => return Err(broken()),
        };
        Ok(Embedding { index, vector, native: Native::new(COHERE, Map::new()) })
    });
    Ok(EmbedAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        embeddings: vectors.collect::<Result<_>>()?,
        provider: cx.provider.clone(),
        usage: take_usage(&mut fields),
        native: fields.into_native(COHERE),
        ..EmbedAnswer::default()
    })
}

/// Writes an answer. Vectors go where they were: in a list of their own, or under the type that was understood.
fn encode_answer(answer: &EmbedAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, COHERE);
    let is_base64 = answer.embeddings.iter().any(|embedding| matches!(embedding.vector, Vector::Base64(_)));
    let is_whole = |embedding: &Embedding| match &embedding.vector {
        Vector::Numbers(numbers) => numbers.iter().all(|number| number.is_i64() || number.is_u64()),
        _ => false,
    };
    let is_int = !answer.embeddings.is_empty() && answer.embeddings.iter().all(is_whole);
    let vectors = answer.embeddings.iter().map(|embedding| match &embedding.vector {
        Vector::Numbers(numbers) => Value::Array(numbers.clone()),
        Vector::Base64(text) | Vector::Int8(text) => json!(text),
    });
    let vectors = Value::Array(vectors.collect());
    match object.members.get_mut("embeddings") {
        Some(Value::Object(types)) => {
            let name = match (is_base64, is_int) {
                (true, _) => "base64",
                (false, true) => "int8",
                _ => "float",
            };
            types.insert(name.to_owned(), vectors);
        }
        _ if object.is_own => object.set("embeddings", vectors),
        _ => object.set("embeddings", json!({"float": vectors})),
    }
    if !answer.id.is_empty() {
        object.set("id", answer.id.as_str());
    }
    object.bytes()
}

speaks! {
    CohereApi: Embed, COHERE, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(_head, body) decode_request(body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
