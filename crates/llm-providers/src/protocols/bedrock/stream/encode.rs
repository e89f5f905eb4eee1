//! Chunks in, events out.

use llm_core::chat::{Change, ChatChunk, Content, Delta, FinishReason, Part, Role};
use llm_core::codec::{Chat, StreamEncoder, Trailer};
use llm_core::{Error, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::super::block::{self, DELTA, EVENT};
use super::super::{ME, error, finish, usage};
use super::INDEX;
use crate::framing::{self, AwsMessage};
use crate::protocols::aws;

/// Writes the events of one answer. Chunks of this protocol become the events that they came from; of others, those that
/// AWS's SDKs need.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    started: bool,
    /// Parts that were begun and not said to have ended.
    open: Vec<u32>,
    reason: Option<FinishReason>,
    reason_native: Native,
    usage: Option<Usage>,
    /// Whether the reason stands on the wire.
    reasoned: bool,
    /// Whether the usage does.
    metered: bool,
    /// Whether nothing may follow.
    over: bool,
}

impl Encoder {
    fn start(&mut self, role: Option<&Role>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            let role = role.map_or("assistant", Role::as_str);
            event(out, "messageStart", &json!({ "role": role }));
        }
    }

    /// An event that says something of the whole answer, as it came.
    fn again(&mut self, name: &str, kept: &Map<String, Value>, chunk: &ChatChunk, out: &mut Vec<u8>) {
        let mut object = kept.clone();
        let choice = chunk.choices.first();
        match name {
            "messageStart" => {
                self.started = true;
                if let Some(role) = choice.and_then(|choice| choice.role.as_ref()) {
                    object.insert("role".to_owned(), role.as_str().into());
                }
            }
            "messageStop" => {
                self.reasoned = true;
                if let Some(choice) = choice.filter(|choice| choice.finish_reason.is_some()) {
                    let word = finish::write(choice.finish_reason.as_ref(), &choice.native);
                    object.insert("stopReason".to_owned(), word.into());
                }
            }
            "metadata" => {
                self.metered = true;
                if let Some(usage) = &chunk.usage {
                    object.insert("usage".to_owned(), usage::write(usage).into());
                }
            }
            _ => {}
        }
        event(out, name, &Value::Object(object));
    }

    fn take(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        if delta.native.get(ME, EVENT).is_some_and(Value::is_null) {
            // Said by no event.
            return;
        }
        let own = delta.native.is_from(ME);
        match &delta.change {
            Change::Start(part) => self.begin(delta, part, own, out),
            Change::Stop => {
                self.open.retain(|open| *open != delta.part);
                block_event(out, "contentBlockStop", delta, None);
            }
            Change::Text(text) | Change::Refusal(text) => {
                piece(out, delta, own || !text.is_empty(), &["text"], text.as_str().into());
            }
            Change::Reasoning(text) => {
                piece(out, delta, own || !text.is_empty(), &["reasoningContent", "text"], text.as_str().into());
            }
            Change::Signature(text) => {
                piece(out, delta, own || !text.is_empty(), &["reasoningContent", "signature"], text.as_str().into());
            }
            Change::Encrypted(data) => {
                piece(out, delta, true, &["reasoningContent", "redactedContent"], data.as_str().into());
            }
            Change::Arguments(text) => {
                piece(out, delta, own || !text.is_empty(), &["toolUse", "input"], text.as_str().into());
            }
            Change::Citation(citation) => {
                piece(out, delta, true, &["citation"], block::write_citation(citation));
            }
            // Pictures come whole in this protocol, or not at all.
            Change::Data(_) => {}
        }
    }

    fn begin(&mut self, delta: &Delta, part: &Part, own: bool, out: &mut Vec<u8>) {
        if !own {
            // A text or thought ends where the next part begins.
            self.end_open(out);
            self.open.push(delta.part);
        }
        let first = |change: Change| Delta::new(delta.part, change);
        match &part.content {
            Content::Reasoning(reasoning) if reasoning.encrypted.is_some() => {
                let data = reasoning.encrypted.as_deref().unwrap_or_default();
                piece(out, delta, true, &["reasoningContent", "redactedContent"], data.into());
            }
            Content::ToolCall(_) | Content::ServerToolCall(_) => {
                let mut start = block::answer(part).into_iter().next().unwrap_or_default();
                let input = start.get_mut("toolUse").and_then(Value::as_object_mut);
                let input = input.and_then(|tool| tool.shift_remove("input"));
                let kept = part.native.get(ME, "toolUse").and_then(|kept| kept.get("input"));
                if let (Some(kept), Some(tool)) = (kept, start.get_mut("toolUse").and_then(Value::as_object_mut)) {
                    tool.insert("input".to_owned(), kept.clone());
                }
                block_event(out, "contentBlockStart", delta, Some(("start", start)));
                let whole = input.filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
                if let Some(whole) = whole.filter(|_| !own) {
                    self.take(&first(Change::Arguments(whole.to_string())), out);
                }
            }
            _ if own => {
                let start = block::answer(part).into_iter().next().unwrap_or_default();
                block_event(out, "contentBlockStart", delta, Some(("start", start)));
            }
            Content::Text { text, citations } => {
                self.take(&first(Change::Text(text.clone())), out);
                for citation in citations {
                    self.take(&first(Change::Citation(citation.clone())), out);
                }
            }
            Content::Refusal { text } => self.take(&first(Change::Text(text.clone())), out),
            Content::Reasoning(reasoning) => {
                self.take(&first(Change::Reasoning(reasoning.text.clone())), out);
                if let Some(signature) = &reasoning.signature {
                    self.take(&first(Change::Signature(signature.clone())), out);
                }
            }
            // Another protocol's own.
            _ => self.open.retain(|open| *open != delta.part),
        }
    }

    fn end_open(&mut self, out: &mut Vec<u8>) {
        for part in std::mem::take(&mut self.open) {
            block_event(out, "contentBlockStop", &Delta::new(part, Change::Stop), None);
        }
    }
}

