//! Events in, chunks out.
//!
//! Every chunk keeps its event, so that it can be written again as it came; the text of a piece is moved into the
//! chunk's change, not copied. An item's last event holds the whole of it: what no piece has said is taken from there.

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, Part, Role};
use llm_core::codec::{Chat, DecodeContext, Frame, StreamDecoder};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result};
use serde_json::{Map, Value, json};

use super::super::answer::{Head, is_call};
use super::super::item::{self, Reading};
use super::super::{EVENT, ITEM, PROTOCOL, annotation, finish, reasoning, searches, usage};
use super::{DONE, NAME};
use crate::protocols::openai_chat::error;

/// Reads the events of one answer.
#[derive(Debug)]
pub(in super::super) struct Decoder {
    cx: DecodeContext,
    items: Vec<Item>,
    /// How many parts have begun.
    parts: u32,
    started: bool,
    has_calls: bool,
    ended: bool,
}

/// An item that has begun.
#[derive(Debug)]
struct Item {
    index: u64,
    kind: Kind,
    /// What its first event left of a message, until its first part takes it.
    rest: Option<Map<String, Value>>,
    parts: Vec<Begun>,
    done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Message,
    Reasoning,
    Call,
    /// Said when it is whole.
    Other,
}

/// A part that has begun.
#[derive(Debug)]
struct Begun {
    /// Its place in the message's content.
    content: u64,
    part: u32,
    /// The kind of event in which its text comes, once one has.
    source: Option<&'static str>,
    citations: usize,
}

impl Decoder {
    pub(in super::super) fn new(cx: DecodeContext) -> Self {
        Self { cx, items: Vec::new(), parts: 0, started: false, has_calls: false, ended: false }
    }

    fn began(&mut self, event: &Map<String, Value>, chunk: &mut ChatChunk) {
        let Some(Value::Object(response)) = event.get("response") else { return };
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let head = Head::look(response);
        (chunk.id, chunk.model, chunk.created) = (head.id, head.model, head.created);
        chunk.choices.push(ChunkChoice { role: Some(Role::Assistant), ..ChunkChoice::default() });
    }

    fn item_added(&mut self, event: &Map<String, Value>) -> Vec<Delta> {
        let Some(Value::Object(item)) = event.get("item") else { return Vec::new() };
        let index = self.index_of(event);
        let kind = Kind::of(item);
        let begins = match kind {
            Kind::Reasoning => Some(reasoning::read(Fields::new(item.clone()), Some(&self.cx.provider))),
            Kind::Call => item::call_of(Fields::new(item.clone())).ok(),
            Kind::Message | Kind::Other => None,
        };
        let mut begun = Item { index, kind, rest: None, parts: Vec::new(), done: false };
        if kind == Kind::Message {
            let mut rest = item.clone();
            rest.insert("content".to_owned(), json!([]));
            begun.rest = Some(rest);
        }
        let mut deltas = Vec::new();
        if let Some(mut part) = begins {
            // What the first event holds already, later events say again.
            match &mut part.content {
                Content::ToolCall(call) => call.arguments.clear(),
                Content::Reasoning(thought) => {
                    thought.text.clear();
                    thought.encrypted = None;
                }
                _ => {}
            }
            self.start(&mut begun, 0, part, &mut deltas);
        }
        self.items.retain(|item| item.index != index);
        self.items.push(begun);
        deltas
    }

    fn start(&mut self, item: &mut Item, content: u64, part: Part, deltas: &mut Vec<Delta>) {
        self.has_calls |= is_call(&part);
        item.parts.push(Begun { content, part: self.parts, source: None, citations: 0 });
        deltas.push(Delta::new(self.parts, Change::Start(part)));
        self.parts += 1;
    }

