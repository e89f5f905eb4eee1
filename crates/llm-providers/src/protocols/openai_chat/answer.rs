//! Whole answers, read from providers and written to callers.

use bytes::Bytes;
use http::StatusCode;
use llm_core::chat::{ChatAnswer, Choice, Content, Media, MediaKind, MediaSource, Message, Part, Role};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::message::sources::Sources;
use super::message::{calls, citations, images, parts, reasoning, think};
use super::{PROTOCOL, error, finish, tier, usage};

/// Reads a whole answer.
pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(error::unreadable(head, body));
    };
    // Some hosts answer 200 and say in the body that they failed.
    if members.get("error").is_some_and(|error| !error.is_null()) && !members.contains_key("choices") {
        return Err(error::from_body(cx, None, &members, body));
    }
    let mut fields = Fields::new(members);
    let Some(list) = fields.take_list("choices") else {
        return Err(Error::bad_answer("the provider's answer has no `choices`").with_body(Bytes::copy_from_slice(body)));
    };
    let mut choices: Vec<Choice> = match list.iter().all(Value::is_object) {
        true if !list.is_empty() => {
            (0u32..).zip(list).map(|(place, value)| choice(cx, place, value)).collect::<Result<_>>()?
        }
        _ => {
            fields.put("choices", Value::Array(list));
            Vec::new()
        }
    };
    if let Some(choice) = choices.first_mut() {
        let mut sources = Sources::default();
        sources.cited_by(&choice.message.parts);
        sources.look(&fields);
        parts::cite(&mut choice.message.parts, sources.take());
    }
    Ok(ChatAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        created: fields.take_i64("created"),
        choices,
        usage: fields.take_object("usage").map(|members| usage::read(members.into_members())),
        service_tier: fields.take_nonempty("service_tier"),
        dropped_params: Vec::new(),
        emulated_params: Vec::new(),
        call: None,
        native: fields.into_native(PROTOCOL),
    })
}

fn choice(cx: &DecodeContext, place: u32, value: Value) -> Result<Choice> {
    let mut fields = Fields::at("choices", value)?;
    // The index stays, to tell an absent one from a stated one.
    let index =
        fields.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok()).unwrap_or(place);
    let message = match fields.take_object("message") {
        Some(message) => read_message(cx, index, message),
        None => Message::new(Role::Assistant, Vec::new()),
    };
    Ok(Choice {
        index,
        message,
        finish_reason: finish::take(&mut fields),
        logprobs: fields.take_object("logprobs").map(|logprobs| Value::Object(logprobs.into_members())),
        native: fields.into_native(PROTOCOL),
    })
}

fn read_message(cx: &DecodeContext, choice: u32, mut fields: Fields) -> Message {
    let role = fields.text("role").map_or(Role::Assistant, Role::from);
    let mut all = reasoning::take(&mut fields, cx.reasoning_field.as_deref(), Some(&cx.provider));
    if let Some(text) = fields.take_nonempty("content") {
        match think::split(&text).filter(|_| cx.think_tags) {
            Some((thoughts, rest)) => {
                all.push(think::part(thoughts, &cx.provider));
                all.push(Part::text(rest));
            }
            None => all.push(Part::text(text)),
        }
    } else if let Some(list) = fields.take_list("content") {
        fields.put("content", json!([]));
        all.extend(list.into_iter().map(|value| parts::read_answer(value, &cx.provider)));
    }
    if all.iter().any(|part| part.as_text().is_some()) {
        let cited = citations::take(&mut fields);
        parts::cite(&mut all, cited);
    }
    if let Some(text) = fields.take_nonempty("refusal") {
        all.push(Content::Refusal { text }.into());
    }
    all.extend(images::take(&mut fields));
    all.extend(audio(&mut fields));
    all.extend(calls::take(&mut fields, &cx.id_seed, choice));
    Message { role, parts: all, name: None, native: fields.into_native(PROTOCOL) }
}

/// Sound that the model made. Its id, transcript and expiry stay in the part's native under `audio`.
fn audio(message: &mut Fields) -> Option<Part> {
    message.get("audio")?.get("data")?.as_str().filter(|data| !data.is_empty())?;
    let mut audio = message.take_object("audio")?;
    let source = MediaSource::Base64 { media_type: "audio/*".to_owned(), data: audio.take_text("data")? };
    let mut part = Part::from(Media::new(MediaKind::Audio, source));
    part.native.insert(PROTOCOL, "audio", Value::Object(audio.into_members()));
    Some(part)
}

