//! Events in, chunks out.

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, Part, Reasoning, Role};
use llm_core::codec::{Chat, DecodeContext, Frame, StreamDecoder};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::super::block::{self, DELTA, EVENT, Speaker};
use super::super::{ME, answer, usage};
use super::INDEX;
use crate::protocols::aws;
use crate::protocols::blocks::{Kind, OpenBlocks};

/// Reads the events of one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    cx: DecodeContext,
    blocks: OpenBlocks,
    /// Whether the reason for stopping was said.
    stopped: bool,
    /// Whether the usage was.
    metered: bool,
}

impl Decoder {
    pub(crate) fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone(), blocks: OpenBlocks::default(), stopped: false, metered: false }
    }

    fn message_start(&self, mut event: Fields) -> ChatChunk {
        let role = event.take_text("role").map(|role| Role::from(role.as_str()));
        // Bedrock does not say which model answers.
        let model = Some(self.cx.model.clone()).filter(|model| !model.is_empty());
        let choices = vec![ChunkChoice { role, ..ChunkChoice::default() }];
        ChatChunk { model, choices, ..whole("messageStart", event.into_members()) }
    }

    fn block_start(&mut self, mut event: Fields) -> ChatChunk {
        if event.get("start").is_none() {
            return whole("contentBlockStart", event.into_members());
        }
        let index = number(&event);
        let start = event.take("start").unwrap_or_default();
        let part = block::one(String::new(), start.clone(), Speaker::Provider(&self.cx.provider));
        let mut part = part.unwrap_or_else(|_| Content::Unknown { protocol: ME, value: start }.into());
        let input = take_given(&mut part);
        let mut deltas = Vec::with_capacity(1);
        let number = self.begin(index, Kind::of(&part), part, input, &mut deltas);
        if let Some(begun) = deltas.last_mut() {
            begun.native = rest(event, None, number);
            // That it was said by an event is told even where nothing is left of it.
            if begun.native.get(ME, EVENT).is_none() {
                begun.native.insert(ME, EVENT, Map::new().into());
            }
        }
        change(deltas)
    }

    /// Begins a part, as if no event had announced it.
    fn begin(&mut self, index: u64, kind: Kind, part: Part, input: Option<String>, deltas: &mut Vec<Delta>) -> u32 {
        let number = self.blocks.begin(index, kind, input);
        deltas.push(Delta { part: number, change: Change::Start(part), native: said_by_none() });
        number
    }

    fn block_delta(&mut self, mut event: Fields) -> ChatChunk {
        let index = number(&event);
        let begun = self.blocks.find(index).map(|open| (open.part, open.kind));
        let what = event.get("delta").and_then(|delta| Piece::of(delta, begun.map(|(_, kind)| kind)));
        let Some(what) = what else {
            return whole("contentBlockDelta", event.into_members());
        };
        let Some(mut delta) = event.take_object("delta") else {
            return whole("contentBlockDelta", event.into_members());
        };
        let mut deltas = Vec::with_capacity(2);
        if what == Piece::Redacted {
            return self.redacted(index, event, delta);
        }
        let part = match begun {
            Some((part, _)) => part,
            None => {
                let (kind, part) = match what {
                    Piece::Thought | Piece::Signature => {
                        let provider = Some(self.cx.provider.clone());
                        (Kind::Thinking, Part::from(Reasoning { provider, ..Reasoning::default() }))
                    }
                    _ => (Kind::Text, Part::text("")),
                };
                self.begin(index, kind, part, None, &mut deltas)
            }
        };
        let change_of_part = what.take(&mut delta);
        if let Change::Arguments(piece) = &change_of_part
            && !piece.is_empty()
            && let Some(open) = self.blocks.find(index)
        {
            open.input = None;
        }
        let native = rest(event, Some(delta), part);
        deltas.push(Delta { part, change: change_of_part, native });
        change(deltas)
    }

    /// Thoughts that the provider hides come whole, and no event announces them.
    fn redacted(&mut self, index: u64, event: Fields, mut delta: Fields) -> ChatChunk {
        let mut inner = delta.take_object("reasoningContent").unwrap_or_else(|| Fields::new(Map::new()));
        let encrypted = inner.take_text("redactedContent");
        if !inner.is_empty() {
            delta.put("reasoningContent", inner.into_members().into());
        }
        let reasoning = Reasoning { encrypted, provider: Some(self.cx.provider.clone()), ..Reasoning::default() };
        let mut deltas = Vec::with_capacity(1);
        let number = self.begin(index, Kind::Other, reasoning.into(), None, &mut deltas);
        if let Some(begun) = deltas.last_mut() {
            begun.native = rest(event, Some(delta), number);
            // That it was said by a delta is told even where nothing is left of it.
            if begun.native.get(ME, DELTA).is_none() {
                begun.native.insert(ME, DELTA, Map::new().into());
            }
        }
        change(deltas)
    }

    fn block_stop(&mut self, event: Fields) -> ChatChunk {
        let index = number(&event);
        let Some(open) = self.blocks.end(index) else {
            return whole("contentBlockStop", event.into_members());
        };
        let mut deltas = Vec::with_capacity(1);
        if let Some(input) = open.input {
            // No piece came: what the first event gave is the input, which no event says.
            let change = Change::Arguments(input);
            deltas.push(Delta { part: open.part, change, native: said_by_none() });
        }
        let native = rest(event, None, open.part);
        deltas.push(Delta { part: open.part, change: Change::Stop, native });
        change(deltas)
    }

    fn message_stop(&mut self, mut event: Fields) -> ChatChunk {
        self.stopped = true;
        let (finish_reason, native) = answer::take_reason(&mut event);
        let choices = vec![ChunkChoice { finish_reason, native, ..ChunkChoice::default() }];
        ChatChunk { choices, ..with_answer("messageStop", event) }
    }

    fn metadata(&mut self, mut event: Fields) -> ChatChunk {
        self.metered = true;
        let service_tier = answer::tier(&event);
        let usage = event.take_object("usage").map(|usage| usage::read(usage.into_members()));
        ChatChunk { usage, service_tier, ..with_answer("metadata", event) }
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        if frame.is_error {
            return Err(aws::exception(&self.cx, frame));
        }
        if frame.data.is_empty() {
            return Ok(());
        }
        let garbled = |message: &str| Error::bad_answer(message).with_provider(&self.cx.provider);
        let event = match serde_json::from_slice(frame.data) {
            Ok(Value::Object(members)) => Fields::new(members),
            Ok(_) => return Err(garbled("an event is not a JSON object")),
            Err(error) => return Err(garbled(&format!("an event is not valid JSON: {error}"))),
        };
        out.push(match frame.event {
            "messageStart" => self.message_start(event),
            "contentBlockStart" => self.block_start(event),
            "contentBlockDelta" => self.block_delta(event),
            "contentBlockStop" => self.block_stop(event),
            "messageStop" => self.message_stop(event),
            "metadata" => self.metadata(event),
            name => whole(name, event.into_members()),
        });
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<ChatChunk>) -> Result<()> {
        if self.stopped && (self.metered || self.cx.no_done) {
            Ok(())
        } else {
            Err(Error::cut().with_provider(&self.cx.provider))
        }
    }
}

