//! Chunks in, server-sent events out.

use std::collections::BTreeMap;

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, FinishReason, Part};
use llm_core::codec::{AnswerContext, Chat, StreamEncoder, Trailer};
use llm_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Value, json};

use super::super::citation::{self, CITATIONS};
use super::super::message::{self, CALLS, PLAN};
use super::super::{COHERE, error, finish, usage};

/// The encoder of one streamed answer.
///
/// Chunks of this protocol become the events they were; others are said in events of the full form.
pub(in super::super) struct Encoder {
    cx: AnswerContext,
    id: Option<String>,
    started: bool,
    parts: BTreeMap<u32, Said>,
    contents: usize,
    calls: usize,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    ended: bool,
}

/// A part of another protocol that has begun here.
#[derive(Clone, Copy)]
struct Said {
    kind: Kind,
    index: usize,
    open: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Thinking,
    Call,
}

impl Encoder {
    /// At the beginning of a stream.
    pub(in super::super) fn new(cx: &AnswerContext) -> Self {
        Self {
            cx: cx.clone(),
            id: None,
            started: false,
            parts: BTreeMap::new(),
            contents: 0,
            calls: 0,
            finish: None,
            usage: None,
            ended: false,
        }
    }

    /// The event that a chunk of this protocol was.
    fn own_event(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        let mut event = chunk.native.object(COHERE);
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = match event.remove("event") {
            Some(Value::String(name)) => name,
            Some(other) => {
                event.insert("event".to_owned(), other);
                kind.clone()
            }
            None => kind.clone(),
        };
        if let Some(id) = &chunk.id {
            event.insert("id".to_owned(), json!(id));
        }
        if let Some(delta) = event.get_mut("delta").and_then(Value::as_object_mut) {
            if let Some(choice) = chunk.choices.first() {
                finish::write(choice.finish_reason.as_ref(), delta);
                if let Some(inner) = delta.get_mut("message").and_then(Value::as_object_mut) {
                    put_back(choice, inner);
                }
            }
            if let Some(used) = &chunk.usage {
                delta.insert("usage".to_owned(), usage::write(used));
            }
        }
        self.ended |= kind == "message-end";
        write(&name, &event, out)
    }

    /// Says the changes of a chunk of another protocol.
    fn say(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        let Some(choice) = chunk.choices.iter().find(|choice| choice.index == 0) else { return Ok(()) };
        self.start(out)?;
        for delta in &choice.deltas {
            self.change(delta, out)?;
        }
        if let Some(reason) = &choice.finish_reason {
            self.finish = Some(reason.clone());
        }
        Ok(())
    }

    fn start(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let id = self.id.clone().unwrap_or_else(|| self.cx.id_seed.clone());
        let message = json!({"role": "assistant", "content": [], PLAN: "", CALLS: [], CITATIONS: []});
        write_value("message-start", json!({"id": id, "type": "message-start", "delta": {"message": message}}), out)
    }

    fn change(&mut self, delta: &Delta, out: &mut Vec<u8>) -> Result<()> {
        match &delta.change {
            Change::Start(part) => self.begin(delta.part, part, out),
            Change::Text(text) | Change::Refusal(text) => self.piece(delta.part, "text", text, out),
            Change::Reasoning(text) => self.piece(delta.part, "thinking", text, out),
            Change::Arguments(more) => {
                let Some(said) = self.parts.get(&delta.part).filter(|said| said.kind == Kind::Call) else {
                    return Ok(());
                };
                let piece = json!({CALLS: {"function": {"arguments": more}}});
                write_value("tool-call-delta", event("tool-call-delta", said.index, piece), out)
            }
            Change::Citation(citation) => {
                let Some(said) = self.parts.get(&delta.part).filter(|said| said.kind == Kind::Text) else {
                    return Ok(());
                };
                let piece = json!({CITATIONS: citation::write(citation, said.index)});
                write_value("citation-start", event("citation-start", 0, piece), out)?;
                write_value("citation-end", json!({"type": "citation-end", "index": 0}), out)
            }
            Change::Stop => self.end(delta.part, out),
            // Cohere has no place for these.
            Change::Signature(_) | Change::Encrypted(_) | Change::Data(_) => Ok(()),
        }
    }