/// Writes a whole answer: as it was where it came in this protocol, else in the full form of OpenAI's SDKs.
pub(super) fn encode(cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
    let mut out = answer.native.object(PROTOCOL);
    // An answer that was put together from chunks is whole now.
    let own = answer.native.is_from(PROTOCOL) && !was_streamed(&out);
    if !own {
        complete(cx, answer, &mut out);
    }
    if !answer.id.is_empty() {
        out.insert("id".to_owned(), json!(answer.id));
    }
    if !answer.model.is_empty() {
        out.insert("model".to_owned(), json!(answer.model));
    }
    if let Some(created) = answer.created {
        out.insert("created".to_owned(), json!(created));
    }
    if !answer.choices.is_empty() {
        out.insert("choices".to_owned(), answer.choices.iter().map(|choice| write_choice(choice, own)).collect());
    }
    if let Some(used) = &answer.usage {
        out.insert("usage".to_owned(), usage::write(used));
    }
    let (tier, said_here) = (answer.service_tier.as_deref(), answer.native.is_from(PROTOCOL));
    if let Some(tier) = tier.and_then(|tier| if said_here { Some(tier) } else { tier::of_answer(tier) }) {
        out.insert("service_tier".to_owned(), json!(tier));
    }
    serde_json::to_vec(&out)
        .map(Bytes::from)
        .map_err(|error| Error::new(ErrorKind::Internal, "the answer can't be written").with_source(error))
}

fn was_streamed(members: &Map<String, Value>) -> bool {
    let object = members.get("object").and_then(Value::as_str);
    object.is_some_and(|object| matches!(object, "chat.completion.chunk" | "chat.completion.done"))
}

/// The members that SDKs need, for an answer that did not come in this protocol.
fn complete(cx: &AnswerContext, answer: &ChatAnswer, out: &mut Map<String, Value>) {
    for of_chunks in ["obfuscation", "usage", "choices"] {
        out.remove(of_chunks);
    }
    out.insert("id".to_owned(), json!(format!("chatcmpl-{}", cx.id_seed)));
    out.insert("object".to_owned(), json!("chat.completion"));
    out.insert("created".to_owned(), json!(cx.created));
    out.insert("model".to_owned(), json!(cx.model));
    if answer.choices.is_empty() {
        out.insert("choices".to_owned(), json!([]));
    }
}

fn write_choice(choice: &Choice, whole_is_own: bool) -> Value {
    let own = whole_is_own && choice.native.is_from(PROTOCOL);
    let mut out = choice.native.object(PROTOCOL);
    if !own {
        out.remove("delta");
    }
    if !own || out.contains_key("index") {
        out.insert("index".to_owned(), json!(choice.index));
    }
    let lacks_message = own && choice.message.native.is_none() && choice.message.parts.is_empty();
    if !lacks_message {
        out.insert("message".to_owned(), write_message(&choice.message));
    }
    if let Some(logprobs) = &choice.logprobs {
        out.insert("logprobs".to_owned(), logprobs.clone());
    } else if !own {
        out.insert("logprobs".to_owned(), Value::Null);
    }
    let came_here = choice.native.is_from(PROTOCOL);
    match &choice.finish_reason {
        Some(reason) if came_here => {
            let word = finish::spelled(reason, out.get("finish_reason")).to_owned();
            out.insert("finish_reason".to_owned(), json!(word));
        }
        None if own => {}
        reason => {
            let has_calls = choice.message.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
            out.insert("finish_reason".to_owned(), json!(finish::canonical(reason.as_ref(), has_calls)));
        }
    }
    Value::Object(out)
}

fn write_message(message: &Message) -> Value {
    let own = message.native.is_from(PROTOCOL);
    let mut out = message.native.object(PROTOCOL);
    if !own || out.contains_key("role") {
        out.insert("role".to_owned(), json!(message.role));
    }
    parts::write_answer_content(&message.parts, own, &mut out);
    let refusal: String = message.parts.iter().filter_map(refusal_member).collect();
    if !refusal.is_empty() {
        out.insert("refusal".to_owned(), json!(refusal));
    } else if !own {
        out.insert("refusal".to_owned(), Value::Null);
    }
    citations::write_all(&message.parts, &mut out);
    reasoning::write_answer(&message.parts, &mut out);
    images::write_all(&message.parts, &mut out);
    if let Some((shape, data)) = message.parts.iter().find_map(spoken) {
        let mut audio = shape.clone();
        audio.insert("data".to_owned(), json!(data));
        out.insert("audio".to_owned(), Value::Object(audio));
    }
    calls::write_all(&message.parts, &mut out);
    Value::Object(out)
}

fn refusal_member(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Refusal { text } if !parts::is_listed(part) => Some(text),
        _ => None,
    }
}

/// Sound that came in this protocol: what is left of its object, and its data.
pub(super) fn spoken(part: &Part) -> Option<(&Map<String, Value>, &str)> {
    let Content::Media(Media { kind: MediaKind::Audio, source: MediaSource::Base64 { data, .. }, .. }) = &part.content
    else {
        return None;
    };
    Some((part.native.get(PROTOCOL, "audio")?.as_object()?, data))
}

/// What an odd status in a body of 200 means.
pub(super) fn status_of(code: Option<&Value>) -> Option<StatusCode> {
    let code = code?.as_u64().and_then(|code| u16::try_from(code).ok())?;
    StatusCode::from_u16(code).ok().filter(|status| status.is_client_error() || status.is_server_error())
}

#[cfg(test)]
mod tests;
