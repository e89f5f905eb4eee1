//! `:batchEmbedContents` and `:embedContent`, and Vertex's older `:predict`.

use bytes::Bytes;
use llm_core::chat::{Content, MediaSource, UnsupportedPolicy};
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, Target};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedInput, EmbedRequest, Embedding, Purpose, Vector};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::{GeminiApi, ME, error, path, usage};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::speaks::speaks;

const BATCH: &str = "requests";
const SINGLE: &str = "content";
const PREDICT: &str = "instances";

/// Google's word for what vectors are for.
fn task(purpose: &Purpose) -> &str {
    match purpose {
        Purpose::Query => "RETRIEVAL_QUERY",
        Purpose::Document => "RETRIEVAL_DOCUMENT",
        Purpose::Classification => "CLASSIFICATION",
        Purpose::Clustering => "CLUSTERING",
        other => other.as_str(),
    }
}

/// The contents of one input; none for what can't be said here.
fn content(input: &EmbedInput) -> Option<Value> {
    let parts = match input {
        EmbedInput::Text(text) => vec![json!({"text": text})],
        EmbedInput::Parts(parts) => {
            let parts = parts.iter().map(|part| match &part.content {
                Content::Text { text, .. } => Some(json!({"text": text})),
                Content::Media(media) => match &media.source {
                    MediaSource::Base64 { media_type, data } => {
                        Some(json!({"inlineData": {"mimeType": media_type, "data": data}}))
                    }
                    MediaSource::Url { url } => Some(json!({"fileData": {"fileUri": url}})),
                    _ => None,
                },
                _ => None,
            });
            parts.collect::<Option<Vec<_>>>()?
        }
        EmbedInput::Tokens(_) | EmbedInput::Other(_) => return None,
    };
    Some(json!({"parts": parts}))
}

fn encode_request(request: &EmbedRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    let was = [BATCH, SINGLE, PREDICT].into_iter().find(|name| body.take(name).is_some());
    body.lacks("user", request.user.as_ref(), "it has no end users")?;
    let newer = target.model.contains("gemini-embedding-2");
    let form = was.unwrap_or(match (path::is_vertex(target), newer) {
        (true, false) => PREDICT,
        (true, true) => SINGLE,
        (false, _) => BATCH,
    });
    let model = target.model.strip_prefix("models/").unwrap_or(target.model);
    let own = |input: &EmbedInput| match input {
        EmbedInput::Other(native) => native.members(ME).cloned(),
        _ => None,
    };
    let options = |members: &mut Map<String, Value>| {
        if let Some(dimensions) = request.dimensions {
            members.insert("outputDimensionality".to_owned(), json!(dimensions));
        }
        if let Some(purpose) = &request.purpose {
            members.insert("taskType".to_owned(), json!(task(purpose)));
        }
    };
    let refused = "it embeds texts and inline media, and nothing else";
    match form {
        PREDICT => {
            let instances = request.input.iter().map(|input| match input {
                EmbedInput::Text(text) => {
                    let mut instance = Map::new();
                    instance.insert("content".to_owned(), json!(text));
                    if let Some(purpose) = &request.purpose {
                        instance.insert("task_type".to_owned(), json!(task(purpose)));
                    }
                    Some(Value::Object(instance))
                }
                other => own(other).map(Value::Object),
            });
            match instances.collect::<Option<Vec<_>>>() {
                Some(instances) => body.set(PREDICT, instances),
                None => body.lacks("input", Some(()), refused)?,
            }
            if let Some(dimensions) = request.dimensions {
                let mut parameters = match body.take("parameters") {
                    Some(Value::Object(parameters)) => parameters,
                    _ => Map::new(),
                };
                parameters.insert("outputDimensionality".to_owned(), json!(dimensions));
                body.set("parameters", parameters);
            }
        }
        SINGLE => match request.input.as_slice() {
            [one] => match own(one).map(Value::Object).or_else(|| content(one)) {
                Some(content) => {
                    body.set(SINGLE, content);
                    let mut members = Map::new();
                    options(&mut members);
                    members.into_iter().for_each(|(name, value)| body.set(&name, value));
                }
                None => body.lacks("input", Some(()), refused)?,
            },
            _ => body.lacks("input", Some(()), "the model embeds one input a call")?,
        },
        _ => {
            let requests = request.input.iter().map(|input| {
                if let Some(own) = own(input) {
                    return Some(Value::Object(own));
                }
                let mut members = Map::new();
                members.insert("model".to_owned(), json!(format!("models/{model}")));
                members.insert("content".to_owned(), content(input)?);
                options(&mut members);
                Some(Value::Object(members))
            });
            match requests.collect::<Option<Vec<_>>>() {
                Some(requests) => body.set(BATCH, requests),
                None => body.lacks("input", Some(()), refused)?,
            }
        }
    }
    let method = match form {
        PREDICT => "predict",
        SINGLE => "embedContent",
        _ => "batchEmbedContents",
    };
    body.post(path::to(target, method)?)
}

