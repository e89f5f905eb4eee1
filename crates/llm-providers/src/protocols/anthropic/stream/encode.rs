//! Chunks in, events out.

use llm_core::Native;
use llm_core::chat::{Change, ChatChunk, Content, Delta, FinishReason, MediaSource};
use llm_core::codec::{AnswerContext, Chat, StreamEncoder, Trailer};
use llm_core::{Error, Result, Usage};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::block::{self, DELTA, EVENT};
use super::super::finish::{self, Said};
use super::super::{ME, answer, error, usage};
use super::order::{Block, Kind, Order, Step};

/// Writes the events of one answer. Chunks of this protocol become the events that they came from; of others, those
/// that the official SDKs need.
#[derive(Debug)]
pub(crate) struct Encoder {
    order: Order,
    writer: Writer,
    reason: Option<FinishReason>,
    reason_native: Native,
    said: Said,
    usage: Option<Usage>,
    started: bool,
    /// Whether the stop reason stands on the wire.
    reasoned: bool,
    /// Whether nothing may follow.
    over: bool,
}

impl Encoder {
    pub(crate) fn new(cx: &AnswerContext) -> Self {
        Self {
            order: Order::default(),
            writer: Writer { cx: cx.clone(), blocks: 0, index: 0, next: 0 },
            reason: None,
            reason_native: Native::NONE,
            said: Said::default(),
            usage: None,
            started: false,
            reasoned: false,
            over: false,
        }
    }

    fn start(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) {
        self.started = true;
        let model = chunk.model.as_deref().unwrap_or_default();
        let mut message = answer::shell(&self.writer.cx, model);
        message.insert("usage".to_owned(), usage::write(chunk.usage.as_ref().unwrap_or(Usage::NONE)).into());
        event(out, "message_start", &json!({"type": "message_start", "message": message}));
    }

    /// The first event as it came.
    fn start_again(&mut self, chunk: &ChatChunk, first: &Map<String, Value>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let mut message = Map::new();
        for (name, id) in [("id", &chunk.id), ("model", &chunk.model)] {
            if let Some(id) = id {
                message.insert(name.to_owned(), id.as_str().into());
            }
        }
        for (name, value) in chunk.native.members(ME).into_iter().flatten() {
            if name != EVENT {
                message.insert(name.clone(), value.clone());
            }
        }
        if let Some(usage) = &chunk.usage {
            message.insert("usage".to_owned(), usage::write(usage).into());
        }
        let mut first = first.clone();
        first.insert("message".to_owned(), message.into());
        event(out, "message_start", &first);
    }

    /// The event with the stop reason as it came.
    fn end_again(&mut self, last: &Map<String, Value>, out: &mut Vec<u8>) {
        self.flush(out);
        self.reasoned = true;
        event(out, "message_delta", last);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.reasoned = true;
        let word = finish::write(self.reason.as_ref(), &self.reason_native, self.said);
        let mut counts = usage::write(self.usage.as_ref().unwrap_or(Usage::NONE));
        // The split by age is no member of this event.
        counts.remove("cache_creation");
        let delta = json!({"stop_reason": word, "stop_sequence": null});
        event(out, "message_delta", &json!({"type": "message_delta", "delta": delta, "usage": counts}));
    }

    fn take(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        if delta.native.get(ME, EVENT).is_some_and(Value::is_null) {
            // Said by no event.
            return;
        }
        if let Change::Start(part) = &delta.change {
            self.said.add(&part.content);
        }
        if let Change::Refusal(text) = &delta.change {
            self.said.refusal |= !text.is_empty();
        }
        let writer = &mut self.writer;
        self.order.take(delta, &mut |order, step| writer.write(order, step, out));
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let writer = &mut self.writer;
        self.order.flush(&mut |order, step| writer.write(order, step, out));
    }
}

