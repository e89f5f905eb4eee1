//! Chunks in, events out.

use std::collections::BTreeMap;

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Citation, Content, Delta, FinishReason};
use llm_core::codec::{AnswerContext, Chat, StreamEncoder, Trailer};
use llm_core::{Error, Native, Part, Result, Usage};
use serde_json::{Map, Value, json};

use super::super::part::{self, PIECE, Parts};
use super::super::{ME, answer, candidate, error, finish, grounding, path};
use super::held::Held;

/// Writes the events of one answer. Chunks of this protocol become the events that they came from. Those of others
/// become events of what is new in them; what ends the answer stands in the last.
#[derive(Debug)]
pub(crate) struct Encoder {
    cx: AnswerContext,
    /// Whether the caller wants server-sent events rather than one JSON array.
    events: bool,
    /// Whether an event stands on the wire.
    begun: bool,
    /// Whether chunks of another protocol came, whose end is still to be said.
    translated: bool,
    choices: BTreeMap<u32, State>,
    /// Id, model and usage for the last event.
    last: ChatChunk,
    usage: Option<Usage>,
    over: bool,
}

/// What is known of one choice.
#[derive(Debug, Default)]
struct State {
    held: Held,
    reason: Option<FinishReason>,
    citations: Vec<Citation>,
    /// Whether the model declined in words.
    refuses: bool,
}

impl Encoder {
    pub(crate) fn new(cx: &AnswerContext) -> Self {
        Self {
            cx: cx.clone(),
            events: cx.form.as_deref() != Some(path::ARRAY),
            begun: false,
            translated: false,
            choices: BTreeMap::new(),
            last: ChatChunk::default(),
            usage: None,
            over: false,
        }
    }

    /// The event that an own chunk came from.
    fn again(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        let mut candidates = Vec::with_capacity(chunk.choices.len());
        for choice in &chunk.choices {
            let mut parts = Parts::default();
            choice.deltas.iter().for_each(|delta| said_again(delta, &mut parts));
            let reason = choice.finish_reason.as_ref();
            let outline = candidate::outline(&choice.native, choice.index, parts.finish(), reason, None);
            candidates.extend(outline.map(Value::from));
        }
        let event = answer::event(&self.cx, chunk, candidates);
        self.write(&event.into(), out);
    }

    /// An event of what is new in a chunk of another protocol.
    fn translate(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.translated = true;
        self.last.id = self.last.id.take().or_else(|| chunk.id.clone());
        self.last.model = self.last.model.take().or_else(|| chunk.model.clone());
        let mut candidates = Vec::new();
        for choice in &chunk.choices {
            let state = self.choices.entry(choice.index).or_default();
            let mut parts = Parts::default();
            state.take(choice, &mut parts);
            let parts = parts.finish();
            if !parts.is_empty() || choice.logprobs.is_some() {
                let logprobs = choice.logprobs.as_ref();
                let outline = candidate::outline(&Native::NONE, choice.index, parts, None, logprobs);
                candidates.extend(outline.map(Value::from));
            }
        }
        if !candidates.is_empty() {
            let event = answer::event(&self.cx, &self.last, candidates);
            self.write(&event.into(), out);
        }
    }

    /// The last event of an answer of another protocol.
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.choices.is_empty() {
            self.choices.insert(0, State::default());
        }
        let mut candidates = Vec::with_capacity(self.choices.len());
        for (index, mut state) in std::mem::take(&mut self.choices) {
            let mut parts = Parts::default();
            state.held.release(true, &mut parts);
            let mut parts = parts.finish();
            if parts.is_empty() {
                // As Google does. To its SDKs, a content without parts is none, and the whole turn not worth keeping.
                parts.push(json!({"text": ""}));
            }
            let reason = finish::with_refusal(state.reason.unwrap_or(FinishReason::Stop), state.refuses);
            let outline = candidate::outline(&Native::NONE, index, parts, Some(&reason), None);
            if let Some(mut outline) = outline {
                grounding::write(&state.citations.iter().collect::<Vec<_>>(), &mut outline);
                candidates.push(outline.into());
            }
        }
        self.last.usage = self.usage.take();
        let event = answer::event(&self.cx, &self.last, candidates);
        self.write(&event.into(), out);
    }

    fn write(&mut self, event: &Value, out: &mut Vec<u8>) {
        let first = !std::mem::replace(&mut self.begun, true);
        if self.events {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(event.to_string().as_bytes());
            out.extend_from_slice(b"\r\n\r\n");
        } else {
            out.extend_from_slice(if first { b"[" } else { b",\r\n" });
            out.extend_from_slice(event.to_string().as_bytes());
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        if !self.events {
            out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        }
    }
}

impl State {
    fn take(&mut self, choice: &ChunkChoice, parts: &mut Parts) {
        for delta in &choice.deltas {
            match &delta.change {
                Change::Refusal(text) if !text.is_empty() => {
                    self.refuses = true;
                    self.held.take(delta, parts);
                }
                Change::Citation(citation) => self.citations.push(citation.clone()),
                Change::Start(Part { content: Content::Refusal { text }, .. }) => {
                    self.refuses |= !text.is_empty();
                    self.held.take(delta, parts);
                }
                Change::Start(Part { content: Content::Text { citations, .. }, .. }) => {
                    self.citations.extend(citations.iter().cloned());
                    self.held.take(delta, parts);
                }
                _ => self.held.take(delta, parts),
            }
        }
        if choice.finish_reason.is_some() {
            self.reason.clone_from(&choice.finish_reason);
            self.held.release(true, parts);
        }
    }
}

/// The part that an own change came from.
fn said_again(delta: &Delta, out: &mut Parts) {
    if let Some(piece) = delta.native.get(ME, PIECE) {
        // Null is said by no event.
        if !piece.is_null() {
            out.push_value(piece.clone());
        }
        return;
    }
    let with_text = |text: &str| {
        let mut object = part::object(&delta.native);
        object.insert("text".to_owned(), text.into());
        object
    };
    match &delta.change {
        Change::Start(part) => part::answer(part, out),
        Change::Text(text) => out.push_value(with_text(text).into()),
        Change::Reasoning(text) => {
            let mut object: Map<String, Value> = with_text(text);
            object.insert("thought".to_owned(), true.into());
            out.push_value(object.into());
        }
        Change::Signature(signature) => out.hold(signature.clone()),
        _ => {}
    }
}

impl StreamEncoder<Chat> for Encoder {
    fn content_type(&self) -> &'static str {
        if self.events { "text/event-stream" } else { "application/json" }
    }

    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        if chunk.native.is_from(ME) {
            self.again(chunk, out);
        } else {
            self.translate(chunk, out);
        }
        if chunk.usage.is_some() {
            self.usage.clone_from(&chunk.usage);
        }
        Ok(())
    }

    fn finish(&mut self, _trailer: &Trailer, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if self.translated || !self.begun {
            self.end(out);
        }
        self.close(out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        self.write(&error::body(error), out);
        self.close(out);
    }
}
