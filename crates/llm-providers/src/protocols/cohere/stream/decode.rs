//! Events in, chunks out.

use std::collections::BTreeMap;
use std::slice;

use bytes::Bytes;
use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, Part, Role};
use llm_core::codec::{Chat, DecodeContext, Frame, StreamDecoder};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value, json};

use super::super::citation::{self, CITATIONS};
use super::super::message::{self, CALLS, PLAN};
use super::super::{COHERE, answer, content, error, finish, usage};

/// The decoder of one streamed answer.
pub(in super::super) struct Decoder {
    cx: DecodeContext,
    /// How many parts have begun.
    begun: u32,
    plan: Option<u32>,
    /// Content parts and calls, by the index that their events say.
    contents: BTreeMap<u64, Begun>,
    calls: BTreeMap<u64, u32>,
    made: usize,
    done: bool,
}

/// A content part that has begun.
#[derive(Clone, Copy)]
struct Begun {
    part: u32,
    is_text: bool,
}

impl Decoder {
    /// At the beginning of a stream.
    pub(in super::super) fn new(cx: &DecodeContext) -> Self {
        Self {
            cx: cx.clone(),
            begun: 0,
            plan: None,
            contents: BTreeMap::new(),
            calls: BTreeMap::new(),
            made: 0,
            done: false,
        }
    }

    fn chunk(&mut self, event: &str, members: Map<String, Value>) -> ChatChunk {
        let mut fields = Fields::new(members);
        let mut chunk = ChatChunk { id: fields.take_nonempty("id"), ..ChatChunk::default() };
        let kind = fields.text("type").unwrap_or_default().to_owned();
        let index = fields.get("index").and_then(Value::as_u64).unwrap_or(0);
        let mut choice = ChunkChoice { native: Native::new(COHERE, Map::new()), ..ChunkChoice::default() };
        if let Some(mut delta) = fields.take_object("delta") {
            if let Some(mut inner) = delta.take_object("message") {
                self.message(&kind, index, &mut inner, &mut choice);
                delta.put("message", Value::Object(inner.into_members()));
            }
            if kind == "message-end" {
                choice.finish_reason = finish::read(&delta);
                chunk.usage = delta.take_object("usage").map(|used| usage::read(used.into_members()));
            }
            fields.put("delta", Value::Object(delta.into_members()));
        }
        // Of the piece of text beside it. The event keeps its own.
        choice.logprobs =
            fields.get("logprobs").filter(|said| said.is_object()).map(|said| answer::logprobs(slice::from_ref(said)));
        let ended = match kind.as_str() {
            "content-end" => self.contents.get(&index).map(|begun| begun.part),
            "tool-call-end" => self.calls.get(&index).copied(),
            _ => None,
        };
        choice.deltas.extend(ended.map(|part| Delta::new(part, Change::Stop)));
        self.done |= kind == "message-end";
        if event != kind {
            fields.put("event", json!(event));
        }
        let says = choice.role.is_some()
            || choice.finish_reason.is_some()
            || choice.logprobs.is_some()
            || !choice.deltas.is_empty();
        chunk.choices.extend(says.then_some(choice));
        chunk.native = fields.into_native(COHERE);
        chunk
    }

    fn message(&mut self, kind: &str, index: u64, inner: &mut Fields, choice: &mut ChunkChoice) {
        match kind {
            "message-start" => choice.role = inner.text("role").map(Role::from),
            "tool-plan-delta" => {
                if let Some(text) = inner.take_nonempty(PLAN) {
                    let part = self.begin_plan(&mut choice.deltas);
                    choice.deltas.push(Delta::new(part, Change::Text(text)));
                }
            }
            "content-start" | "content-delta" => self.content(kind == "content-start", index, inner, choice),
            "tool-call-start" | "tool-call-delta" => self.call(kind == "tool-call-start", index, inner, choice),
            "citation-start" => self.citation(inner, choice),
            _ => {}
        }
    }

