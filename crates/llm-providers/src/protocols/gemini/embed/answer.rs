//! Vectors: an answer of Google's understood, and an answer written as Google would.

use bytes::Bytes;
use llm_core::codec::{AnswerContext, DecodeContext};
use llm_core::embedding::{EmbedAnswer, Embedding, Vector};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Result, Usage};
use serde_json::{Map, Value, json};

use super::super::{ME, error, usage};
use super::form::Form;
use crate::protocols::body::answer_object;

/// Where an answer says what was used.
const USAGE: &str = "usageMetadata";

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

/// Understands an answer in whichever form it comes.
pub(super) fn decode(cx: &DecodeContext, body: &[u8]) -> Result<EmbedAnswer> {
    let unreadable =
        || Error::bad_answer("the provider's answer has no vectors").with_body(Bytes::copy_from_slice(body));
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(unreadable()) };
    if error::is_one(&members) {
        return Err(error::in_answer(cx, &members));
    }
    let mut fields = Fields::new(members);
    let (single, predict) = (Form::Single.output(), Form::Predict.output());
    let items = if let Some(one) = fields.take_object(single) {
        fields.put(single, json!({}));
        vec![Value::Object(one.into_members())]
    } else if let Some(list) = fields.take_list(predict) {
        fields.put(predict, json!([]));
        list
    } else {
        fields.take_list(Form::Batch.output()).ok_or_else(unreadable)?
    };
    // `:predict` counts each text's tokens beside its vector.
    let counted = |item: &Value| item.pointer("/embeddings/statistics/token_count")?.as_f64();
    let tokens: Option<f64> = items.iter().map(counted).sum();
    let embeddings = (0u64..).zip(items).map(|(index, item)| vector(index, item)).collect::<Result<_>>()?;
    let said = fields.get(USAGE).and_then(Value::as_object).and_then(prompt);
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

/// Writes an answer in the form that the caller asked in, or else in the one in which it came.
pub(super) fn encode(cx: &AnswerContext, answer: &EmbedAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    let came = [Form::Single, Form::Predict].into_iter().find(|form| object.members.contains_key(form.output()));
    let came = came.unwrap_or(Form::Batch);
    let form = cx.form.as_deref().and_then(Form::of_method).unwrap_or(came);
    let is_same = object.is_own && form == came;
    if !is_same {
        object.members.shift_remove(came.output());
        if let (Some(usage), false) = (&answer.usage, object.members.contains_key(USAGE)) {
            object.set(USAGE, json!({"promptTokenCount": usage.input_tokens()}));
        }
    }
    let items = answer.embeddings.iter().map(|embedding| {
        let values = match embedding.vector.clone().into_numbers() {
            Vector::Numbers(numbers) => Value::Array(numbers),
            Vector::Base64(text) | Vector::Int8(text) => json!(text),
        };
        if !is_same {
            let one = json!({ "values": values });
            return if form == Form::Predict { json!({ "embeddings": one }) } else { one };
        }
        let mut item = answer_object(&embedding.native, ME);
        match item.members.get_mut("embeddings") {
            Some(Value::Object(inner)) => drop(inner.insert("values".to_owned(), values)),
            _ => item.set("values", values),
        }
        Value::Object(item.members)
    });
    let mut items: Vec<Value> = items.collect();
    match form {
        Form::Single => object.set_some(form.output(), items.pop()),
        _ => object.set(form.output(), items),
    }
    object.bytes()
}
