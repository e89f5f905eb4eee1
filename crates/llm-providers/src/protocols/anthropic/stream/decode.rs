//! Events in, chunks out.

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, Role};
use llm_core::codec::{Chat, DecodeContext, Frame, StreamDecoder};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value, json};

use super::super::block::{self, DELTA, EVENT};
use super::super::{ME, answer, error, host, usage};
use crate::protocols::aws;
use crate::protocols::blocks::{Kind, OpenBlocks};

/// Reads the events of one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    cx: DecodeContext,
    /// The usage so far, as Anthropic writes it.
    usage: Map<String, Value>,
    blocks: OpenBlocks,
    started: bool,
    /// Whether the reason for stopping was said.
    reasoned: bool,
    stopped: bool,
}

impl Decoder {
    pub(crate) fn new(cx: &DecodeContext) -> Self {
        Self {
            cx: cx.clone(),
            usage: Map::new(),
            blocks: OpenBlocks::default(),
            started: false,
            reasoned: false,
            stopped: false,
        }
    }

    fn message_start(&mut self, members: Map<String, Value>) -> Option<ChatChunk> {
        let mut event = Fields::new(members);
        let Some(mut message) = event.take_object("message") else { return Some(whole(event.into_members())) };
        let mut chunk = ChatChunk { id: message.take_nonempty("id"), model: message.take_nonempty("model"), ..own() };
        if let Some(object) = message.take_object("usage") {
            self.add_usage(&object.into_members(), &mut chunk);
        }
        if std::mem::replace(&mut self.started, true) {
            // A second beginning can say nothing new but usage.
            return chunk.usage.is_some().then(|| ChatChunk { id: None, model: None, ..chunk });
        }
        chunk.choices.push(ChunkChoice { role: Some(Role::Assistant), ..ChunkChoice::default() });
        chunk.native = message.into_native(ME);
        chunk.native.insert(ME, EVENT, event.into_members().into());
        Some(chunk)
    }

    fn block_start(&mut self, members: Map<String, Value>) -> ChatChunk {
        let mut event = Fields::new(members);
        let (Some(index), Some(_)) = (event.get("index").and_then(Value::as_u64), event.get("content_block")) else {
            return whole(event.into_members());
        };
        let block = event.take("content_block").unwrap_or_default();
        change(vec![self.begin(index, block, Some(event))])
    }

    /// Begins the part that `block` says; `event` is what is left of the event that said so. One that no event said
    /// stands beside the block whose number its pieces have.
    fn begin(&mut self, index: u64, block: Value, event: Option<Fields>) -> Delta {
        let given = block.get("input").and_then(Value::as_object).filter(|input| !input.is_empty()).cloned();
        let mut part = block::of_provider(&self.cx.provider, block);
        let kind = Kind::of(&part);
        let mut input = None;
        if let Content::ToolCall(llm_core::chat::ToolCall { arguments: text, .. })
        | Content::ServerToolCall(llm_core::chat::ServerToolCall { input: text, .. }) = &mut part.content
        {
            // The input comes in pieces, in front of which there must be nothing.
            let text = std::mem::take(text);
            input = Some(if text.is_empty() { "{}".to_owned() } else { text });
            if let Some(given) = given {
                part.native.insert(ME, "input", given.into());
            }
        }
        let (number, event) = match event {
            Some(event) => (self.blocks.begin(index, kind, input), event),
            None => {
                let event = Fields::new(Map::from_iter([("index".to_owned(), index.into())]));
                (self.blocks.begin_beside(index, kind, input), event)
            }
        };
        Delta { part: number, change: Change::Start(part), native: rest(event, None, index, number) }
    }

    fn block_delta(&mut self, members: Map<String, Value>) -> ChatChunk {
        let mut event = Fields::new(members);
        let index = event.get("index").and_then(Value::as_u64);
        let delta = event.get("delta");
        let fits = |kind| delta.is_some_and(|delta| takes(kind, delta));
        let mut deltas = Vec::with_capacity(1);
        // What pieces a block of an unheard-of kind has, nobody knows: they stay what they are.
        if let Some(index) = index
            && self.blocks.find_that(index, |kind| kind == Kind::Other || fits(kind)).is_none()
            && let Some(block) = delta.and_then(unannounced)
        {
            deltas.push(self.begin(index, block, None));
        }
        let known = index.and_then(|index| self.blocks.find_that(index, fits));
        let Some(open) = known else { return whole(event.into_members()) };
        let Some(mut delta) = event.take_object("delta") else { return whole(event.into_members()) };
        let text = |delta: &mut Fields, name| delta.take_text(name).unwrap_or_default();
        let what = match delta.text("type").unwrap_or_default() {
            "thinking_delta" => Change::Reasoning(text(&mut delta, "thinking")),
            "signature_delta" => Change::Signature(text(&mut delta, "signature")),
            "input_json_delta" => {
                let piece = text(&mut delta, "partial_json");
                if !piece.is_empty() {
                    open.input = None;
                }
                Change::Arguments(piece)
            }
            "citations_delta" => match delta.take_object("citation") {
                Some(citation) => Change::Citation(block::read_citation(citation.into_members())),
                None => Change::Text(String::new()),
            },
            _ => Change::Text(text(&mut delta, "text")),
        };
        let (index, part) = (open.index, open.part);
        deltas.push(Delta { part, change: what, native: rest(event, Some(delta), index, part) });
        change(deltas)
    }

