//! Whole answers, read from providers and written to callers.

use std::borrow::Cow;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, Choice, FinishReason, Message, Part, Role};
use llm_core::codec::{AnswerContext, DecodeContext};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::{ME, block, error, finish, usage};
use crate::protocols::joined::joined;

/// Understands a whole answer.
pub(super) fn decode(cx: &DecodeContext, body: &[u8]) -> Result<ChatAnswer> {
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(Error::bad_answer("the answer is not a JSON object").with_provider(&cx.provider)),
        Err(error) => {
            let message = format!("the answer is not valid JSON: {error}");
            return Err(Error::bad_answer(message).with_provider(&cx.provider).with_source(error));
        }
    };
    if members.get("type").and_then(Value::as_str) == Some("error") {
        return Err(error::in_answer(cx, &members).with_body(Bytes::copy_from_slice(body)));
    }
    let mut fields = Fields::new(members);
    let mut answer = ChatAnswer { provider: cx.provider.clone(), ..head(&mut fields) };
    let parts = match fields.take_list("content") {
        Some(list) if list.is_empty() => {
            fields.put("content", list.into());
            Vec::new()
        }
        Some(list) => list.into_iter().map(|value| block::of_provider(&cx.provider, value)).collect(),
        None => Vec::new(),
    };
    let (finish_reason, native) = take_reason(&mut fields);
    if let Some(object) = fields.take_object("usage") {
        let object = object.into_members();
        answer.service_tier = tier(&object);
        answer.usage = Some(usage::read(object));
    }
    let message = Message::new(Role::Assistant, parts);
    answer.choices = vec![Choice { index: 0, message, finish_reason, logprobs: None, native }];
    answer.native = fields.into_native(ME);
    Ok(answer)
}

/// What names an answer, whole or streamed.
fn head(fields: &mut Fields) -> ChatAnswer {
    ChatAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        model: fields.take_nonempty("model").unwrap_or_default(),
        ..ChatAnswer::default()
    }
}

/// Takes a `stop_reason`; a null stays.
pub(super) fn take_reason(fields: &mut Fields) -> (Option<FinishReason>, Native) {
    match fields.take_text("stop_reason") {
        Some(word) => {
            let (reason, native) = finish::read(&word);
            (Some(reason), native)
        }
        None => (None, Native::NONE),
    }
}

/// The service tier that a usage object names; it stays there.
pub(super) fn tier(usage: &Map<String, Value>) -> Option<String> {
    usage.get("service_tier")?.as_str().map(str::to_owned)
}

/// A whole answer on the wire. One of this protocol is written as it came; any other with every member that the
/// official SDKs require.
pub(super) fn encode(cx: &AnswerContext, answer: &ChatAnswer) -> Bytes {
    let own = answer.native.is_from(ME);
    let choice = answer.choices.first();
    let parts: &[Part] = choice.map_or(&[], |choice| &choice.message.parts);
    let whole = if own { Cow::Borrowed(parts) } else { joined(parts) };
    let parts = whole.as_ref();
    let blocks: Vec<Value> =
        parts.iter().enumerate().flat_map(|(place, part)| block::answer(part, &cx.id_seed, place)).collect();
    let mut body = Map::new();
    if own {
        for (name, id) in [("id", &answer.id), ("model", &answer.model)] {
            if !id.is_empty() {
                body.insert(name.to_owned(), id.as_str().into());
            }
        }
        for (name, value) in answer.native.members(ME).into_iter().flatten() {
            if name != block::EVENT {
                body.insert(name.clone(), value.clone());
            }
        }
        if !blocks.is_empty() {
            body.insert("content".to_owned(), blocks.into());
        }
    } else {
        body = shell(cx, &answer.model);
        body.insert("content".to_owned(), blocks.into());
    }
    let reason = choice.and_then(|choice| choice.finish_reason.as_ref());
    if !own || reason.is_some() {
        let native = choice.map_or(&Native::NONE, |choice| &choice.native);
        let word = finish::write(reason, native, finish::Said::of(parts));
        body.insert("stop_reason".to_owned(), word.into());
    }
    match &answer.usage {
        Some(usage) => {
            body.insert("usage".to_owned(), usage::write(usage).into());
        }
        None if !own => {
            body.insert("usage".to_owned(), usage::write(llm_core::Usage::NONE).into());
        }
        None => {}
    }
    Bytes::from(Value::Object(body).to_string())
}

/// An answer without content, stop reason and usage, as the official SDKs require it.
pub(super) fn shell(cx: &AnswerContext, model: &str) -> Map<String, Value> {
    let model = if model.is_empty() { cx.model.as_str() } else { model };
    let members: [(&str, Value); 7] = [
        ("id", format!("msg_{}", cx.id_seed).into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", model.into()),
        ("content", Value::Array(Vec::new())),
        ("stop_reason", Value::Null),
        ("stop_sequence", Value::Null),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