    fn begin(&mut self, place: u32, part: &Part, out: &mut Vec<u8>) -> Result<()> {
        match &part.content {
            Content::Text { text, citations } => {
                self.begin_content(place, Kind::Text, out)?;
                self.piece(place, "text", text, out)?;
                citations
                    .iter()
                    .try_for_each(|citation| self.change(&Delta::new(place, Change::Citation(citation.clone())), out))
            }
            Content::Refusal { text } => {
                self.begin_content(place, Kind::Text, out)?;
                self.piece(place, "text", text, out)
            }
            Content::Reasoning(thought) => {
                self.begin_content(place, Kind::Thinking, out)?;
                self.piece(place, "thinking", &thought.text, out)
            }
            Content::ToolCall(call) => {
                let index = self.calls;
                self.calls += 1;
                self.parts.insert(place, Said { kind: Kind::Call, index, open: true });
                let function = json!({"name": call.name, "arguments": call.arguments});
                let piece = json!({CALLS: {"id": call.id, "type": "function", "function": function}});
                write_value("tool-call-start", event("tool-call-start", index, piece), out)
            }
            _ => Ok(()),
        }
    }

    fn begin_content(&mut self, place: u32, kind: Kind, out: &mut Vec<u8>) -> Result<()> {
        let index = self.contents;
        self.contents += 1;
        self.parts.insert(place, Said { kind, index, open: true });
        let name = if kind == Kind::Thinking { "thinking" } else { "text" };
        let piece = json!({"content": {"type": name, name: ""}});
        write_value("content-start", event("content-start", index, piece), out)
    }

    fn piece(&self, place: u32, name: &str, text: &str, out: &mut Vec<u8>) -> Result<()> {
        let Some(said) = self.parts.get(&place).filter(|_| !text.is_empty()) else { return Ok(()) };
        write_value("content-delta", event("content-delta", said.index, json!({"content": {name: text}})), out)
    }

    fn end(&mut self, place: u32, out: &mut Vec<u8>) -> Result<()> {
        let Some(said) = self.parts.get_mut(&place).filter(|said| said.open) else { return Ok(()) };
        said.open = false;
        let name = if said.kind == Kind::Call { "tool-call-end" } else { "content-end" };
        write_value(name, json!({"type": name, "index": said.index}), out)
    }

    fn end_all(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.start(out)?;
        let open: Vec<u32> = self.parts.keys().copied().collect();
        open.into_iter().try_for_each(|place| self.end(place, out))?;
        let mut delta = Map::new();
        finish::write(Some(self.finish.as_ref().unwrap_or(&FinishReason::Stop)), &mut delta);
        if let Some(used) = &self.usage {
            delta.insert("usage".to_owned(), usage::write(used));
        }
        write_value("message-end", json!({"type": "message-end", "delta": delta}), out)
    }
}

/// Writes what an event said back into what is left of its message.
fn put_back(choice: &ChunkChoice, inner: &mut Map<String, Value>) {
    for delta in &choice.deltas {
        match &delta.change {
            Change::Text(text) => match within(inner, "content") {
                Some(said) => _ = said.insert("text".to_owned(), json!(text)),
                None => _ = inner.insert(PLAN.to_owned(), json!(text)),
            },
            Change::Reasoning(text) => {
                if let Some(said) = within(inner, "content") {
                    said.insert("thinking".to_owned(), json!(text));
                }
            }
            Change::Start(part) => {
                if let Content::ToolCall(call) = &part.content {
                    inner.insert(CALLS.to_owned(), message::write_call(call, &part.native));
                }
            }
            Change::Arguments(more) => {
                let function = within(inner, CALLS).and_then(|call| within(call, "function"));
                if let Some(function) = function {
                    function.insert("arguments".to_owned(), json!(more));
                }
            }
            Change::Citation(said) => {
                inner.insert(CITATIONS.to_owned(), citation::write(said, 0));
            }
            Change::Stop | Change::Refusal(_) | Change::Signature(_) | Change::Encrypted(_) | Change::Data(_) => {}
        }
    }
}

fn within<'a>(members: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    members.get_mut(name)?.as_object_mut()
}

fn event(kind: &str, index: usize, message: Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

fn write_value(name: &str, event: Value, out: &mut Vec<u8>) -> Result<()> {
    match event {
        Value::Object(members) => write(name, &members, out),
        _ => Ok(()),
    }
}

fn write(name: &str, event: &Map<String, Value>, out: &mut Vec<u8>) -> Result<()> {
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *out, event)
        .map_err(|error| Error::new(ErrorKind::Internal, "an event can't be written").with_source(error))?;
    out.extend_from_slice(b"\n\n");
    Ok(())
}

impl StreamEncoder<Chat> for Encoder {
    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        if chunk.native.is_from(COHERE) {
            return self.own_event(chunk, out);
        }
        self.id = chunk.id.clone().or(self.id.take());
        self.usage = chunk.usage.clone().or(self.usage.take());
        self.say(chunk, out)
    }

    fn finish(&mut self, _: &Trailer, out: &mut Vec<u8>) {
        if !self.ended {
            // Texts and numbers always have a JSON form.
            let _ = self.end_all(out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        let _ = write_value("error", error::body(&error.for_caller()), out);
    }
}