    fn part_added(&mut self, event: &Map<String, Value>) -> Vec<Delta> {
        let part = event.get("part").and_then(Value::as_object).cloned().unwrap_or_default();
        let (begins, member) = match part.get("type").and_then(Value::as_str) {
            Some("output_text") => (Part::text(""), "text"),
            Some("refusal") => (Content::Refusal { text: String::new() }.into(), "refusal"),
            _ => return Vec::new(),
        };
        let mut rest = part;
        rest.remove(member);
        let content = count(event, "content_index");
        self.with_item(event, |this, item, deltas| {
            if item.kind == Kind::Message && item.begun(content).is_none() {
                let begins = begins.with_native(Native::new(PROTOCOL, rest));
                this.start_said(item, content, begins, deltas);
            }
        })
    }

    /// Begins a part of a message. The first of them keeps what is left of the message.
    fn start_said(&mut self, item: &mut Item, content: u64, mut part: Part, deltas: &mut Vec<Delta>) {
        let rest = match item.rest.take() {
            Some(rest) => Value::Object(rest),
            None if item.parts.is_empty() => json!({"type": "message", "role": "assistant", "content": []}),
            None => Value::Null,
        };
        part.native.insert(PROTOCOL, ITEM, rest);
        self.start(item, content, part, deltas);
    }

    /// A piece of a text, of kind `source`. The text is taken out of the event.
    fn piece(&mut self, source: &'static str, event: &mut Map<String, Value>) -> Vec<Delta> {
        if !event.get("delta").is_some_and(Value::is_string) {
            return Vec::new();
        }
        let change: fn(String) -> Change = match source {
            "response.output_text.delta" => Change::Text,
            "response.refusal.delta" => Change::Refusal,
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => Change::Reasoning,
            _ => Change::Arguments,
        };
        let kind = match source {
            "response.output_text.delta" | "response.refusal.delta" => Kind::Message,
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => Kind::Reasoning,
            _ => Kind::Call,
        };
        let content = if kind == Kind::Message { count(event, "content_index") } else { 0 };
        let mut says = false;
        let mut deltas = self.with_item(event, |this, item, deltas| {
            if item.parts.is_empty() && item.kind == Kind::Other && kind != Kind::Call {
                // Some hosts begin with the piece.
                item.kind = kind;
            }
            if item.kind != kind {
                return;
            }
            if item.begun(content).is_none() {
                match source {
                    "response.output_text.delta" => this.start_said(item, content, Part::text(""), deltas),
                    "response.refusal.delta" => {
                        let refusal = Content::Refusal { text: String::new() };
                        this.start_said(item, content, refusal.into(), deltas);
                    }
                    _ if kind == Kind::Reasoning => {
                        let thought = reasoning::read(Fields::new(Map::new()), Some(&this.cx.provider));
                        this.start(item, content, thought, deltas);
                    }
                    _ => {}
                }
            }
            if let Some(begun) = item.begun(content)
                // Words of a thought and a summary of it are said once.
                && *begun.source.get_or_insert(source) == source
            {
                says = true;
                deltas.push(Delta::new(begun.part, Change::Text(String::new())));
            }
        });
        if says
            && let Some(Value::String(text)) = event.remove("delta")
            && let Some(last) = deltas.last_mut()
        {
            last.change = change(text);
        }
        deltas
    }

    /// The parts of a summary are told apart.
    fn summary_part(&mut self, event: &Map<String, Value>) -> Vec<Delta> {
        if count(event, "summary_index") == 0 {
            return Vec::new();
        }
        self.with_item(event, |_, item, deltas| {
            if let Some(begun) = item.begun(0)
                && begun.source == Some("response.reasoning_summary_text.delta")
            {
                deltas.push(Delta::new(begun.part, Change::Reasoning(reasoning::SEPARATOR.to_owned())));
            }
        })
    }

    fn cited(&mut self, event: &Map<String, Value>) -> Vec<Delta> {
        let Some(citation) = event.get("annotation").cloned().and_then(annotation::read) else { return Vec::new() };
        let content = count(event, "content_index");
        self.with_item(event, |_, item, deltas| {
            if let Some(begun) = item.begun(content) {
                begun.citations += 1;
                deltas.push(Delta::new(begun.part, Change::Citation(citation)));
            }
        })
    }

