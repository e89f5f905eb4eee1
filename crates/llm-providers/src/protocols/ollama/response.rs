//! Whole answers, both ways, and what they share with the lines of a stream.

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, Choice, Content, FinishReason, Part, Role};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::message::{self, CallIds, Turn};
use super::{OLLAMA, error, timestamp};

pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
    let unreadable = || {
        let error = Error::bad_answer("the provider's answer is not a JSON object").with_status(head.status);
        error.with_provider(cx.provider.as_str()).with_body(Bytes::copy_from_slice(body))
    };
    let value: Value = serde_json::from_slice(body).map_err(|error| unreadable().with_source(error))?;
    if let Some(error) = error::inside(cx, &value) {
        return Err(error);
    }
    let Value::Object(members) = value else { return Err(unreadable()) };
    let mut fields = Fields::new(members);
    let mut answer = ChatAnswer { provider: cx.provider.clone(), ..ChatAnswer::default() };
    answer.model = fields.take_text("model").unwrap_or_default();
    answer.created = fields.text("created_at").and_then(timestamp::parse);
    answer.usage = take_usage(&mut fields);
    if let Some(message) = fields.take_object("message") {
        let mut calls = 0;
        let mut make_id = || {
            calls += 1;
            made_id(cx, calls - 1)
        };
        let message = message::decode(message, Some(&cx.provider), &mut make_id);
        let has_calls = has_calls(&message.parts);
        let (finish_reason, native) = take_finish(&mut fields, has_calls);
        let logprobs = take_logprobs(&mut fields);
        answer.choices.push(Choice { index: 0, message, finish_reason, logprobs, native });
    }
    answer.native = fields.into_native(OLLAMA);
    Ok(answer)
}

pub(super) fn encode(cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
    let mut body = answer.native.object(OLLAMA);
    write_head(&mut body, &answer.native, cx, Some(&answer.model), answer.created);
    if let Some(choice) = answer.choices.first() {
        let mut message = message_of(&choice.native);
        message.extend(choice.message.native.object(OLLAMA));
        if !answer.native.is_from(OLLAMA) {
            message.insert("content".to_owned(), json!(""));
        }
        message.insert("role".to_owned(), json!(choice.message.role.as_str()));
        let mut turn = Turn::default();
        for part in &choice.message.parts {
            // What Ollama can't say (server tools, sound) is no part of its answers.
            turn.add(&Role::Assistant, part, CallIds::Known)?;
        }
        turn.write(&mut message);
        body.insert("message".to_owned(), Value::Object(message));
        write_finish(&mut body, choice.finish_reason.as_ref(), &choice.native);
        write_logprobs(&mut body, choice.logprobs.as_ref());
    }
    body.entry("done").or_insert(json!(true));
    write_usage(&mut body, answer.usage.as_ref());
    serde_json::to_vec(&body)
        .map(Bytes::from)
        .map_err(|error| Error::new(ErrorKind::Internal, "an answer has no JSON form").with_source(error))
}

/// The id of the call at `place` of an answer, where Ollama gave none.
pub(super) fn made_id(cx: &DecodeContext, place: usize) -> String {
    format!("call_{}_{place}", cx.id_seed)
}

pub(super) fn has_calls(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)))
}

/// Model and time, which every answer and line has.
pub(super) fn write_head(
    body: &mut Map<String, Value>,
    native: &Native,
    cx: &AnswerContext,
    model: Option<&String>,
    created: Option<i64>,
) {
    if let Some(model) = model.filter(|model| !model.is_empty()) {
        body.insert("model".to_owned(), json!(model));
    }
    if !native.is_from(OLLAMA) {
        body.entry("model").or_insert_with(|| json!(cx.model));
        body.insert("created_at".to_owned(), json!(timestamp::format(created.unwrap_or(cx.created))));
    }
}

/// What a line of a stream kept of its message.
pub(super) fn message_of(native: &Native) -> Map<String, Value> {
    native.get(OLLAMA, "message").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The counts, which stand beside the message. The prompt's is missing where it was cached whole.
pub(super) fn take_usage(fields: &mut Fields) -> Option<Usage> {
    let mut native = Map::new();
    let mut usage = Usage::default();
    for (name, meter) in [("prompt_eval_count", Meter::Input), ("eval_count", Meter::Output)] {
        if let Some(count) = fields.take_u64(name) {
            usage.set(meter, count);
            native.insert(name.to_owned(), json!(count));
        }
    }
    if native.is_empty() {
        return None;
    }
    usage.native = Native::new(OLLAMA, native);
    Some(usage)
}

pub(super) fn write_usage(body: &mut Map<String, Value>, usage: Option<&Usage>) {
    let Some(usage) = usage else { return };
    match usage.native.members(OLLAMA) {
        Some(counts) => body.extend(counts.clone()),
        None => {
            body.insert("prompt_eval_count".to_owned(), json!(usage.input_tokens()));
            body.insert("eval_count".to_owned(), json!(usage.output_tokens()));
        }
    }
}

/// Why the model stopped. Ollama says `stop` where it asks for tools too; its own word is kept where it differs.
pub(super) fn take_finish(fields: &mut Fields, has_calls: bool) -> (Option<FinishReason>, Native) {
    let mut native = Native::new(OLLAMA, Map::new());
    let Some(said) = fields.take_text("done_reason") else { return (None, native) };
    let mut reason = FinishReason::from(said.as_str());
    if has_calls && reason == FinishReason::Stop {
        reason = FinishReason::ToolCalls;
        native.insert(OLLAMA, "done_reason", json!(said));
    }
    (Some(reason), native)
}

pub(super) fn write_finish(body: &mut Map<String, Value>, reason: Option<&FinishReason>, native: &Native) {
    let said = match (native.get(OLLAMA, "done_reason"), reason) {
        (Some(said), _) => said.clone(),
        (None, None) => return,
        (None, Some(FinishReason::ToolCalls | FinishReason::StopSequence)) if !native.is_from(OLLAMA) => json!("stop"),
        (None, Some(reason)) => json!(reason.as_str()),
    };
    body.insert("done_reason".to_owned(), said);
}

/// Ollama lists per token what OpenAI lists under `content`.
pub(super) fn take_logprobs(fields: &mut Fields) -> Option<Value> {
    let list = fields.take_list("logprobs")?;
    Some(json!({ "content": list }))
}

pub(super) fn write_logprobs(body: &mut Map<String, Value>, logprobs: Option<&Value>) {
    if let Some(list) = logprobs.and_then(|logprobs| logprobs.get("content")).filter(|list| list.is_array()) {
        body.insert("logprobs".to_owned(), list.clone());
    }
}

#[cfg(test)]
mod tests;
