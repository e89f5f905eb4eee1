//! A recorded stream, understood as a client would and said again as a server would.

use llm_core::ChatAccumulator;
use llm_core::chat::ChatChunk;
use llm_core::codec::{Frame, Trailer};
use llm_core::{Error, ErrorKind, Protocol};
use llm_providers::framing::{Framer, JsonArrayFramer, drain, for_content_type};
use serde_json::Value;

use super::{Case, Outcome, Promise, compare_reading, native, passing, translation};
use crate::exchange::Answered;
use crate::{json, reading};

/// A frame that stands by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The event's name; empty where it has none.
    pub name: String,
    /// The payload.
    pub data: Vec<u8>,
    /// Whether the framing says that it is an error.
    pub is_error: bool,
}

impl Event {
    /// The event as a codec wants it.
    pub fn frame(&self) -> Frame<'_> {
        Frame { event: &self.name, data: &self.data, is_error: self.is_error }
    }

    /// The payload as JSON; a text of it where it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.data).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&self.data)))
    }

    /// Whether this is OpenAI's last chunk, which carries usage and no choice.
    pub(super) fn is_only_usage(&self) -> bool {
        let value = self.value();
        value.get("usage").is_some_and(Value::is_object)
            && value.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty)
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&json::short(&self.value()))
    }
}

/// The framing of a stream. Gemini's come as one JSON array where server-sent events were not asked for.
fn framer(content_type: &str) -> Option<Box<dyn Framer>> {
    if content_type.starts_with("application/json") {
        return Some(Box::<JsonArrayFramer>::default());
    }
    for_content_type(Some(content_type))
}

/// Cuts a body into events, its bytes delivered `step` at a time. Comments are left out.
pub fn events_of(content_type: &str, body: &[u8], step: usize) -> Result<Vec<Event>, Error> {
    let mut framer =
        framer(content_type).ok_or_else(|| Error::bad_answer(format!("no framing for `{content_type}`")))?;
    let mut events = Vec::new();
    for piece in body.chunks(step.max(1)) {
        framer.push(piece);
        while let Some(raw) = framer.next_frame()? {
            keep(&raw.frame, &mut events);
        }
    }
    while let Some(last) = framer.finish()? {
        keep(&last.frame, &mut events);
    }
    Ok(events)
}

fn keep(frame: &Frame<'_>, events: &mut Vec<Event>) {
    if !frame.data.is_empty() {
        events.push(Event { name: frame.event.to_owned(), data: frame.data.to_vec(), is_error: frame.is_error });
    }
}

/// The chunks of a stream, and the error that it ended with.
pub(super) fn decode(case: &Case<'_>, events: &[Event]) -> (Vec<ChatChunk>, Option<(usize, Error)>) {
    let mut decoder = case.codec.decode_stream(&case.decode_context());
    let mut chunks = Vec::new();
    for (place, event) in events.iter().enumerate() {
        if let Err(error) = decoder.decode(&event.frame(), &mut chunks) {
            return (chunks, Some((place, error)));
        }
    }
    let end = decoder.finish(&mut chunks).err().map(|error| (events.len(), error));
    (chunks, end)
}

pub(super) fn replay(case: &Case<'_>, answered: &Answered, raw: &[u8], outcome: &mut Outcome) {
    let events = match events_of(answered.content_type(), raw, raw.len()) {
        Ok(events) => events,
        Err(error) => return outcome.fail(Promise::Stream, format!("can't be framed: {error:?}")),
    };
    let (chunks, end) = decode(case, &events);
    let said_failure = |place: usize| events.get(place).is_some_and(is_failure);
    match &end {
        Some((place, error)) if !said_failure(*place) => {
            outcome.fail(Promise::Stream, format!("can't be read at event {place} of {}: {error:?}", events.len()));
        }
        _ => {}
    }
    outcome.note(Promise::Stream, written_again(case, &events, &chunks, end.as_ref()));
    if !case.brief {
        cuts(case, answered, raw, &chunks, outcome);
    }
    chunks.iter().for_each(|chunk| native::round_trip("chunk", chunk, outcome));

    let mut sum = ChatAccumulator::new(&case.exchange.provider);
    chunks.iter().for_each(|chunk| sum.push(chunk));
    let values: Vec<Value> = events.iter().map(Event::value).collect();
    let said = reading::stream(case.codec.protocol(), &values);
    if let Some(said) = &said {
        compare_reading(case, said, sum.answer(), outcome);
        passing::stream(case, &events, is_whole(case.codec.protocol(), &events), said, outcome);
    }
    if end.is_none() && !case.brief {
        native::round_trip("accumulated answer", sum.answer(), outcome);
        translation::answer(case, sum.answer(), said.as_ref(), outcome);
        translation::stream(case, &chunks, said.as_ref(), outcome);
    }
}