impl StreamEncoder<Chat> for Encoder {
    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        let kept = match chunk.native.get(ME, EVENT) {
            Some(Value::Object(kept)) => Some((kept.get("type").and_then(Value::as_str).unwrap_or_default(), kept)),
            _ => None,
        };
        match kept {
            Some(("message_start", first)) => self.start_again(chunk, first, out),
            Some(("message_delta", _)) | None => {
                let says_something = chunk.id.is_some() || chunk.model.is_some() || !chunk.choices.is_empty();
                if !self.started && says_something {
                    self.start(chunk, out);
                }
            }
            Some((name, whole)) => {
                self.over |= name == "message_stop";
                event(out, name, whole);
                return Ok(());
            }
        }
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            for delta in &choice.deltas {
                self.take(delta, out);
            }
            if choice.finish_reason.is_some() {
                self.reason.clone_from(&choice.finish_reason);
                self.reason_native.clone_from(&choice.native);
            }
        }
        if chunk.usage.is_some() {
            self.usage.clone_from(&chunk.usage);
        }
        if let Some(("message_delta", last)) = kept {
            self.end_again(last, out);
        }
        Ok(())
    }

    fn finish(&mut self, _trailer: &Trailer, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if !self.started {
            self.start(&ChatChunk::default(), out);
        }
        self.flush(out);
        if !self.reasoned {
            self.end(out);
        }
        self.over = true;
        event(out, "message_stop", &json!({"type": "message_stop"}));
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.over = true;
        event(out, "error", &error::body(error));
    }
}

/// Writes blocks.
#[derive(Debug)]
struct Writer {
    cx: AnswerContext,
    /// How many blocks stand on the wire.
    blocks: usize,
    /// The number of the current block on the wire.
    index: u64,
    /// The least number that the next block may have.
    next: u64,
}

impl Writer {
    fn write(&mut self, order: &mut Order, step: Step, out: &mut Vec<u8>) {
        match step {
            Step::Begin => {
                if let Some(block) = order.current() {
                    self.begin(block, out);
                }
            }
            Step::Change(delta) => {
                if let Some(block) = order.current() {
                    self.change(block, &delta, out);
                }
            }
            Step::End(block) => self.end(&block, out),
        }
    }

    fn begin(&mut self, block: &mut Block, out: &mut Vec<u8>) {
        if matches!(block.kind, Kind::Media | Kind::Ignored) {
            return;
        }
        let Some(begun) = block::begun(&block.part, &self.cx.id_seed, self.blocks) else {
            block.kind = Kind::Ignored;
            return;
        };
        self.blocks += 1;
        self.number(&block.native);
        self.block_event("content_block_start", &block.native, Some(("content_block", begun)), out);
        for change in first_changes(block) {
            self.change(block, &Delta::new(block.number, change), out);
        }
    }

    fn change(&mut self, block: &mut Block, delta: &Delta, out: &mut Vec<u8>) {
        let own = delta.native.is_from(ME);
        let sealed;
        let piece = match (&delta.change, block.kind) {
            (_, Kind::Ignored) => return,
            (Change::Data(more), Kind::Media) => {
                if let Content::Media(media) = &mut block.part.content
                    && let MediaSource::Base64 { data, .. } = &mut media.source
                {
                    data.push_str(more);
                }
                return;
            }
            (Change::Text(text) | Change::Refusal(text), _) => Piece::Text { text },
            (Change::Reasoning(thinking), _) => Piece::Thinking { thinking },
            (Change::Signature(signature), _) => match block.seal(signature) {
                Some(first) => {
                    sealed = first;
                    Piece::Signature { signature: &sealed }
                }
                None => Piece::Signature { signature },
            },
            (Change::Arguments(partial_json), _) => Piece::Input { partial_json },
            (Change::Citation(citation), _) => match block::write_citation(citation) {
                Some(citation) => Piece::Citation { citation },
                None => return,
            },
            _ => return,
        };
        if !own && piece.is_empty() {
            return;
        }
        if delta.native.members(ME).is_none() {
            let index = self.index;
            event(out, "content_block_delta", &DeltaEvent { kind: "content_block_delta", index, delta: piece });
            return;
        }
        let mut object = match delta.native.get(ME, DELTA) {
            Some(Value::Object(kept)) => kept.clone(),
            _ => Map::new(),
        };
        if let Ok(Value::Object(piece)) = serde_json::to_value(&piece) {
            object.extend(piece);
        }
        self.block_event("content_block_delta", &delta.native, Some(("delta", object.into())), out);
    }

