//! Events in, chunks out.

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Citation, Content, Delta, FinishReason, Part, Role};
use llm_core::codec::{Chat, DecodeContext, Frame, StreamDecoder};
use llm_core::{Error, Meter, Native, Result};
use serde_json::{Map, Value};

use super::super::answer::{self, Event};
use super::super::candidate::Candidate;
use super::super::name::{FUNCTION_CALL, THOUGHT_SIGNATURE, WILL_CONTINUE};
use super::super::part::{self, Ids, PIECE, SIGNATURE_ONLY};
use super::super::searches::Searches;
use super::super::{ME, error};
use super::partial::Partial;

/// Reads the events of one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    cx: DecodeContext,
    ids: Ids,
    candidates: Vec<State>,
    /// Whether the prompt was blocked.
    blocked: bool,
    searches: Searches,
}

/// What is known of one candidate.
#[derive(Debug, Default)]
struct State {
    index: u32,
    /// How many parts have begun.
    parts: u32,
    /// The last part, where it can grow.
    grows: Option<Grows>,
    /// The last text, for citations.
    text: Option<u32>,
    cited: Vec<Citation>,
    /// Whether it has asked for a function.
    calls: bool,
    /// The function call whose arguments are still to come.
    open: Option<(u32, Partial)>,
    finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Grows {
    Text,
    Thoughts,
}

impl Decoder {
    pub(crate) fn new(cx: &DecodeContext) -> Self {
        let ids = Ids::new(format!("call_{}", cx.id_seed));
        Self { cx: cx.clone(), ids, candidates: Vec::new(), blocked: false, searches: Searches::default() }
    }

    fn candidate(&mut self, mut candidate: Candidate) -> ChunkChoice {
        let place = match self.candidates.iter().position(|state| state.index == candidate.index) {
            Some(place) => place,
            None => {
                self.candidates.push(State { index: candidate.index, ..State::default() });
                self.candidates.len() - 1
            }
        };
        let mut choice = ChunkChoice { index: candidate.index, ..ChunkChoice::default() };
        let Some(state) = self.candidates.get_mut(place) else { return choice };
        if state.parts == 0 {
            choice.role = Some(Role::Assistant);
        }
        for value in std::mem::take(&mut candidate.parts) {
            state.part(value, &self.cx.provider, &mut self.ids, &mut choice.deltas);
        }
        choice.finish_reason = candidate.finish_reason(state.calls);
        if choice.finish_reason.is_some() {
            state.end_call(&mut choice.deltas);
            state.finished = true;
        }
        for citation in std::mem::take(&mut candidate.citations) {
            state.cite(citation, &mut choice.deltas);
        }
        self.searches.note_all(&candidate.rest);
        choice.logprobs = candidate.logprobs.take();
        choice.native = Native::new(ME, candidate.rest);
        choice
    }
}

impl State {
    fn part(&mut self, value: Value, provider: &str, ids: &mut Ids, deltas: &mut Vec<Delta>) {
        if let Some(call) = value.as_object().and_then(|object| FUNCTION_CALL.find(object)).and_then(Value::as_object) {
            if !call.get("name").is_some_and(Value::is_string) && self.open.is_some() {
                return self.call_goes_on(&value, call, deltas);
            }
            self.end_call(deltas);
            if WILL_CONTINUE.find(call) == Some(&Value::Bool(true)) {
                return self.call_begins(&value, provider, ids, deltas);
            }
        }
        self.end_call(deltas);
        for part in part::of_provider(provider, ids, value.clone()) {
            self.whole(part, &value, deltas);
        }
    }

    /// A part that is no piece of a function call.
    fn whole(&mut self, part: Part, value: &Value, deltas: &mut Vec<Delta>) {
        let is_signed =
            |part: &Part| part.native.members(ME).is_some_and(|members| THOUGHT_SIGNATURE.find(members).is_some());
        match &part.content {
            Content::Text { text, .. } => {
                let signed = is_signed(&part);
                if self.grows == Some(Grows::Text) {
                    let change = Change::Text(text.clone());
                    deltas.push(Delta { part: self.parts.saturating_sub(1), change, native: part.native });
                } else if text.is_empty() && !signed && self.parts > 0 {
                    // An empty text behind something else says nothing, and is no part of its own to anyone.
                    return self.piece(Change::Text(String::new()), value.clone(), deltas);
                } else {
                    self.begin(part, deltas);
                    self.grows = Some(Grows::Text);
                }
                self.text = Some(self.parts.saturating_sub(1));
                if signed {
                    self.grows = None;
                }
            }
            Content::Reasoning(reasoning) if part.native.get(ME, SIGNATURE_ONLY).is_some() => {
                if self.grows == Some(Grows::Thoughts) {
                    let change = Change::Signature(reasoning.signature.clone().unwrap_or_default());
                    let native = Native::new(ME, Map::new());
                    deltas.push(Delta { part: self.parts.saturating_sub(1), change, native });
                    self.grows = None;
                } else {
                    self.begin(part, deltas);
                }
            }
            Content::Reasoning(reasoning) => {
                let signed = reasoning.signature.is_some();
                if self.grows == Some(Grows::Thoughts) && !signed {
                    let change = Change::Reasoning(reasoning.text.clone());
                    deltas.push(Delta { part: self.parts.saturating_sub(1), change, native: part.native });
                } else {
                    self.begin(part, deltas);
                    self.grows = (!signed).then_some(Grows::Thoughts);
                }
            }
            Content::ToolCall(_) => {
                self.calls = true;
                self.begin(part, deltas);
            }
            _ => self.begin(part, deltas),
        }
    }