/// Whether the stream has its protocol's own end mark.
fn is_whole(protocol: Protocol, events: &[Event]) -> bool {
    let Some(last) = events.last() else { return false };
    match protocol {
        Protocol::OpenAiChat | Protocol::Mistral => last.data == b"[DONE]",
        Protocol::Cohere => last.data == b"[DONE]" || last.value()["type"] == "message-end",
        Protocol::OpenAiResponses => {
            let ends = ["response.completed", "response.incomplete"];
            last.data == b"[DONE]" || ends.iter().any(|end| last.value()["type"] == *end)
        }
        Protocol::Anthropic => last.value()["type"] == "message_stop",
        Protocol::Ollama => last.value()["done"] == true,
        Protocol::Bedrock => last.name == "metadata",
        Protocol::Gemini => has_finished(events),
        _ => true,
    }
}

/// Whether every candidate that was met has said why it ended.
fn has_finished(events: &[Event]) -> bool {
    let values: Vec<Value> = events.iter().map(Event::value).collect();
    let is_blocked =
        |event: &Value| event.pointer("/promptFeedback/blockReason").is_some_and(|reason| !reason.is_null());
    let said = reading::stream(Protocol::Gemini, &values).unwrap_or_default();
    match said.choices.is_empty() {
        true => values.iter().any(is_blocked),
        false => said.choices.values().all(|choice| choice.finish.is_some()),
    }
}

fn is_failure(event: &Event) -> bool {
    let value = event.value();
    event.is_error
        || event.name == "error"
        || value["type"] == "error"
        || value["type"] == "response.failed"
        || value.get("error").is_some_and(|e| !e.is_null())
}

/// The chunks written again are the same events, in order, the end mark included.
fn written_again(case: &Case<'_>, events: &[Event], chunks: &[ChatChunk], end: Option<&(usize, Error)>) -> Vec<String> {
    let cx = case.answer_context(true);
    let mut encoder = case.codec.encode_stream(&cx);
    let mut written = Vec::new();
    for chunk in chunks {
        if let Err(error) = encoder.encode(chunk, &mut written) {
            return vec![format!("can't be written: {error:?}")];
        }
    }
    match end {
        None => encoder.finish(&Trailer::default(), &mut written),
        Some((_, error)) => encoder.error(error, &mut written),
    }
    let ours = match events_of(encoder.content_type(), &written, written.len()) {
        Ok(ours) => ours,
        Err(error) => return vec![format!("what was written can't be framed: {error:?}")],
    };
    let mut found = Vec::new();
    let mut want = events.len();
    if let Some((place, error)) = end {
        // From a failure on, events are the encoder's own: one that names the error.
        want = *place;
        if !ours.iter().skip(want).any(|event| event.is_error || event.to_string().contains("error")) {
            found.push(format!("the failure is not told: {error:?}"));
        }
    } else if case.quirks.no_done && ours.len() == want + 1 {
        // The provider leaves its end mark out; our callers get theirs.
    } else if ours.len() != want {
        found.push(format!("{} events, want {want}", ours.len()));
    }
    for (place, (theirs, ours)) in events.iter().take(want).zip(&ours).enumerate() {
        if theirs.name != ours.name {
            found.push(format!("event {place} is named `{}`, want `{}`", ours.name, theirs.name));
        }
        let differs = json::differences(&theirs.value(), &ours.value());
        found.extend(differs.into_iter().map(|what| format!("event {place}: {what}")));
    }
    found
}

/// Reads a body as the client does, its bytes delivered `step` at a time; the error that it ended with.
fn read_body(case: &Case<'_>, content_type: &str, body: &[u8], step: usize) -> (Vec<ChatChunk>, Option<Error>) {
    let mut chunks = Vec::new();
    let mut read = || -> Result<(), Error> {
        let mut framer = framer(content_type).ok_or_else(|| Error::bad_answer("no framing"))?;
        let mut decoder = case.codec.decode_stream(&case.decode_context());
        for piece in body.chunks(step.max(1)) {
            framer.push(piece);
            while let Some(raw) = framer.next_frame()? {
                decoder.decode(&raw.frame, &mut chunks)?;
            }
        }
        drain(framer.as_mut(), |raw| decoder.decode(&raw.frame, &mut chunks))?;
        decoder.finish(&mut chunks)
    };
    let error = read().err();
    (chunks, error)
}

fn cuts(case: &Case<'_>, answered: &Answered, raw: &[u8], want: &[ChatChunk], outcome: &mut Outcome) {
    for step in [1, 7] {
        let (chunks, _) = read_body(case, answered.content_type(), raw, step);
        if chunks == want {
            outcome.note(Promise::Cuts, Vec::new());
        } else {
            outcome.fail(Promise::Cuts, format!("pieces of {step} bytes give other chunks"));
        }
    }
    // Long recordings are cut at some places only; the repository's own exchanges are short.
    let stride = (raw.len() / 400).max(1);
    for end in (0..raw.len()).step_by(stride) {
        let body = &raw[..end];
        let (_, error) = read_body(case, answered.content_type(), body, end);
        let left = events_of(answered.content_type(), body, end).unwrap_or_default();
        let may_be_whole = case.quirks.no_done || is_whole(case.codec.protocol(), &left);
        match error {
            None if may_be_whole => {}
            None => return outcome.fail(Promise::Cuts, format!("cut after {end} bytes, and yet it looks whole")),
            Some(error) if error.kind() == ErrorKind::Cut || left.iter().any(is_failure) => {}
            Some(error) => return outcome.fail(Promise::Cuts, format!("cut after {end} bytes: {error:?}")),
        }
    }
}