/// What a `delta` brings.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Text,
    Citation,
    Thought,
    Signature,
    Redacted,
    Input,
}

impl Piece {
    /// The piece that the vocabulary has, with the member that it needs, if it fits the block. A block that has not begun
    /// may begin with any but a tool's input.
    fn of(delta: &Value, block: Option<Kind>) -> Option<Self> {
        let is = |pointer: &str, fits: fn(&Value) -> bool| delta.pointer(pointer).is_some_and(fits);
        let (piece, kind) = if is("/text", Value::is_string) {
            (Self::Text, Kind::Text)
        } else if is("/citation", Value::is_object) {
            (Self::Citation, Kind::Text)
        } else if is("/reasoningContent/text", Value::is_string) {
            (Self::Thought, Kind::Thinking)
        } else if is("/reasoningContent/signature", Value::is_string) {
            (Self::Signature, Kind::Thinking)
        } else if is("/reasoningContent/redactedContent", Value::is_string) {
            return block.is_none().then_some(Self::Redacted);
        } else if is("/toolUse/input", Value::is_string) {
            return (block == Some(Kind::Tool)).then_some(Self::Input);
        } else {
            return None;
        };
        block.is_none_or(|block| block == kind).then_some(piece)
    }

    fn take(self, delta: &mut Fields) -> Change {
        match self {
            Self::Text => Change::Text(delta.take_text("text").unwrap_or_default()),
            Self::Thought => Change::Reasoning(take_in(delta, "reasoningContent", "text")),
            Self::Signature => Change::Signature(take_in(delta, "reasoningContent", "signature")),
            Self::Input => Change::Arguments(take_in(delta, "toolUse", "input")),
            Self::Citation => match delta.take_object("citation") {
                Some(citation) => Change::Citation(block::read_citation(citation.into_members())),
                None => Change::Text(String::new()),
            },
            // Begins a part and changes none.
            Self::Redacted => Change::Reasoning(String::new()),
        }
    }
}

