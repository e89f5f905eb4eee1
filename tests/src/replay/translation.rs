//! An answer said in every other protocol says the same there, and its stream is one that SDKs accept.

use std::collections::BTreeMap;

use llm_core::chat::{ChatAnswer, ChatChunk};
use llm_core::codec::{ChatProtocol, Trailer};
use llm_core::{Error, Meter, Protocol};
use llm_providers::protocols;
use serde_json::Value;

use super::stream::{Event, events_of};
use super::{Case, Outcome, Promise, compare_calls};
use crate::reading::{self, Reading};
use crate::{grammar, json};

/// The protocols in which applications speak to us.
const CALLERS: &[Protocol] =
    &[Protocol::OpenAiChat, Protocol::OpenAiResponses, Protocol::Anthropic, Protocol::Gemini, Protocol::Native];

fn others(case: &Case<'_>) -> impl Iterator<Item = &'static dyn ChatProtocol> {
    let own = case.codec.protocol();
    CALLERS.iter().filter(move |protocol| **protocol != own).filter_map(|protocol| protocols::chat(*protocol))
}

pub(super) fn answer(case: &Case<'_>, answer: &ChatAnswer, said: Option<&Reading>, outcome: &mut Outcome) {
    for codec in others(case) {
        let name = codec.protocol();
        let mut tell = |found: Vec<String>| {
            let found = found.into_iter().map(|what| format!("answer as {name}: {what}")).collect();
            outcome.note(Promise::Translation, found);
        };
        let body = match codec.encode_answer(&case.answer_context(false), answer) {
            Ok(body) => body,
            Err(_) if answer.choices.len() > 1 => continue,
            Err(error) => {
                tell(vec![format!("{error:?}")]);
                continue;
            }
        };
        let value = match serde_json::from_slice(&body) {
            Ok(value) => value,
            Err(error) => {
                tell(vec![format!("is not JSON: {error}")]);
                continue;
            }
        };
        match (said, reading::whole(name, &value)) {
            (Some(said), Some(ours)) => tell(same(case, said, &ours)),
            (_, None) if name == Protocol::Native => tell(
                match codec.decode_answer(&case.decode_context(), &llm_core::codec::ResponseHead::default(), &body) {
                    Ok(again) if again == *answer => Vec::new(),
                    Ok(_) => vec!["is not the same when it is read again".to_owned()],
                    Err(error) => vec![format!("can't be read again: {error:?}")],
                },
            ),
            _ => tell(Vec::new()),
        }
    }
}

pub(super) fn stream(case: &Case<'_>, chunks: &[ChatChunk], said: Option<&Reading>, outcome: &mut Outcome) {
    let several = said.is_some_and(|said| said.choices.len() > 1);
    for codec in others(case) {
        let name = codec.protocol();
        let found = match write(case, codec, chunks) {
            Ok(events) => {
                let mut found = grammar::check(name, &events);
                let values: Vec<_> = events.iter().map(Event::value).collect();
                if let (Some(said), Some(ours)) = (said, reading::stream(name, &values)) {
                    found.extend(same(case, said, &ours));
                }
                if name == Protocol::Native {
                    found.extend(read_again(case, codec, &events, chunks));
                }
                found
            }
            Err(_) if several => Vec::new(),
            Err(error) => vec![format!("{error:?}")],
        };
        let found = found.into_iter().map(|what| format!("stream as {name}: {what}")).collect();
        outcome.note(Promise::Translation, found);
    }
}

fn write(case: &Case<'_>, codec: &dyn ChatProtocol, chunks: &[ChatChunk]) -> Result<Vec<Event>, Error> {
    let mut encoder = codec.encode_stream(&case.answer_context(true));
    let mut written = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut written)?;
    }
    encoder.finish(&Trailer::default(), &mut written);
    events_of(encoder.content_type(), &written, written.len())
}

fn read_again(case: &Case<'_>, codec: &dyn ChatProtocol, events: &[Event], want: &[ChatChunk]) -> Vec<String> {
    let mut decoder = codec.decode_stream(&case.decode_context());
    let mut chunks = Vec::new();
    let read = events.iter().try_for_each(|event| decoder.decode(&event.frame(), &mut chunks));
    match read.and_then(|()| decoder.finish(&mut chunks)) {
        Ok(()) if chunks == want => Vec::new(),
        Ok(()) => vec!["chunks are not the same when they are read again".to_owned()],
        Err(error) => vec![format!("can't be read again: {error:?}")],
    }
}

/// The first choice's text and calls, and the tokens in sum: protocols split usage differently.
fn same(case: &Case<'_>, want: &Reading, got: &Reading) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(choice) = want.choices.get(&0) {
        let ours = got.choices.get(&0).cloned().unwrap_or_default();
        // A protocol without a place for a refusal says it as text.
        let is_same = ours.text == choice.text || ours.text == format!("{}{}", choice.text, choice.refusal);
        if !is_same && !case.quirks.think_tags {
            let (want, got) = (choice.text.as_str().into(), ours.text.as_str().into());
            found.push(format!("text is {}, want {}", json::short(&got), json::short(&want)));
        }
        let mut calls = ours.calls;
        // Arguments that are no JSON object can't be said where an object must stand; that they are kept in some form
        // is for the codec's own tests.
        for (call, said) in calls.iter_mut().zip(&choice.calls) {
            if !said.arguments.is_empty()
                && !serde_json::from_str::<Value>(&said.arguments).is_ok_and(|v| v.is_object())
            {
                call.arguments.clone_from(&said.arguments);
            }
        }
        found.extend(compare_calls(&choice.calls, &calls));
    }
    let sum = |usage: &BTreeMap<Meter, u64>| usage.values().sum::<u64>();
    if let Some(want) = &want.usage
        && got.usage.as_ref().map(sum) != Some(sum(want))
    {
        found.push(format!("usage is {:?}, want the same sum as {want:?}", got.usage));
    }
    found
}