    fn begin(&mut self, part: Part, deltas: &mut Vec<Delta>) {
        deltas.push(Delta { part: self.parts, change: Change::Start(part), native: Native::new(ME, Map::new()) });
        self.parts += 1;
        self.grows = None;
    }

    /// A change of the last part that came as `value`, which is null where no event says it.
    fn piece(&mut self, change: Change, value: Value, deltas: &mut Vec<Delta>) {
        let part = self.open.as_ref().map_or(self.parts.saturating_sub(1), |(part, _)| *part);
        let mut native = Native::NONE;
        native.insert(ME, PIECE, value);
        deltas.push(Delta { part, change, native });
    }

    /// The first piece of a function call whose arguments arrive bit by bit.
    fn call_begins(&mut self, value: &Value, provider: &str, ids: &mut Ids, deltas: &mut Vec<Delta>) {
        // The call itself is neither a piece nor has any of the marks of one.
        let mut plain = value.clone();
        let mut partial = Partial::default();
        if let Some(object) = plain.as_object_mut() {
            let name = FUNCTION_CALL.in_object(object);
            if let Some(Value::Object(call)) = object.get_mut(name) {
                partial.take(call);
                for name in ["willContinue", "will_continue", "partialArgs", "partial_args", "args"] {
                    call.shift_remove(name);
                }
            }
        }
        for part in part::of_provider(provider, ids, plain) {
            let is_call = matches!(part.content, Content::ToolCall(_));
            self.whole(part, value, deltas);
            if let Some(delta) = deltas.last_mut() {
                // What signs the call is said by the same event.
                delta.native.insert(ME, PIECE, if is_call { value.clone() } else { Value::Null });
            }
            if is_call {
                self.open = Some((self.parts.saturating_sub(1), std::mem::take(&mut partial)));
            }
        }
    }

    fn call_goes_on(&mut self, value: &Value, call: &Map<String, Value>, deltas: &mut Vec<Delta>) {
        let Some((_, partial)) = &mut self.open else { return };
        let is_last = partial.take(call);
        let arguments = if is_last { partial.arguments() } else { String::new() };
        self.piece(Change::Arguments(arguments), value.clone(), deltas);
        if is_last {
            self.open = None;
        }
    }

    /// Ends a function call that was left open.
    fn end_call(&mut self, deltas: &mut Vec<Delta>) {
        if let Some((_, partial)) = &self.open {
            let arguments = partial.arguments();
            self.piece(Change::Arguments(arguments), Value::Null, deltas);
            self.open = None;
        }
    }

    fn cite(&mut self, citation: Citation, deltas: &mut Vec<Delta>) {
        if let Some(text) = self.text
            && !self.cited.contains(&citation)
        {
            self.cited.push(citation.clone());
            let native = Native::new(ME, Map::new());
            deltas.push(Delta { part: text, change: Change::Citation(citation), native });
        }
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let data = frame.data.trim_ascii();
        // An array leaves its brackets and commas behind; some hosts add OpenAI's mark.
        if data.iter().all(|byte| b"[],".contains(byte) || byte.is_ascii_whitespace()) || data == b"[DONE]" {
            return Ok(());
        }
        let members = match serde_json::from_slice(data) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(self.garbled("an event is not a JSON object")),
            Err(error) => return Err(self.garbled(&format!("an event is not valid JSON: {error}"))),
        };
        if frame.is_error || error::is_one(&members) {
            return Err(error::in_answer(&self.cx, &members).with_body(bytes::Bytes::copy_from_slice(data)));
        }
        let mut event = Event::read(members);
        let mut chunk = ChatChunk { id: event.id.take(), model: event.model.take(), ..ChatChunk::default() };
        if let Some(model) = &chunk.model {
            self.searches.by(model);
        }
        for candidate in std::mem::take(&mut event.candidates) {
            let choice = self.candidate(candidate);
            chunk.choices.push(choice);
        }
        if event.is_blocked && self.candidates.is_empty() && !std::mem::replace(&mut self.blocked, true) {
            chunk.choices.push(ChunkChoice {
                role: Some(Role::Assistant),
                finish_reason: Some(FinishReason::ContentFilter),
                native: answer::blocked(),
                ..ChunkChoice::default()
            });
        }
        if let Some(mut usage) = event.usage {
            usage.set(Meter::Query, self.searches.charged());
            chunk.usage = Some(usage);
        }
        chunk.service_tier = event.service_tier;
        chunk.native = Native::new(ME, event.rest);
        out.push(chunk);
        Ok(())
    }

    /// Nothing but the end of the connection ends a stream, so every candidate must have said why it ended.
    fn finish(&mut self, _out: &mut Vec<ChatChunk>) -> Result<()> {
        let whole = self.candidates.iter().all(|state| state.finished);
        if whole && (self.blocked || !self.candidates.is_empty()) {
            Ok(())
        } else {
            Err(Error::cut().with_provider(&self.cx.provider))
        }
    }
}

impl Decoder {
    fn garbled(&self, message: &str) -> Error {
        Error::bad_answer(message).with_provider(&self.cx.provider)
    }
}
