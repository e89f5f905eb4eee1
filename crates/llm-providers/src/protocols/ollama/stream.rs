//! Streams, both ways: a JSON object a line, a chunk a line; the one with `done: true` is the last.

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, FinishReason, Part, Reasoning, Role, ToolCall};
use llm_core::codec::{AnswerContext, Chat, DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::message::{self, CallIds, Turn};
use super::{OLLAMA, error, response, timestamp};

pub(super) struct Decoder {
    cx: DecodeContext,
    /// How many parts have begun.
    parts: u32,
    /// What the last part is; text and thoughts grow over many lines.
    open: Open,
    /// How many ids were made, and whether there was any call at all.
    made: usize,
    has_calls: bool,
    done: bool,
}

#[derive(PartialEq)]
enum Open {
    Nothing,
    Text,
    Reasoning,
}

impl Decoder {
    pub(super) fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone(), parts: 0, open: Open::Nothing, made: 0, has_calls: false, done: false }
    }

    fn message(&mut self, mut message: Fields) -> ChunkChoice {
        let role = message.take_text("role").map(|role| Role::from(role.as_str()));
        let mut choice = ChunkChoice { role, ..ChunkChoice::default() };
        if let Some(text) = message.take_nonempty("thinking") {
            let start = Reasoning { provider: Some(self.cx.provider.clone()), ..Reasoning::default() };
            let part = self.part(Open::Reasoning, start.into(), &mut choice.deltas);
            choice.deltas.push(Delta::new(part, Change::Reasoning(text)));
        }
        if let Some(text) = message.take_nonempty("content") {
            let part = self.part(Open::Text, Part::text(""), &mut choice.deltas);
            choice.deltas.push(Delta::new(part, Change::Text(text)));
        }
        let (cx, made) = (&self.cx, &mut self.made);
        let mut make_id = || {
            *made += 1;
            response::made_id(cx, *made - 1)
        };
        let mut found = message::take_images(&mut message);
        found.extend(message::take_calls(&mut message, &mut make_id));
        self.has_calls |= response::has_calls(&found);
        let rest = message.into_members();
        if !rest.is_empty() {
            choice.native.insert(OLLAMA, "message", Value::Object(rest));
        }
        for whole in found {
            let part = self.part(Open::Nothing, whole, &mut choice.deltas);
            choice.deltas.push(Delta::new(part, Change::Stop));
        }
        choice
    }

    /// The number of the part that grows, begun with `start` where it is another kind than the last.
    fn part(&mut self, kind: Open, start: Part, deltas: &mut Vec<Delta>) -> u32 {
        if self.open != kind || kind == Open::Nothing {
            deltas.push(Delta::new(self.parts, Change::Start(start)));
            self.parts += 1;
            self.open = kind;
        }
        self.parts - 1
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        if frame.data.is_empty() {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(frame.data).map_err(|error| match error.is_eof() {
            true => Error::cut(),
            false => Error::bad_answer("a line of the provider's stream is not valid JSON").with_source(error),
        })?;
        if let Some(error) = error::inside(&self.cx, &value) {
            return Err(error);
        }
        let Value::Object(members) = value else {
            return Err(Error::bad_answer("a line of the provider's stream is not a JSON object"));
        };
        let mut fields = Fields::new(members);
        let mut chunk = ChatChunk { model: fields.take_text("model"), ..ChatChunk::default() };
        chunk.created = fields.text("created_at").and_then(timestamp::parse);
        chunk.usage = response::take_usage(&mut fields);
        self.done |= fields.get("done") == Some(&Value::Bool(true));
        if let Some(message) = fields.take_object("message") {
            let mut choice = self.message(message);
            let (reason, native) = response::take_finish(&mut fields, self.has_calls);
            choice.finish_reason = reason;
            choice.native.merge(native);
            choice.logprobs = response::take_logprobs(&mut fields);
            chunk.choices.push(choice);
        }
        chunk.native = fields.into_native(OLLAMA);
        out.push(chunk);
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<ChatChunk>) -> Result<()> {
        if self.done { Ok(()) } else { Err(Error::cut()) }
    }
}

pub(super) struct Encoder {
    cx: AnswerContext,
    model: Option<String>,
    created: Option<i64>,
    /// Calls whose arguments are still arriving; Ollama has them whole.
    calls: Vec<(u32, ToolCall, Native)>,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
    done: bool,
}

impl Encoder {
    pub(super) fn new(cx: &AnswerContext) -> Self {
        let cx = cx.clone();
        Self { cx, model: None, created: None, calls: Vec::new(), reason: None, usage: None, done: false }
    }

