//! Whole answers, both ways.

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, Choice, Part};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::super::openai_chat;
use super::{COHERE, finish, message, usage};

/// What only an event has, and its accumulated answer too.
const OF_EVENTS: [&str; 4] = ["type", "index", "delta", "event"];

pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(openai_chat::read_error(cx, head, body));
    };
    if !members.get("message").is_some_and(Value::is_object) {
        return Err(openai_chat::error_of_members(cx, &members, body));
    }
    let mut fields = Fields::new(members);
    let mut made = 0;
    let mut make_id = || {
        made += 1;
        made_id(cx, made - 1)
    };
    let message = fields.take_object("message").map(|inner| message::read(inner, Some(&cx.provider), &mut make_id));
    let finish_reason = finish::read(&fields);
    let mut native = content_of(&mut fields, "finish_reason");
    let logprobs = fields.get("logprobs").and_then(Value::as_array).map(|list| logprobs(list));
    native.extend(content_of(&mut fields, "logprobs"));
    let choice = message.map(|message| Choice {
        index: 0,
        message,
        finish_reason,
        logprobs,
        native: llm_core::Native::new(COHERE, native),
    });
    Ok(ChatAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        provider: cx.provider.clone(),
        choices: choice.into_iter().collect(),
        usage: fields.take_object("usage").map(|used| usage::read(used.into_members())),
        native: fields.into_native(COHERE),
        ..ChatAnswer::default()
    })
}

/// A member, moved to where it belongs, whatever it is.
fn content_of(fields: &mut Fields, name: &str) -> Map<String, Value> {
    fields.take(name).map(|value| Map::from_iter([(name.to_owned(), value)])).unwrap_or_default()
}

/// The id of a call that has none.
pub(super) fn made_id(cx: &DecodeContext, place: usize) -> String {
    format!("call_{}_{place}", cx.id_seed)
}

/// Cohere's log probabilities in OpenAI's form: an entry a piece of text, whose tokens' logarithms add up.
pub(super) fn logprobs(list: &[Value]) -> Value {
    let entry = |piece: &Value| {
        let text = piece.get("text")?.as_str()?;
        let numbers = piece.get("logprobs")?.as_array()?;
        let sum: f64 = numbers.iter().filter_map(Value::as_f64).sum();
        Some(json!({"token": text, "logprob": sum, "bytes": text.as_bytes(), "top_logprobs": []}))
    };
    json!({"content": list.iter().filter_map(entry).collect::<Vec<_>>()})
}

pub(super) fn encode(cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
    let mut out = answer.native.object(COHERE);
    for name in OF_EVENTS {
        out.remove(name);
    }
    let own = answer.native.is_from(COHERE);
    if !answer.id.is_empty() {
        out.insert("id".to_owned(), json!(answer.id));
    } else if !own {
        out.insert("id".to_owned(), json!(cx.id_seed));
    }
    if let Some(choice) = answer.choices.first() {
        out.extend(choice.native.object(COHERE));
        finish::write(choice.finish_reason.as_ref(), &mut out);
        let mut inner = choice.message.native.object(COHERE);
        if !choice.message.native.is_from(COHERE) {
            inner.insert("content".to_owned(), json!([]));
            inner.insert("role".to_owned(), json!("assistant"));
        }
        // What Cohere can't say (server tools, sound) is no part of its answers.
        let parts: Vec<&Part> = choice.message.parts.iter().collect();
        message::write(&parts, &choice.message.native, &mut inner);
        out.insert("message".to_owned(), Value::Object(inner));
    }
    if let Some(used) = &answer.usage {
        out.insert("usage".to_owned(), usage::write(used));
    }
    serde_json::to_vec(&out)
        .map(Bytes::from)
        .map_err(|error| Error::new(ErrorKind::Internal, "the answer can't be written").with_source(error))
}

#[cfg(test)]
mod tests;
