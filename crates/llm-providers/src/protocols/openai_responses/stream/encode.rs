//! Chunks in, events out.

use llm_core::chat::{ChatChunk, ChunkChoice, FinishReason};
use llm_core::codec::{AnswerContext, Chat, Grouped, StreamEncoder, Trailer};
use llm_core::{Error, Result, Usage};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::{EVENT, PROTOCOL, error, finish, groups, shell, usage};
use super::items::{Items, Sink};
use super::{DONE, NAME};
use crate::protocols::openai_chat::tier;

/// Writes the events of one answer. Chunks of this protocol become the events that they came from; of others, those
/// that the official SDKs need.
#[derive(Debug)]
pub(in super::super) struct Encoder {
    cx: AnswerContext,
    items: Items,
    model: String,
    sequence: u64,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
    service_tier: Option<String>,
    started: bool,
    /// Whether nothing may follow.
    over: bool,
}

impl Encoder {
    pub(in super::super) fn new(cx: AnswerContext) -> Self {
        Self {
            items: Items::new(&cx.id_seed),
            cx,
            model: String::new(),
            sequence: 0,
            reason: None,
            usage: None,
            service_tier: None,
            started: false,
            over: false,
        }
    }

    /// The event as it came, with its text put back.
    fn again(&mut self, chunk: &ChatChunk, kept: &Map<String, Value>, out: &mut Vec<u8>) {
        self.started = true;
        let typed = kept.get("type").and_then(Value::as_str);
        let named = chunk.native.get(PROTOCOL, NAME).and_then(Value::as_str);
        let kind = typed.or(named).unwrap_or_default();
        self.over |=
            matches!(kind, "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled");
        if let Some(number) = kept.get("sequence_number").and_then(Value::as_u64) {
            self.sequence = number + 1;
        }
        let name = named.unwrap_or(kind);
        let piece = chunk.choices.last().and_then(piece_of);
        let Some(text) = piece.filter(|_| kind.ends_with(".delta") && !kept.contains_key("delta")) else {
            return write(out, name, kept);
        };
        let mut event = kept.clone();
        event.insert("delta".to_owned(), json!(text));
        write(out, name, &event);
    }

    fn start(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.started = true;
        if let Some(model) = &chunk.model {
            self.model.clone_from(model);
        }
        let response = Value::Object(shell::begun(&self.cx, &self.model));
        let mut wire = Wire { out, sequence: &mut self.sequence, grouped: &self.cx.grouped };
        wire.event("response.created", json!({"response": response}));
        wire.event("response.in_progress", json!({"response": response}));
    }

    fn take(&mut self, choice: &ChunkChoice, out: &mut Vec<u8>) {
        let logprobs = choice.logprobs.as_ref().and_then(|logprobs| logprobs.get("content"));
        let mut logprobs = logprobs.filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
        let mut wire = Wire { out, sequence: &mut self.sequence, grouped: &self.cx.grouped };
        for delta in &choice.deltas {
            let says = matches!(delta.change, llm_core::chat::Change::Text(_));
            self.items.take(delta, if says { logprobs.take() } else { None }, &mut wire);
        }
        if choice.finish_reason.is_some() {
            self.reason.clone_from(&choice.finish_reason);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let mut wire = Wire { out, sequence: &mut self.sequence, grouped: &self.cx.grouped };
        self.items.finish(&mut wire);
        let mut response = shell::begun(&self.cx, &self.model);
        let mut output = self.items.whole();
        output.iter_mut().for_each(|item| groups::regroup(item, &self.cx.grouped));
        finish::write(self.reason.as_ref(), &output, &mut response);
        response.insert("output".to_owned(), Value::Array(output));
        response.insert("usage".to_owned(), usage::write(self.usage.as_ref().unwrap_or(Usage::NONE)));
        if let Some(tier) = self.service_tier.as_deref().and_then(tier::of_answer) {
            response.insert("service_tier".to_owned(), json!(tier));
        }
        let kind = match response.get("status").and_then(Value::as_str) {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        wire.event(kind, json!({"response": response}));
    }
}

/// The text of the piece that a chunk of this protocol carries.
fn piece_of(choice: &ChunkChoice) -> Option<&str> {
    use llm_core::chat::Change::{Arguments, Reasoning, Refusal, Text};
    match &choice.deltas.last()?.change {
        Text(text) | Refusal(text) | Reasoning(text) | Arguments(text) => Some(text),
        _ => None,
    }
}

impl StreamEncoder<Chat> for Encoder {
    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        if let Some(Value::Object(kept)) = chunk.native.get(PROTOCOL, EVENT) {
            self.again(chunk, kept, out);
            return Ok(());
        }
        if chunk.native.get(PROTOCOL, DONE).is_some() {
            out.extend_from_slice(b"data: [DONE]\n\n");
            return Ok(());
        }
        let says_something = chunk.id.is_some() || chunk.model.is_some() || !chunk.choices.is_empty();
        if !self.started && says_something {
            self.start(chunk, out);
        }
        if chunk.choices.iter().any(|choice| choice.index != 0) {
            return Err(Error::unsupported("n", format_args!("`{PROTOCOL}`"), "it has one answer a call"));
        }
        for choice in &chunk.choices {
            self.take(choice, out);
        }
        if chunk.usage.is_some() {
            self.usage.clone_from(&chunk.usage);
        }
        if chunk.service_tier.is_some() {
            self.service_tier.clone_from(&chunk.service_tier);
        }
        Ok(())
    }

    fn finish(&mut self, _trailer: &Trailer, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if !self.started {
            self.start(&ChatChunk::default(), out);
        }
        self.end(out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.over = true;
        write(out, "error", &error::event(error, self.sequence));
    }
}

/// Numbers events and writes them.
struct Wire<'w> {
    out: &'w mut Vec<u8>,
    sequence: &'w mut u64,
    grouped: &'w Grouped,
}

impl Wire<'_> {
    fn number(&mut self) -> u64 {
        let number = *self.sequence;
        *self.sequence += 1;
        number
    }
}

#[derive(Serialize)]
struct TextEvent<'a> {
    r#type: &'static str,
    sequence_number: u64,
    item_id: &'a str,
    output_index: usize,
    content_index: usize,
    delta: &'a str,
    logprobs: &'a [Value],
}

impl Sink for Wire<'_> {
    fn event(&mut self, kind: &str, mut event: Value) {
        groups::regroup(&mut event, self.grouped);
        if let Some(item) = event.get_mut("item") {
            groups::regroup(item, self.grouped);
        }
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.number());
        write(self.out, kind, &event);
    }

    fn text(&mut self, item: &str, output: usize, content: usize, text: &str, logprobs: Option<&Value>) {
        let kind = "response.output_text.delta";
        let logprobs = logprobs.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let event = TextEvent {
            r#type: kind,
            sequence_number: self.number(),
            item_id: item,
            output_index: output,
            content_index: content,
            delta: text,
            logprobs,
        };
        write(self.out, kind, &event);
    }
}

/// One event on the wire, with its name unless that is empty.
fn write(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    let before = out.len();
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|byte| !byte.is_ascii_control()));
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    if serde_json::to_writer(&mut *out, data).is_err() {
        // Maps with text keys can't fail; half an event must not stay.
        out.truncate(before);
        return;
    }
    out.extend_from_slice(b"\n\n");
}