    fn item_done(&mut self, event: &Map<String, Value>) -> Vec<Delta> {
        let Some(whole @ Value::Object(_)) = event.get("item") else { return Vec::new() };
        let whole = whole.clone();
        self.with_item(event, |this, item, deltas| this.end_item(item, whole, deltas))
    }

    /// Says what no piece has said, and ends the item.
    fn end_item(&mut self, item: &mut Item, whole: Value, deltas: &mut Vec<Delta>) {
        if std::mem::replace(&mut item.done, true) {
            return;
        }
        let reading = Reading::Provider(&self.cx.provider);
        let parts = item::of_model(whole, String::new(), reading).unwrap_or_default();
        for (content, part) in (0_u64..).zip(parts) {
            let Some(begun) = item.begun(content) else {
                let native = part.native.clone();
                self.start(item, content, part, deltas);
                deltas.push(Delta { part: self.parts.saturating_sub(1), change: Change::Stop, native });
                continue;
            };
            let number = begun.part;
            let mut say = |change| deltas.push(Delta::new(number, change));
            let is_said = begun.source.is_some();
            match part.content {
                Content::Text { text, citations } => {
                    if !is_said && !text.is_empty() {
                        say(Change::Text(text));
                    }
                    citations.into_iter().skip(begun.citations).for_each(|citation| say(Change::Citation(citation)));
                }
                Content::Refusal { text } if !is_said && !text.is_empty() => say(Change::Refusal(text)),
                Content::ToolCall(call) if !is_said && !call.arguments.is_empty() => {
                    say(Change::Arguments(call.arguments));
                }
                Content::Reasoning(thought) => {
                    if !is_said && !thought.text.is_empty() {
                        say(Change::Reasoning(thought.text));
                    }
                    if let Some(data) = thought.encrypted {
                        say(Change::Encrypted(data));
                    }
                }
                _ => {}
            }
            deltas.push(Delta { part: number, change: Change::Stop, native: part.native });
        }
    }

    /// The last event holds the whole response: items that no event has said are taken from there.
    fn end(&mut self, event: &Map<String, Value>, chunk: &mut ChatChunk) {
        self.ended = true;
        let Some(Value::Object(response)) = event.get("response") else { return };
        let head = Head::look(response);
        (chunk.id, chunk.model, chunk.created) = (head.id, head.model, head.created);
        chunk.service_tier = head.service_tier;
        if let Some(Value::Object(members)) = response.get("usage") {
            chunk.usage = Some(usage::read(members.clone()).with(Meter::Query, searches::charged(response)));
        }
        let mut deltas = Vec::new();
        let output = response.get("output").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, item) in (0_u64..).zip(output) {
            let is_said =
                self.items.iter().any(|known| known.index == index && (known.done || !known.parts.is_empty()));
            if !is_said {
                let mut item_said = Item { index, kind: Kind::Other, rest: None, parts: Vec::new(), done: false };
                self.end_item(&mut item_said, item.clone(), &mut deltas);
                self.items.push(item_said);
            }
        }
        let finish_reason = finish::read(response, self.has_calls);
        chunk.choices.push(ChunkChoice { deltas, finish_reason, ..ChunkChoice::default() });
    }

    /// The number of the event's item.
    fn index_of(&self, event: &Map<String, Value>) -> u64 {
        match event.get("output_index").and_then(Value::as_u64) {
            Some(index) => index,
            None => self.items.last().map_or(0, |item| item.index + u64::from(event.contains_key("item"))),
        }
    }

    /// Changes the event's item, which begins where no event has said so.
    fn with_item(
        &mut self,
        event: &Map<String, Value>,
        change: impl FnOnce(&mut Self, &mut Item, &mut Vec<Delta>),
    ) -> Vec<Delta> {
        let index = match event.get("output_index").and_then(Value::as_u64) {
            Some(index) => index,
            None => self.items.last().map_or(0, |item| item.index),
        };
        let place = self.items.iter().position(|item| item.index == index);
        let mut item = match place {
            Some(place) => self.items.swap_remove(place),
            None => Item { index, kind: Kind::Other, rest: None, parts: Vec::new(), done: false },
        };
        let mut deltas = Vec::new();
        change(self, &mut item, &mut deltas);
        self.items.push(item);
        deltas
    }
}