    fn take_in(&mut self, delta: &Delta, turn: &mut Turn) -> Result<()> {
        match &delta.change {
            Change::Start(part) => match &part.content {
                Content::ToolCall(call) => self.calls.push((delta.part, call.clone(), part.native.clone())),
                Content::Text { text, .. } if text.is_empty() => {}
                _ => {
                    turn.add(&Role::Assistant, part, CallIds::Known)?;
                }
            },
            Change::Text(text) | Change::Refusal(text) => turn.add_text(&Role::Assistant, text),
            Change::Reasoning(text) => turn.add_thinking(text),
            Change::Arguments(more) => {
                if let Some((_, call, _)) = self.calls.iter_mut().find(|(part, ..)| *part == delta.part) {
                    call.arguments.push_str(more);
                }
            }
            Change::Stop => self.end_calls(turn, |part| part == delta.part)?,
            // Ollama has no place for these.
            Change::Signature(_) | Change::Encrypted(_) | Change::Data(_) | Change::Citation(_) => {}
        }
        Ok(())
    }

    fn end_calls(&mut self, turn: &mut Turn, is_whole: impl Fn(u32) -> bool) -> Result<()> {
        for (_, call, native) in self.calls.extract_if(.., |(part, ..)| is_whole(*part)) {
            turn.add_call(message::encode_call(&call, &native, CallIds::Known)?);
        }
        Ok(())
    }

    /// A line of an answer that came from another protocol.
    fn line(&self, turn: Turn) -> Map<String, Value> {
        let mut line = Map::new();
        response::write_head(&mut line, &Native::NONE, &self.cx, self.model.as_ref(), self.created);
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        message.insert("content".to_owned(), json!(""));
        turn.write(&mut message);
        line.insert("message".to_owned(), Value::Object(message));
        line.insert("done".to_owned(), json!(false));
        line
    }
}

impl StreamEncoder<Chat> for Encoder {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        self.model = chunk.model.clone().or(self.model.take());
        self.created = chunk.created.or(self.created);
        self.usage = chunk.usage.clone().or(self.usage.take());
        let choice = chunk.choices.iter().find(|choice| choice.index == 0);
        let mut turn = Turn::default();
        for delta in choice.iter().flat_map(|choice| &choice.deltas) {
            self.take_in(delta, &mut turn)?;
        }
        if let Some(reason) = choice.and_then(|choice| choice.finish_reason.as_ref()) {
            self.reason = Some(reason.clone());
            self.end_calls(&mut turn, |_| true)?;
        }
        if !chunk.native.is_from(OLLAMA) {
            if !turn.is_empty() {
                let mut line = self.line(turn);
                response::write_logprobs(&mut line, choice.and_then(|choice| choice.logprobs.as_ref()));
                write(&line, out)?;
            }
            return Ok(());
        }
        let mut line = chunk.native.object(OLLAMA);
        response::write_head(&mut line, &chunk.native, &self.cx, chunk.model.as_ref(), None);
        if let Some(choice) = choice {
            let mut message = response::message_of(&choice.native);
            if let Some(role) = &choice.role {
                message.insert("role".to_owned(), json!(role.as_str()));
            }
            turn.write(&mut message);
            line.insert("message".to_owned(), Value::Object(message));
            response::write_finish(&mut line, choice.finish_reason.as_ref(), &choice.native);
            response::write_logprobs(&mut line, choice.logprobs.as_ref());
        }
        response::write_usage(&mut line, chunk.usage.as_ref());
        self.done |= line.get("done") == Some(&Value::Bool(true));
        write(&line, out)
    }

    fn finish(&mut self, _: &Trailer, out: &mut Vec<u8>) {
        if self.done {
            return;
        }
        let mut turn = Turn::default();
        if let Err(error) = self.end_calls(&mut turn, |_| true) {
            return self.error(&error, out);
        }
        let mut line = self.line(turn);
        let reason = self.reason.take().unwrap_or(FinishReason::Stop);
        response::write_finish(&mut line, Some(&reason), &Native::NONE);
        line.insert("done".to_owned(), json!(true));
        response::write_usage(&mut line, self.usage.as_ref());
        // Strings and numbers always have a JSON form.
        let _ = write(&line, out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        out.extend_from_slice(error::line(&error.for_caller()).as_bytes());
        out.push(b'\n');
    }
}

fn write(line: &Map<String, Value>, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(&mut *out, line)
        .map_err(|error| Error::new(ErrorKind::Internal, "a chunk has no JSON form").with_source(error))?;
    out.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests;