    fn content(&mut self, starts: bool, index: u64, inner: &mut Fields, choice: &mut ChunkChoice) {
        let Some(mut said) = inner.take_object("content") else { return };
        let thinks = said.text("thinking").is_some() || said.text("type") == Some("thinking");
        let speaks = said.text("text").is_some();
        let known = self.contents.get(&index).copied().filter(|begun| !starts && begun.is_text != thinks);
        let place = match known {
            Some(begun) => Some(begun.part),
            None if thinks || speaks => Some(self.begin_content(index, thinks, &mut choice.deltas)),
            // A kind of content that is not known stays in the event.
            None => None,
        };
        if let Some(part) = place {
            if let Some(text) = said.take_nonempty("thinking") {
                choice.deltas.push(Delta::new(part, Change::Reasoning(text)));
            }
            // One event speaks or thinks; what stands beside a thought stays in the event.
            if !thinks && let Some(text) = said.take_nonempty("text") {
                choice.deltas.push(Delta::new(part, Change::Text(text)));
            }
        }
        inner.put("content", Value::Object(said.into_members()));
    }

    fn begin_content(&mut self, index: u64, thinks: bool, deltas: &mut Vec<Delta>) -> u32 {
        let empty = match thinks {
            true => Part::from(content::thought(String::new(), Some(&self.cx.provider))),
            false => Part::text(""),
        };
        let kind = if thinks { "thinking" } else { "text" };
        let shape = Map::from_iter([("type".to_owned(), json!(kind))]);
        let part = self.begin(empty.with_native(content::own(shape)), deltas);
        self.contents.insert(index, Begun { part, is_text: !thinks });
        part
    }

    fn begin_plan(&mut self, deltas: &mut Vec<Delta>) -> u32 {
        match self.plan {
            Some(part) => part,
            None => {
                let part = self.begin(message::plan(String::new()), deltas);
                self.plan = Some(part);
                part
            }
        }
    }

    fn call(&mut self, starts: bool, index: u64, inner: &mut Fields, choice: &mut ChunkChoice) {
        let Some(said) = inner.take_object(CALLS) else { return };
        let known = self.calls.get(&index).copied().filter(|_| !starts);
        let part = match known {
            Some(part) => part,
            None => {
                let (cx, made) = (&self.cx, &mut self.made);
                let mut make_id = || {
                    *made += 1;
                    answer::made_id(cx, *made - 1)
                };
                let mut whole = message::read_call(said, &mut make_id);
                let arguments = match &mut whole.content {
                    Content::ToolCall(call) => std::mem::take(&mut call.arguments),
                    _ => String::new(),
                };
                // The event must be the same again, so it keeps the shape too.
                inner.put(CALLS, Value::Object(whole.native.object(COHERE)));
                let part = self.begin(whole, &mut choice.deltas);
                self.calls.insert(index, part);
                if !arguments.is_empty() {
                    choice.deltas.push(Delta::new(part, Change::Arguments(arguments)));
                }
                return;
            }
        };
        let mut said = said;
        if let Some(mut function) = said.take_object("function") {
            if let Some(more) = function.take_nonempty("arguments") {
                choice.deltas.push(Delta::new(part, Change::Arguments(more)));
            }
            said.put("function", Value::Object(function.into_members()));
        }
        inner.put(CALLS, Value::Object(said.into_members()));
    }

    /// A citation belongs to the text part that it names, else to the last one; without a text it stays in the event.
    fn citation(&mut self, inner: &mut Fields, choice: &mut ChunkChoice) {
        let Some(said) = inner.get(CITATIONS).and_then(Value::as_object) else { return };
        let named = citation::content_index(said).and_then(|index| self.contents.get(&index));
        let texts = || self.contents.values().rfind(|begun| begun.is_text);
        let Some(place) = named.filter(|begun| begun.is_text).or_else(texts).map(|begun| begun.part) else { return };
        let Some(Value::Object(members)) = inner.take(CITATIONS) else { return };
        choice.deltas.push(Delta::new(place, Change::Citation(citation::read(members))));
    }

    fn begin(&mut self, part: Part, deltas: &mut Vec<Delta>) -> u32 {
        let place = self.begun;
        self.begun += 1;
        deltas.push(Delta::new(place, Change::Start(part)));
        place
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(data) else {
            return Err(Error::bad_answer("an event of the provider's stream is not a JSON object")
                .with_provider(self.cx.provider.as_str())
                .with_body(Bytes::copy_from_slice(data)));
        };
        if let Some(error) = error::of_event(&self.cx, frame.event, &members, data) {
            return Err(error);
        }
        out.push(self.chunk(frame.event, members));
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<ChatChunk>) -> Result<()> {
        if self.done { Ok(()) } else { Err(Error::cut()) }
    }
}