/// Takes a text out of an object within a delta; what is left of the object stays.
fn take_in(delta: &mut Fields, outer: &str, name: &str) -> String {
    let Some(mut inner) = delta.take_object(outer) else { return String::new() };
    let text = inner.take_text(name).unwrap_or_default();
    if !inner.is_empty() {
        delta.put(outer, inner.into_members().into());
    }
    text
}

/// Takes the input that a tool's first event gives, so that pieces can follow; none for what is no tool.
fn take_given(part: &mut Part) -> Option<String> {
    let text = match &mut part.content {
        Content::ToolCall(call) => &mut call.arguments,
        Content::ServerToolCall(call) => &mut call.input,
        _ => return None,
    };
    let given = std::mem::take(text);
    if given.is_empty() {
        return Some("{}".to_owned());
    }
    let mut tool = match part.native.get(ME, "toolUse") {
        Some(Value::Object(tool)) => tool.clone(),
        _ => Map::new(),
    };
    tool.insert("input".to_owned(), serde_json::from_str(&given).unwrap_or_default());
    part.native.insert(ME, "toolUse", tool.into());
    Some(given)
}

/// The number of a block; the first where none is said.
fn number(event: &Fields) -> u64 {
    event.get(INDEX).and_then(Value::as_u64).unwrap_or(0)
}

/// A chunk that keeps a whole event under its name.
fn whole(name: &str, event: Map<String, Value>) -> ChatChunk {
    let mut named = Map::new();
    named.insert(name.to_owned(), event.into());
    let mut native = Native::new(ME, Map::new());
    native.insert(ME, EVENT, named.into());
    ChatChunk { native, ..ChatChunk::default() }
}

/// The same, with what the whole answer has of the event: all but its padding.
fn with_answer(name: &str, event: Fields) -> ChatChunk {
    let event = event.into_members();
    let mut chunk = whole(name, event.clone());
    for (name, value) in event.into_iter().filter(|(name, _)| name != "p") {
        chunk.native.insert(ME, name, value);
    }
    chunk
}

fn change(deltas: Vec<Delta>) -> ChatChunk {
    let choices = vec![ChunkChoice { deltas, ..ChunkChoice::default() }];
    ChatChunk { choices, native: Native::new(ME, Map::new()), ..ChatChunk::default() }
}

/// The mark of a change that no event said.
fn said_by_none() -> Native {
    let mut native = Native::NONE;
    native.insert(ME, EVENT, Value::Null);
    native
}

/// What is left of the event and of its delta, beside what every such event has.
fn rest(mut event: Fields, delta: Option<Fields>, part: u32) -> Native {
    match event.get(INDEX) {
        Some(said) if said.as_u64() == Some(u64::from(part)) => {
            event.take(INDEX);
        }
        Some(_) => {}
        // An empty shape says that none was said.
        None => event.put(INDEX, Value::Array(Vec::new())),
    }
    let mut kept = Map::new();
    if !event.is_empty() {
        kept.insert(EVENT.to_owned(), event.into_members().into());
    }
    if let Some(delta) = delta.filter(|delta| !delta.is_empty()) {
        kept.insert(DELTA.to_owned(), delta.into_members().into());
    }
    Native::new(ME, kept)
}
