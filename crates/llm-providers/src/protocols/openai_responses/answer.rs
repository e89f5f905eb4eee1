//! Whole answers, read from providers and written to callers.

use std::borrow::Cow;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, Choice, Content, Message, Part, Role};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Meter, Native, Result};
use serde_json::{Map, Value, json};

use super::item::{self, Reading};
use super::{EVENT, PROTOCOL, finish, groups, searches, shell, usage};
use crate::protocols::joined::joined;
use crate::protocols::openai_chat::{error, tier};

/// Reads a whole answer.
pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(error::unreadable(head, body));
    };
    let failed = members.get("error").is_some_and(|error| !error.is_null())
        && (!members.contains_key("output") || members.get("status").and_then(Value::as_str) == Some("failed"));
    if failed {
        return Err(error::from_body(cx, None, &members, body));
    }
    if !members.get("output").is_some_and(Value::is_array) {
        return Err(Error::bad_answer("the provider's answer has no `output`").with_body(Bytes::copy_from_slice(body)));
    }
    let searches = searches::charged(&members);
    let mut fields = Fields::new(members);
    let mut parts = Vec::new();
    for item in fields.take_list("output").unwrap_or_default() {
        parts.extend(item::of_model(item, String::new(), Reading::Provider(&cx.provider))?);
    }
    let has_calls = parts.iter().any(is_call);
    let usage =
        fields.take_object("usage").map(|members| usage::read(members.into_members()).with(Meter::Query, searches));
    let head = Head::take(&mut fields);
    let members = fields.into_members();
    let choice = Choice {
        index: 0,
        logprobs: logprobs(&parts),
        message: Message { native: Native::new(PROTOCOL, Map::new()), ..Message::new(Role::Assistant, parts) },
        finish_reason: finish::read(&members, has_calls),
        native: Native::new(PROTOCOL, Map::new()),
    };
    Ok(ChatAnswer {
        id: head.id.unwrap_or_default(),
        model: head.model.unwrap_or_default(),
        provider: cx.provider.clone(),
        created: head.created,
        choices: vec![choice],
        usage,
        service_tier: head.service_tier,
        dropped_params: Vec::new(),
        emulated_params: Vec::new(),
        call: None,
        native: Native::new(PROTOCOL, members),
    })
}

/// What a response says of itself.
pub(super) struct Head {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) created: Option<i64>,
    pub(super) service_tier: Option<String>,
}

impl Head {
    fn take(response: &mut Fields) -> Self {
        Self {
            id: response.take_nonempty("id"),
            model: response.take_nonempty("model"),
            created: response.take_i64("created_at"),
            service_tier: response.take_nonempty("service_tier"),
        }
    }

    /// The same, with everything left in its place.
    pub(super) fn look(response: &Map<String, Value>) -> Self {
        let text =
            |name: &str| response.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            id: text("id"),
            model: text("model"),
            created: response.get("created_at").and_then(Value::as_i64),
            service_tier: text("service_tier"),
        }
    }
}

pub(super) fn is_call(part: &Part) -> bool {
    matches!(part.content, Content::ToolCall(_))
}

/// The log probabilities of all texts, in the form of Chat Completions. Each part keeps its own.
fn logprobs(parts: &[Part]) -> Option<Value> {
    let lists = parts.iter().filter_map(|part| part.native.get(PROTOCOL, "logprobs").and_then(Value::as_array));
    let all: Vec<Value> = lists.flatten().cloned().collect();
    (!all.is_empty()).then(|| json!({"content": all}))
}

/// Writes a whole answer: as it was where it came in this protocol, else in the full form of OpenAI's SDKs.
pub(super) fn encode(cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
    if answer.choices.len() > 1 {
        return Err(Error::unsupported("n", format_args!("`{PROTOCOL}`"), "it has one answer a call"));
    }
    let mut own = own_members(answer);
    let is_own = own.is_some();
    let mut out = own.take().unwrap_or_else(|| shell::begun(cx, &answer.model));
    if is_own {
        for (name, text) in [("id", &answer.id), ("model", &answer.model)] {
            if !text.is_empty() {
                out.insert(name.to_owned(), json!(text));
            }
        }
    }
    if let Some(created) = answer.created {
        out.insert("created_at".to_owned(), json!(created));
    }
    let choice = answer.choices.first();
    let parts = choice.map_or(&[][..], |choice| &choice.message.parts);
    let parts = if is_own { Cow::Borrowed(parts) } else { joined(parts) };
    let mut output = item::for_caller(&parts, &cx.id_seed);
    if !is_own {
        output.iter_mut().for_each(|item| groups::regroup(item, &cx.grouped));
        finish::write(answer.finish_reason(), &output, &mut out);
        add_logprobs(choice.and_then(|choice| choice.logprobs.as_ref()), &mut output);
    }
    out.insert("output".to_owned(), Value::Array(output));
    if let Some(used) = &answer.usage {
        out.insert("usage".to_owned(), usage::write(used));
    }
    let tier = answer.service_tier.as_deref();
    if let Some(tier) = tier.and_then(|tier| if is_own { Some(tier) } else { tier::of_answer(tier) }) {
        out.insert("service_tier".to_owned(), json!(tier));
    }
    serde_json::to_vec(&out)
        .map(Bytes::from)
        .map_err(|error| Error::new(ErrorKind::Internal, "the answer can't be written").with_source(error))
}

/// What an answer of this protocol keeps: of a stream, the response that its last event holds.
fn own_members(answer: &ChatAnswer) -> Option<Map<String, Value>> {
    if !answer.native.is_from(PROTOCOL) {
        return None;
    }
    match answer.native.get(PROTOCOL, EVENT) {
        Some(event) => event.get("response").and_then(Value::as_object).cloned(),
        None => Some(answer.native.object(PROTOCOL)),
    }
}

/// Puts the log probabilities of an answer of another protocol to its first text.
fn add_logprobs(logprobs: Option<&Value>, output: &mut [Value]) {
    let Some(list) = logprobs.and_then(|logprobs| logprobs.get("content")).filter(|list| list.is_array()) else {
        return;
    };
    let mut texts = output.iter_mut().filter_map(|item| item.get_mut("content")?.as_array_mut()).flatten();
    if let Some(Value::Object(text)) = texts.find(|part| part.get("type") == Some(&json!("output_text"))) {
        text.insert("logprobs".to_owned(), list.clone());
    }
}

#[cfg(test)]
mod tests;
