//! Whole answers, read from providers and written to callers.

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, Choice, FinishReason, Message, Role};
use llm_core::codec::DecodeContext;
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::block::{self, Speaker};
use super::{ME, finish, usage};

/// Understands a whole answer.
pub(super) fn decode(cx: &DecodeContext, body: &[u8]) -> Result<ChatAnswer> {
    let bad = |message: String| {
        Error::bad_answer(message).with_provider(&cx.provider).with_body(Bytes::copy_from_slice(body))
    };
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(bad("the answer is not a JSON object".to_owned())),
        Err(error) => return Err(bad(format!("the answer is not valid JSON: {error}")).with_source(error)),
    };
    let mut fields = Fields::new(members);
    // Bedrock does not say which model answers.
    let mut answer = ChatAnswer { provider: cx.provider.clone(), model: cx.model.clone(), ..ChatAnswer::default() };
    let mut message = Message::new(Role::Assistant, Vec::new());
    if let Some(mut output) = fields.take_object("output") {
        if let Some(mut said) = output.take_object("message") {
            message = read_message(&mut said, &cx.provider);
            output.put("message", said.into_members().into());
        }
        fields.put("output", output.into_members().into());
    }
    let (finish_reason, native) = take_reason(&mut fields);
    if let Some(object) = fields.take_object("usage") {
        answer.usage = Some(usage::read(object.into_members()));
    }
    answer.service_tier = tier(&fields);
    answer.choices = vec![Choice { index: 0, message, finish_reason, logprobs: None, native }];
    answer.native = fields.into_native(ME);
    Ok(answer)
}

fn read_message(said: &mut Fields, provider: &str) -> Message {
    let role = said.take_text("role").map_or(Role::Assistant, |role| Role::from(role.as_str()));
    let parts = match said.take_list("content") {
        Some(list) if list.is_empty() => {
            said.put("content", list.into());
            Vec::new()
        }
        Some(list) => block::list("", list, Speaker::Provider(provider)).unwrap_or_default(),
        None => Vec::new(),
    };
    Message::new(role, parts)
}

/// Takes a `stopReason`; a null stays.
pub(super) fn take_reason(fields: &mut Fields) -> (Option<FinishReason>, Native) {
    match fields.take_text("stopReason") {
        Some(word) => {
            let (reason, native) = finish::read(&word);
            (Some(reason), native)
        }
        None => (None, Native::NONE),
    }
}

/// The service tier that an answer or its last event names; it stays there.
pub(super) fn tier(fields: &Fields) -> Option<String> {
    fields.get("serviceTier")?.get("type")?.as_str().map(str::to_owned)
}

/// A whole answer on the wire. One of this protocol is written as it came.
pub(super) fn encode(answer: &ChatAnswer) -> Bytes {
    let own = answer.native.is_from(ME);
    let choice = answer.choices.first();
    let mut body = answer.native.object(ME);
    body.shift_remove(block::EVENT);
    let mut output = take(&mut body, "output");
    let mut message = take(&mut output, "message");
    if let Some(choice) = choice {
        let blocks: Vec<Value> = choice.message.parts.iter().flat_map(block::answer).collect();
        if !blocks.is_empty() || !own {
            message.insert("content".to_owned(), blocks.into());
        }
        message.insert("role".to_owned(), choice.message.role.as_str().into());
    }
    output.insert("message".to_owned(), message.into());
    body.insert("output".to_owned(), output.into());
    let reason = choice.and_then(|choice| choice.finish_reason.as_ref());
    if !own || reason.is_some() {
        let native = choice.map_or(&Native::NONE, |choice| &choice.native);
        body.insert("stopReason".to_owned(), finish::write(reason, native).into());
    }
    if let Some(usage) = answer.usage.as_ref().or((!own).then_some(llm_core::Usage::NONE)) {
        body.insert("usage".to_owned(), usage::write(usage).into());
    }
    Bytes::from(Value::Object(body).to_string())
}

fn take(object: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match object.shift_remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}