    fn end(&mut self, block: &Block, out: &mut Vec<u8>) {
        match block.kind {
            Kind::Ignored => return,
            Kind::Media => {
                let Some(whole) = block::answer(&block.part, &self.cx.id_seed, self.blocks).into_iter().next() else {
                    return;
                };
                self.blocks += 1;
                self.number(&block.native);
                self.block_event("content_block_start", &block.native, Some(("content_block", whole)), out);
            }
            _ => {}
        }
        self.block_event("content_block_stop", block.end.as_ref().unwrap_or(&Native::NONE), None, out);
    }

    /// Numbers the block that begins. A provider's own number stays, unless a block that came between has taken it.
    fn number(&mut self, native: &Native) {
        let kept = native.get(ME, EVENT).and_then(|kept| kept.get("index")?.as_u64());
        self.index = kept.unwrap_or_default().max(self.next);
        self.next = self.index.saturating_add(1);
    }

    /// An event of the current block, with what was kept of it.
    fn block_event(&self, name: &str, native: &Native, member: Option<(&str, Value)>, out: &mut Vec<u8>) {
        let mut object = Map::new();
        object.insert("type".to_owned(), name.into());
        object.insert("index".to_owned(), Value::Null);
        if let Some(Value::Object(kept)) = native.get(ME, EVENT) {
            object.extend(kept.clone());
        }
        object.insert("index".to_owned(), self.index.into());
        if let Some((name, value)) = member {
            object.insert(name.to_owned(), value);
        }
        event(out, name, &object);
    }
}

/// What a part already holds when it begins, as changes. This protocol's own begin with it.
fn first_changes(block: &Block) -> Vec<Change> {
    let own = block.part.native.is_from(ME);
    let mut changes = Vec::new();
    match &block.part.content {
        Content::ToolCall(call) => changes.push(Change::Arguments(call.arguments.clone())),
        Content::ServerToolCall(call) => changes.push(Change::Arguments(call.input.clone())),
        _ if own => {}
        Content::Refusal { text } => changes.push(Change::Text(text.clone())),
        Content::Text { text, citations } => {
            changes.push(Change::Text(text.clone()));
            changes.extend(citations.iter().cloned().map(Change::Citation));
        }
        Content::Reasoning(reasoning) if reasoning.encrypted.is_none() => {
            changes.push(Change::Reasoning(reasoning.text.clone()));
            changes.extend(reasoning.signature.clone().map(Change::Signature));
        }
        _ => {}
    }
    changes
}

#[derive(Serialize)]
struct DeltaEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u64,
    delta: Piece<'a>,
}

/// A `delta` of a block.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Piece<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citation { citation: Value },
}

impl Piece<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text { text }
            | Self::Thinking { thinking: text }
            | Self::Signature { signature: text }
            | Self::Input { partial_json: text } => text.is_empty(),
            Self::Citation { .. } => false,
        }
    }
}

/// One event on the wire. Official SDKs go by its name, so it always has one.
fn event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    let before = out.len();
    out.extend_from_slice(b"event: ");
    out.extend(name.bytes().filter(|byte| !byte.is_ascii_control()));
    out.extend_from_slice(b"\ndata: ");
    if serde_json::to_writer(&mut *out, data).is_err() {
        // Maps with text keys can't fail; half an event must not stay.
        out.truncate(before);
        return;
    }
    out.extend_from_slice(b"\n\n");
}