/// Understands a request of any of the three forms. Nobody asks us in them; what is read shows that nothing is lost.
fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = path::split(&head.path).map(|(model, _)| model).unwrap_or_default();
    let mut input = Vec::new();
    if let Some(content) = fields.want_object(SINGLE)? {
        input.push(EmbedInput::Other(Native::new(ME, content.into_members())));
        fields.put(SINGLE, json!({}));
    }
    for name in [BATCH, PREDICT] {
        let Some(list) = fields.want_list(name)? else { continue };
        fields.put(name, json!([]));
        for (place, item) in list.into_iter().enumerate() {
            let item = Fields::at(format!("{name}[{place}]"), item)?;
            input.push(EmbedInput::Other(item.into_native(ME)));
        }
    }
    if input.is_empty() {
        return Err(fields.missing(BATCH));
    }
    let unsupported = UnsupportedPolicy::default();
    let native = fields.into_native(ME);
    let request = EmbedRequest { model: model.clone(), input, unsupported, native, ..EmbedRequest::default() };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

/// One vector, wherever its values stand within the object.
fn vector(index: u64, item: Value) -> Result<Embedding> {
    let broken = || Error::bad_answer("the provider's answer has a vector that is none");
    let mut fields = Fields::at("embeddings", item).map_err(|_| broken())?;
    let values = match fields.take_object("embeddings") {
        Some(mut inner) => {
            let values = inner.take_list("values");
            fields.put("embeddings", Value::Object(inner.into_members()));
            values
        }
        None => fields.take_list("values"),
    };
    let vector = Vector::Numbers(values.ok_or_else(broken)?);
    Ok(Embedding { index, vector, native: fields.into_native(ME) })
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<EmbedAnswer> {
    let unreadable =
        || Error::bad_answer("the provider's answer has no vectors").with_body(Bytes::copy_from_slice(body));
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(unreadable()) };
    if error::is_one(&members) {
        return Err(error::in_answer(cx, &members));
    }
    let mut fields = Fields::new(members);
    let items = if let Some(one) = fields.take_object("embedding") {
        fields.put("embedding", json!({}));
        vec![Value::Object(one.into_members())]
    } else if let Some(list) = fields.take_list("predictions") {
        fields.put("predictions", json!([]));
        list
    } else {
        fields.take_list("embeddings").ok_or_else(unreadable)?
    };
    // `:predict` counts each text's tokens beside its vector.
    let counted = |item: &Value| item.pointer("/embeddings/statistics/token_count")?.as_f64();
    let tokens: Option<f64> = items.iter().map(counted).sum();
    let embeddings = (0u64..).zip(items).map(|(index, item)| vector(index, item)).collect::<Result<_>>()?;
    let said = fields.get("usageMetadata").and_then(Value::as_object).and_then(prompt);
    Ok(EmbedAnswer {
        embeddings,
        provider: cx.provider.clone(),
        usage: said.or_else(|| tokens.filter(|tokens| *tokens > 0.0).map(of_tokens)),
        native: fields.into_native(ME),
        ..EmbedAnswer::default()
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded first")]
fn of_tokens(tokens: f64) -> Usage {
    Usage::default().with(Meter::Input, tokens.ceil().clamp(0.0, 1e15) as u64)
}

/// The prompt's tokens by kind. Batches call the list of kinds in the singular.
fn prompt(members: &Map<String, Value>) -> Option<Usage> {
    if let Some(details) = members.get("promptTokenDetails").filter(|_| !members.contains_key("promptTokensDetails")) {
        let mut members = members.clone();
        members.insert("promptTokensDetails".to_owned(), details.clone());
        return usage::counts_of(&members);
    }
    usage::counts_of(members)
}

fn encode_answer(answer: &EmbedAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    let items = answer.embeddings.iter().map(|embedding| {
        let mut item = answer_object(&embedding.native, ME);
        let values = match embedding.vector.clone().into_numbers() {
            Vector::Numbers(numbers) => Value::Array(numbers),
            Vector::Base64(text) | Vector::Int8(text) => json!(text),
        };
        match item.members.get_mut("embeddings") {
            Some(Value::Object(inner)) => drop(inner.insert("values".to_owned(), values)),
            _ => item.set("values", values),
        }
        Value::Object(item.members)
    });
    let mut items: Vec<Value> = items.collect();
    if object.members.contains_key("embedding") {
        object.set_some("embedding", items.pop());
    } else if object.members.contains_key("predictions") {
        object.set("predictions", items);
    } else {
        object.set("embeddings", items);
    }
    object.bytes()
}

speaks! {
    GeminiApi: Embed, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