impl Item {
    fn begun(&mut self, content: u64) -> Option<&mut Begun> {
        self.parts.iter_mut().find(|begun| begun.content == content)
    }
}

impl Kind {
    fn of(item: &Map<String, Value>) -> Self {
        match item.get("type").and_then(Value::as_str) {
            Some("message") => Self::Message,
            Some("reasoning") => Self::Reasoning,
            Some("function_call" | "custom_tool_call") => Self::Call,
            _ => Self::Other,
        }
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            let mut chunk = own();
            chunk.native.insert(PROTOCOL, DONE, json!(true));
            out.push(chunk);
            return Ok(());
        }
        let Ok(Value::Object(mut event)) = serde_json::from_slice(data) else {
            return Err(error::of_text(&self.cx, data));
        };
        let typed = event.get("type").and_then(Value::as_str);
        let (kind, is_named) = (typed.unwrap_or(frame.event).to_owned(), typed != Some(frame.event));
        let says_error = event.get("error").is_some_and(|error| !error.is_null());
        if frame.is_error || kind == "error" || (kind.is_empty() && says_error) {
            return Err(error::from_body(&self.cx, None, &event, data));
        }
        let mut chunk = own();
        let deltas = match kind.as_str() {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.began(&event, &mut chunk);
                Vec::new()
            }
            "response.output_item.added" => self.item_added(&event),
            "response.content_part.added" => self.part_added(&event),
            "response.output_text.delta" => self.piece("response.output_text.delta", &mut event),
            "response.refusal.delta" => self.piece("response.refusal.delta", &mut event),
            "response.reasoning_text.delta" => self.piece("response.reasoning_text.delta", &mut event),
            "response.reasoning_summary_text.delta" => self.piece("response.reasoning_summary_text.delta", &mut event),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.piece("arguments", &mut event)
            }
            "response.reasoning_summary_part.added" => self.summary_part(&event),
            "response.output_text.annotation.added" => self.cited(&event),
            "response.output_item.done" => self.item_done(&event),
            "response.completed" | "response.incomplete" | "response.cancelled" => {
                self.end(&event, &mut chunk);
                Vec::new()
            }
            "response.failed" => {
                let response = event.get("response").and_then(Value::as_object).unwrap_or(&event);
                return Err(error::from_body(&self.cx, None, response, data));
            }
            _ => Vec::new(),
        };
        if !deltas.is_empty() {
            let logprobs = event.get("logprobs").filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
            let logprobs = logprobs.filter(|_| kind == "response.output_text.delta");
            let logprobs = logprobs.map(|list| json!({"content": list}));
            chunk.choices.push(ChunkChoice { deltas, logprobs, ..ChunkChoice::default() });
        }
        if is_named {
            chunk.native.insert(PROTOCOL, NAME, json!(frame.event));
        }
        chunk.native.insert(PROTOCOL, EVENT, Value::Object(event));
        out.push(chunk);
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<ChatChunk>) -> Result<()> {
        if self.ended { Ok(()) } else { Err(Error::cut().with_provider(&self.cx.provider)) }
    }
}

/// A chunk that is known to be of this protocol.
fn own() -> ChatChunk {
    ChatChunk { native: Native::new(PROTOCOL, Map::new()), ..ChatChunk::default() }
}

fn count(event: &Map<String, Value>, name: &str) -> u64 {
    event.get(name).and_then(Value::as_u64).unwrap_or(0)
}
