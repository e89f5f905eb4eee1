//! `POST /rerank`, as Jina began it and most hosts took it over: one shape, in which only a few names differ.

use bytes::Bytes;
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::rerank::{Ranked, Rerank, RerankAnswer, RerankRequest};
use llm_core::{Error, Protocol, Result};
use serde_json::{Value, json};

use super::embed::{answer_fields, take_usage, write_usage};
use super::{OpenAi, PROTOCOL, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::pass::Pass;
use crate::protocols::speaks::speaks;

/// What differs between the protocols of this shape.
pub(in crate::protocols) struct Shape {
    pub(in crate::protocols) protocol: Protocol,
    pub(in crate::protocols) path: &'static str,
    /// The member for [`RerankRequest::top_n`].
    pub(in crate::protocols) top: &'static str,
    /// The member that holds the results.
    pub(in crate::protocols) list: &'static str,
    /// Whether a document's tokens can be bounded.
    pub(in crate::protocols) has_bound: bool,
    /// Whether the answer can repeat the documents.
    pub(in crate::protocols) has_documents: bool,
    /// Whether it is told to cut documents that are too long, as its SDK does unasked.
    pub(in crate::protocols) truncates: bool,
}

const SHAPE: Shape = Shape {
    protocol: PROTOCOL,
    path: "/rerank",
    top: "top_n",
    list: "results",
    has_bound: true,
    has_documents: true,
    truncates: false,
};

pub(in crate::protocols) fn encode_request(
    shape: &Shape,
    request: &RerankRequest,
    target: &Target<'_>,
) -> Result<Encoded> {
    let mut body = Body::new(&request.native, shape.protocol, request.unsupported, target)?;
    body.set("model", target.model);
    body.set("query", request.query.as_str());
    body.set("documents", request.documents.clone());
    body.set_some(shape.top, request.top_n);
    if shape.truncates && !request.native.is_from(shape.protocol) {
        body.set("truncation", true);
    }
    if shape.has_documents {
        body.set_some("return_documents", request.return_documents);
    }
    match request.max_tokens_per_doc {
        Some(tokens) if shape.has_bound => body.set("max_tokens_per_doc", tokens),
        tokens => body.lacks("max_tokens_per_doc", tokens, "it reads as much of a document as it can")?,
    }
    let mut encoded = body.post(shape.path)?;
    if !shape.has_documents {
        encoded.context.emulation.documents = repeated(request);
    }
    Ok(encoded)
}

/// The documents that an answer must repeat, as the answers of providers that do so have them.
pub(in crate::protocols) fn repeated(request: &RerankRequest) -> Vec<Value> {
    let documents = request.documents.iter().filter(|_| request.return_documents == Some(true));
    let document = |document: &Value| match document {
        Value::String(text) => json!({"text": text}),
        other => other.clone(),
    };
    documents.map(document).collect()
}

pub(in crate::protocols) fn decode_request(shape: &Shape, body: &[u8]) -> Result<(RerankRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.need_text("model")?;
    let query = fields.need_text("query")?;
    let documents = fields.want_list("documents")?.ok_or_else(|| fields.missing("documents"))?;
    let request = RerankRequest {
        query,
        documents,
        top_n: fields.want_u64(shape.top)?,
        return_documents: if shape.has_documents { fields.want_bool("return_documents")? } else { None },
        max_tokens_per_doc: if shape.has_bound { fields.want_u64("max_tokens_per_doc")? } else { None },
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(shape.protocol),
        model: model.clone(),
    };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

pub(in crate::protocols) fn decode_answer(
    shape: &Shape,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Result<RerankAnswer> {
    let mut fields = answer_fields(cx, head, body, shape.list)?;
    let list = fields.take_list(shape.list).unwrap_or_default();
    let results = (0u64..).zip(list).map(|(place, item)| ranked(shape, place, item)).collect::<Result<_>>()?;
    let mut answer = RerankAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        results,
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        ..RerankAnswer::default()
    };
    for result in answer.results.iter_mut().filter(|result| result.document.is_none()) {
        let place = usize::try_from(result.index).ok();
        result.document = place.and_then(|place| cx.emulation.documents.get(place)).cloned();
    }
    answer.usage = take_usage(shape.protocol, &mut fields);
    answer.native = fields.into_native(shape.protocol);
    Ok(answer)
}

fn ranked(shape: &Shape, place: u64, item: Value) -> Result<Ranked> {
    let mut fields = Fields::at(shape.list, item).map_err(|error| Error::bad_answer(error.message()))?;
    let score = ["relevance_score", "score"].into_iter().find_map(|name| {
        let score = fields.get(name)?.as_number().cloned()?;
        fields.take(name)?;
        // The name is left where it is not the customary one.
        if name == "score" {
            fields.put(name, json!(0));
        }
        Some(score)
    });
    Ok(Ranked {
        index: fields.take_u64("index").unwrap_or(place),
        score: score.ok_or_else(|| Error::bad_answer("the provider's answer has a result without a score"))?,
        document: fields.take("document"),
        native: fields.into_native(shape.protocol),
    })
}

pub(in crate::protocols) fn encode_answer(shape: &Shape, cx: &AnswerContext, answer: &RerankAnswer) -> Result<Bytes> {
    let mut object = answer_object(&answer.native, shape.protocol);
    let results = answer.results.iter().map(|result| {
        let mut item = answer_object(&result.native, shape.protocol);
        let name = if item.members.contains_key("score") { "score" } else { "relevance_score" };
        item.set("index", result.index);
        item.set(name, Value::Number(result.score.clone()));
        item.set_some("document", result.document.clone());
        Value::Object(item.members)
    });
    let results = results.collect::<Vec<_>>();
    object.set(shape.list, results);
    if !answer.id.is_empty() || !object.is_own {
        object.set("id", if answer.id.is_empty() { format!("rerank-{}", cx.id_seed) } else { answer.id.clone() });
    }
    let model = if object.is_own { &answer.model } else { &cx.model };
    if !model.is_empty() {
        object.set("model", model.as_str());
    }
    write_usage(
        answer.usage.as_ref().filter(|usage| usage.total() > 0),
        shape.protocol,
        object.is_own,
        &mut object.members,
    );
    Ok(object.bytes())
}

static PASS: Pass<Rerank> = Pass { codec: &OpenAi, path: SHAPE.path, elsewhere: &[] };

speaks! {
    OpenAi: Rerank, PROTOCOL, errors error,
    encode_request(request, target) encode_request(&SHAPE, request, target),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, body) decode_request(&SHAPE, body),
    encode_answer(cx, answer) encode_answer(&SHAPE, cx, answer),
    passthrough &PASS,
}

#[cfg(test)]
mod tests;