    fn block_stop(&mut self, members: Map<String, Value>) -> ChatChunk {
        let index = members.get("index").and_then(Value::as_u64);
        let Some(open) = index.and_then(|index| self.blocks.end(index)) else { return whole(members) };
        let mut deltas = Vec::with_capacity(1);
        if let Some(input) = open.input {
            // No piece came: what the first event gave is the input, which no event says.
            let mut native = Native::NONE;
            native.insert(ME, EVENT, Value::Null);
            deltas.push(Delta { part: open.part, change: Change::Arguments(input), native });
        }
        let native = rest(Fields::new(members), None, open.index, open.part);
        deltas.push(Delta { part: open.part, change: Change::Stop, native });
        change(deltas)
    }

    fn message_delta(&mut self, members: Map<String, Value>) -> ChatChunk {
        let mut chunk = own();
        if let Some(Value::Object(object)) = members.get("usage") {
            self.add_usage(object, &mut chunk);
        }
        let mut event = Fields::new(members.clone());
        if let Some(mut delta) = event.take_object("delta") {
            let (finish_reason, native) = answer::take_reason(&mut delta);
            if finish_reason.is_some() {
                self.reasoned = true;
                chunk.choices.push(ChunkChoice { finish_reason, native, ..ChunkChoice::default() });
            }
            keep(&mut chunk.native, delta);
        }
        event.take("usage");
        keep(&mut chunk.native, event);
        chunk.native.insert(ME, EVENT, members.into());
        chunk
    }

    fn add_usage(&mut self, later: &Map<String, Value>, chunk: &mut ChatChunk) {
        usage::merge(&mut self.usage, later);
        chunk.service_tier = answer::tier(later);
        chunk.usage = Some(usage::read(self.usage.clone()));
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        if frame.is_error {
            // Only AWS's framing says so.
            return Err(aws::exception(&self.cx, frame));
        }
        let wrapped;
        let data = match frame.event {
            host::CHUNK => {
                wrapped = host::unwrap(&self.cx, frame.data)?;
                wrapped.as_slice()
            }
            _ => frame.data,
        };
        let data = data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let members = match serde_json::from_slice(data) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(self.garbled("an event is not a JSON object")),
            Err(error) => return Err(self.garbled(&format!("an event is not valid JSON: {error}"))),
        };
        let kind = members.get("type").and_then(Value::as_str).unwrap_or(frame.event);
        if kind == "error" || (kind.is_empty() && members.contains_key("error")) {
            return Err(error::in_answer(&self.cx, &members).with_body(bytes::Bytes::copy_from_slice(data)));
        }
        match kind {
            "message_start" => out.extend(self.message_start(members)),
            "content_block_start" => out.push(self.block_start(members)),
            "content_block_delta" => out.push(self.block_delta(members)),
            "content_block_stop" => out.push(self.block_stop(members)),
            "message_delta" => out.push(self.message_delta(members)),
            "message_stop" => {
                self.stopped = true;
                if members.len() > 1 {
                    out.push(whole(members));
                }
            }
            _ => out.push(whole(members)),
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<ChatChunk>) -> Result<()> {
        if self.stopped || (self.cx.no_done && self.reasoned) {
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

/// Whether `delta` is one that the vocabulary has, with the member that it needs, and fits a block of this kind.
fn takes(kind: Kind, delta: &Value) -> bool {
    let has = |name: &str, fits: fn(&Value) -> bool| delta.get(name).is_some_and(fits);
    match (kind, delta.get("type").and_then(Value::as_str)) {
        (Kind::Text, Some("text_delta")) => has("text", Value::is_string),
        (Kind::Text, Some("citations_delta")) => has("citation", Value::is_object),
        (Kind::Thinking, Some("thinking_delta")) => has("thinking", Value::is_string),
        (Kind::Thinking, Some("signature_delta")) => has("signature", Value::is_string),
        (Kind::Tool, Some("input_json_delta")) => has("partial_json", Value::is_string),
        _ => false,
    }
}

/// The block that a delta belongs to where no event announced one: its text is not to be lost.
fn unannounced(delta: &Value) -> Option<Value> {
    if takes(Kind::Text, delta) {
        Some(json!({"type": "text", "text": ""}))
    } else if takes(Kind::Thinking, delta) {
        Some(json!({"type": "thinking", "thinking": "", "signature": ""}))
    } else {
        None
    }
}

/// A chunk that is known to be Anthropic's.
fn own() -> ChatChunk {
    ChatChunk { native: Native::new(ME, Map::new()), ..ChatChunk::default() }
}

fn whole(event: Map<String, Value>) -> ChatChunk {
    let mut chunk = own();
    chunk.native.insert(ME, EVENT, event.into());
    chunk
}

fn change(deltas: Vec<Delta>) -> ChatChunk {
    let mut chunk = own();
    chunk.choices.push(ChunkChoice { deltas, ..ChunkChoice::default() });
    chunk
}

/// Keeps members for the answer that the chunks add up to, whose own `type` is another.
fn keep(native: &mut Native, fields: Fields) {
    for (name, value) in fields.into_members() {
        if name != "type" {
            native.insert(ME, name, value);
        }
    }
}

/// What is left of the event and of its delta, beside what every such event has.
fn rest(mut event: Fields, delta: Option<Fields>, index: u64, part: u32) -> Native {
    if index == u64::from(part) {
        event.take("index");
    }
    event.take("type");
    let mut kept = Map::new();
    if !event.is_empty() {
        kept.insert(EVENT.to_owned(), event.into_members().into());
    }
    if let Some(mut delta) = delta {
        delta.take("type");
        if !delta.is_empty() {
            kept.insert(DELTA.to_owned(), delta.into_members().into());
        }
    }
    Native::new(ME, kept)
}