impl StreamEncoder<Chat> for Encoder {
    fn content_type(&self) -> &'static str {
        "application/vnd.amazon.eventstream"
    }

    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        if chunk.usage.is_some() {
            self.usage.clone_from(&chunk.usage);
        }
        if let Some(Value::Object(kept)) = chunk.native.get(ME, EVENT) {
            for (name, event) in kept {
                if let Value::Object(event) = event {
                    self.again(name, event, chunk, out);
                }
            }
            return Ok(());
        }
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            if !chunk.native.is_from(ME) {
                self.start(choice.role.as_ref(), out);
            }
            for delta in &choice.deltas {
                self.take(delta, out);
            }
            if choice.finish_reason.is_some() {
                self.reason.clone_from(&choice.finish_reason);
                self.reason_native.clone_from(&choice.native);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _trailer: &Trailer, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        self.over = true;
        if !self.reasoned {
            self.start(None, out);
            self.end_open(out);
            let word = finish::write(self.reason.as_ref(), &self.reason_native);
            event(out, "messageStop", &json!({ "stopReason": word }));
        }
        if !self.metered {
            let usage = usage::write(self.usage.as_ref().unwrap_or(Usage::NONE));
            event(out, "metadata", &json!({"usage": usage, "metrics": {"latencyMs": 0}}));
        }
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.over = true;
        // In streams the names begin with a small letter.
        let mut name = aws::name_of(error.kind()).to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        framing::write_aws_message(AwsMessage::Exception, &name, error::body(error).to_string().as_bytes(), out);
    }
}

/// A delta of a block: `value` at a path of members, in what was kept of it. Only where there is something to say.
fn piece(out: &mut Vec<u8>, delta: &Delta, says_something: bool, path: &[&str], value: Value) {
    if !says_something {
        return;
    }
    let mut object = match delta.native.get(ME, DELTA) {
        Some(Value::Object(kept)) => kept.clone(),
        _ => Map::new(),
    };
    match path {
        [outer, name] => {
            let mut inner = match object.shift_remove(*outer) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            inner.insert((*name).to_owned(), value);
            object.insert((*outer).to_owned(), inner.into());
        }
        path => {
            for name in path {
                object.insert((*name).to_owned(), value.clone());
            }
        }
    }
    block_event(out, "contentBlockDelta", delta, Some(("delta", object.into())));
}

/// An event of a block, with what was kept of it.
fn block_event(out: &mut Vec<u8>, name: &str, delta: &Delta, member: Option<(&str, Value)>) {
    let mut object = Map::new();
    object.insert(INDEX.to_owned(), delta.part.into());
    if let Some(Value::Object(kept)) = delta.native.get(ME, EVENT) {
        object.extend(kept.clone());
    }
    if object.get(INDEX).is_some_and(|said| said.as_array().is_some_and(Vec::is_empty)) {
        object.shift_remove(INDEX);
    }
    if let Some((member, value)) = member {
        object.insert(member.to_owned(), value);
    }
    event(out, name, &Value::Object(object));
}

fn event(out: &mut Vec<u8>, name: &str, data: &Value) {
    framing::write_aws_message(AwsMessage::Event, name, data.to_string().as_bytes(), out);
}
