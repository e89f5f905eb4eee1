//! The way for bytes that need no translation: it changes only what it should, and sees the same usage.

use bytes::Bytes;
use llm_core::codec::{Edits, Verdict};
use serde_json::Value;

use super::stream::Event;
use super::{Case, Outcome, Promise, compare_usage};
use crate::exchange::Asked;
use crate::json;
use crate::reading::Reading;

pub(super) fn request(case: &Case<'_>, asked: &Asked, body: &Value, outcome: &mut Outcome) {
    let Some(passthrough) = case.codec.passthrough() else { return };
    let bytes = Bytes::from(body.to_string());
    let mut found = Vec::new();
    match passthrough.skim(&asked.head(), &bytes) {
        Err(error) => found.push(format!("can't be looked at: {error:?}")),
        Ok(skim) => {
            if skim.model != case.exchange.model() {
                found.push(format!("model seen is `{}`, want `{}`", skim.model, case.exchange.model()));
            }
            let messages = ["messages", "contents"].into_iter().find_map(|name| body.get(name)?.as_array());
            let messages = messages.map_or(0, Vec::len) as u64;
            if skim.messages < messages {
                found.push(format!("{} messages seen, want at least {messages}", skim.messages));
            }
        }
    }
    match passthrough.edit(&bytes, &Edits::default()) {
        Err(error) => found.push(format!("can't pass unchanged: {error:?}")),
        Ok(same) if same != bytes => found.push("no edits, and yet the bytes differ".to_owned()),
        Ok(_) => {}
    }
    if case.exchange.names_model_in_path() {
        // It is not the body's to say.
        return outcome.note(Promise::Passing, found);
    }
    let edits = Edits { model: Some("another \"model\"".to_owned()), ..Edits::default() };
    match passthrough.edit(&bytes, &edits).map(|edited| serde_json::from_slice::<Value>(&edited)) {
        Err(error) => found.push(format!("the model can't be edited: {error:?}")),
        Ok(Err(error)) => found.push(format!("with the model edited it is no JSON: {error}")),
        Ok(Ok(edited)) => {
            let mut want = body.clone();
            want["model"] = Value::from("another \"model\"");
            found.extend(json::differences(&want, &edited));
        }
    }
    outcome.note(Promise::Passing, found);
}

pub(super) fn answer(case: &Case<'_>, body: &[u8], said: &Reading, outcome: &mut Outcome) {
    let Some(passthrough) = case.codec.passthrough() else { return };
    let seen = passthrough.observe(body);
    let mut found = compare_usage(said.usage.as_ref(), seen.usage.as_ref());
    if !seen.complete {
        found.push("a whole answer is not seen as complete".to_owned());
    }
    outcome.note(Promise::Passing, found);
}

/// `whole`: the stream came to its protocol's own end.
pub(super) fn stream(case: &Case<'_>, events: &[Event], whole: bool, said: &Reading, outcome: &mut Outcome) {
    let Some(passthrough) = case.codec.passthrough() else { return };
    let mut found = Vec::new();
    let mut open = passthrough.observe_stream(false);
    let mut hiding = passthrough.observe_stream(true);
    for (place, event) in events.iter().enumerate() {
        if open.frame(&event.frame()) != Verdict::Forward {
            found.push(format!("event {place} does not pass though nothing is to be hidden"));
        }
        if hiding.frame(&event.frame()) == Verdict::Drop && !event.is_only_usage() {
            found.push(format!("event {place} is hidden though it is more than usage: {event}"));
        }
    }
    for (name, observer) in [("open", &open), ("hiding", &hiding)] {
        let seen = observer.observed();
        found.extend(
            compare_usage(said.usage.as_ref(), seen.usage.as_ref()).into_iter().map(|what| format!("{name}: {what}")),
        );
        // Where only the end of the connection ends a stream, nothing more can be said.
        let ended = seen.complete || (seen.finished && case.codec.protocol() == llm_core::Protocol::Gemini);
        if whole && !ended {
            found.push(format!("{name}: a whole stream is not seen as complete"));
        }
    }
    if said.choices.values().any(|choice| !choice.text.is_empty()) && open.observed().content_chunks == 0 {
        found.push("no chunk with content was seen".to_owned());
    }
    outcome.note(Promise::Passing, found);
}
