//! Chunks in, SSE events out.

use std::collections::BTreeMap;

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, Media, MediaKind, MediaSource, Part, Reasoning};
use llm_core::codec::{AnswerContext, Chat, StreamEncoder, Trailer};
use llm_core::{Error, Result, Usage};
use serde_json::{Map, Value, json};

use super::super::message::calls::{self, CALLS};
use super::super::message::reasoning::{self, DETAILS, Detail, append};
use super::super::message::{citations, images};
use super::super::{PROTOCOL, error, events, finish, tier, usage};
use super::plain::{self, TextEvent};

/// The encoder of one streamed answer.
///
/// Chunks of this protocol become the events they were; others become events in the full form that OpenAI's SDKs
/// expect, with usage in one event of its own at the end.
pub(in super::super) struct Encoder {
    cx: AnswerContext,
    id: String,
    model: String,
    created: i64,
    tier: Option<String>,
    choices: BTreeMap<u32, Said>,
    /// What is to be said at the end. Chunks of this protocol say it themselves.
    usage: Option<Usage>,
}

/// What was said of one choice.
#[derive(Default)]
struct Said {
    role: bool,
    /// Texts, thoughts and calls; what else there is has no place in this protocol.
    parts: BTreeMap<u32, SaidPart>,
    calls: u64,
    details: usize,
    characters: usize,
    /// Pictures whose data is still to come.
    pictures: BTreeMap<u32, Media>,
}

/// What the pieces of a part need to know of its beginning.
#[derive(Clone, Default)]
struct SaidPart {
    /// Of a tool call among the calls, or of a thought among the thoughts.
    index: u64,
    provider: Option<String>,
    /// Of a text, in characters.
    start: usize,
    /// Of a call that came in another protocol: where name and arguments stand, and whether it needs some yet.
    kind: &'static str,
    lacks_arguments: bool,
}

impl Encoder {
    /// At the beginning of a stream.
    pub(in super::super) fn new(cx: AnswerContext) -> Self {
        Self {
            id: format!("chatcmpl-{}", cx.id_seed),
            model: cx.model.clone(),
            created: cx.created,
            tier: None,
            choices: BTreeMap::new(),
            usage: None,
            cx,
        }
    }

    /// An event of a chunk of this protocol, as it was; none where it only holds usage that nobody asked for.
    fn own_event(&mut self, chunk: &ChatChunk) -> Option<Map<String, Value>> {
        let mut out = chunk.native.object(PROTOCOL);
        let says_usage = out.get("usage").is_some_and(Value::is_object);
        let only_usage = says_usage && chunk.choices.is_empty();
        if only_usage && !self.cx.include_usage {
            return None;
        }
        set(&mut out, "id", chunk.id.as_deref().map(Value::from));
        set(&mut out, "model", chunk.model.as_deref().map(Value::from));
        set(&mut out, "created", chunk.created.map(Value::from));
        set(&mut out, "service_tier", chunk.service_tier.as_deref().map(Value::from));
        if !chunk.choices.is_empty() {
            let choices = chunk.choices.iter().map(|choice| self.choice(choice)).collect();
            out.insert("choices".to_owned(), Value::Array(choices));
        }
        match &chunk.usage {
            Some(used) if says_usage => {
                out.insert("usage".to_owned(), usage::write(used));
            }
            Some(used) if !used.native.is_from(PROTOCOL) => self.usage = Some(used.clone()),
            _ => {}
        }
        Some(out)
    }

    /// A piece of text of another protocol, where it says nothing else and its choice has begun.
    fn text_event<'a>(&'a mut self, chunk: &'a ChatChunk) -> Option<TextEvent<'a>> {
        let choice = plain::only_text(chunk)?;
        let said = self.choices.get_mut(&choice.index()).filter(|said| said.role)?;
        said.characters += choice.characters();
        Some(TextEvent {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices: [choice],
            service_tier: self.tier.as_deref(),
            usage: self.cx.include_usage.then_some(()),
        })
    }

    /// An event in full form; none where the chunk says nothing that this protocol has a place for.
    fn full_event(&mut self, chunk: &ChatChunk) -> Option<Map<String, Value>> {
        if chunk.usage.is_some() {
            self.usage.clone_from(&chunk.usage);
        }
        let choices: Vec<Value> = chunk
            .choices
            .iter()
            .map(|choice| self.choice(choice))
            .filter(|choice| {
                let says_something = |delta: &Value| delta.as_object().is_some_and(|delta| !delta.is_empty());
                choice.get("delta").is_some_and(says_something)
                    || choice.get("finish_reason").is_some_and(|reason| !reason.is_null())
                    || choice.get("logprobs").is_some_and(|logprobs| !logprobs.is_null())
            })
            .collect();
        if choices.is_empty() {
            return None;
        }
        let mut out = self.envelope(Value::Array(choices));
        if self.cx.include_usage {
            out.insert("usage".to_owned(), Value::Null);
        }
        Some(out)
    }

    /// What every event of the stream repeats.
    fn learn(&mut self, chunk: &ChatChunk) {
        // Once the answer has begun, these are the same in every event: other protocols date each piece anew.
        if self.choices.is_empty() {
            if let Some(id) = chunk.id.as_ref().filter(|id| !id.is_empty()) {
                self.id.clone_from(id);
            }
            if let Some(model) = chunk.model.as_ref().filter(|model| !model.is_empty()) {
                self.model.clone_from(model);
            }
            self.created = chunk.created.unwrap_or(self.created);
        }
        if let Some(tier) = chunk.service_tier.as_deref() {
            let own = chunk.native.is_from(PROTOCOL);
            self.tier = if own { Some(tier) } else { tier::of_answer(tier) }.map(str::to_owned);
        }
    }

    fn envelope(&self, choices: Value) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("id".to_owned(), json!(self.id));
        out.insert("object".to_owned(), json!("chat.completion.chunk"));
        out.insert("created".to_owned(), json!(self.created));
        out.insert("model".to_owned(), json!(self.model));
        out.insert("choices".to_owned(), choices);
        set(&mut out, "service_tier", self.tier.as_deref().map(Value::from));
        out
    }

    fn choice(&mut self, choice: &ChunkChoice) -> Value {
        let own = choice.native.is_from(PROTOCOL);
        let said = self.choices.entry(choice.index).or_default();
        let mut out = choice.native.object(PROTOCOL);
        let shape = match out.remove("delta") {
            Some(Value::Object(delta)) => Some(delta),
            _ => None,
        };
        let has_delta = shape.is_some();
        let mut writer = DeltaWriter::new(shape.unwrap_or_default(), said);
        if own {
            if let Some(role) = choice.role.as_ref().filter(|_| writer.out.contains_key("role")) {
                writer.out.insert("role".to_owned(), json!(role));
            }
        } else if !writer.said.role {
            writer.said.role = true;
            writer.out.insert("role".to_owned(), json!("assistant"));
            writer.out.insert("content".to_owned(), json!(""));
        }
        for delta in &choice.deltas {
            writer.write(delta);
        }
        if choice.finish_reason.is_some() {
            writer.complete_arguments(|_| true);
            writer.complete_pictures(|_| true);
        }
        let (delta, has_calls) = writer.finish();
        if !own || out.contains_key("index") {
            out.insert("index".to_owned(), json!(choice.index));
        }
        if !own || has_delta || !delta.is_empty() {
            out.insert("delta".to_owned(), Value::Object(delta));
        }
        match &choice.logprobs {
            Some(logprobs) => {
                out.insert("logprobs".to_owned(), logprobs.clone());
            }
            None if !own => {
                out.insert("logprobs".to_owned(), Value::Null);
            }
            None => {}
        }
        match &choice.finish_reason {
            Some(reason) if own => {
                let word = finish::spelled(reason, out.get("finish_reason")).to_owned();
                out.insert("finish_reason".to_owned(), json!(word));
            }
            Some(reason) => {
                out.insert("finish_reason".to_owned(), json!(finish::canonical(Some(reason), has_calls)));
            }
            None if !own => {
                out.insert("finish_reason".to_owned(), Value::Null);
            }
            None => {}
        }
        Value::Object(out)
    }
}

/// Writes the changes of one choice into one delta.
struct DeltaWriter<'a> {
    out: Map<String, Value>,
    annotations: Vec<Value>,
    images: Vec<Value>,
    /// The call that began with the last piece, whose arguments belong to the same piece.
    begun: Option<u32>,
    said: &'a mut Said,
}

impl<'a> DeltaWriter<'a> {
    fn new(out: Map<String, Value>, said: &'a mut Said) -> Self {
        Self { out, annotations: Vec::new(), images: Vec::new(), begun: None, said }
    }

    fn write(&mut self, delta: &Delta) {
        let begun = self.begun.take();
        match &delta.change {
            Change::Start(part) => self.start(delta.part, part),
            Change::Text(text) => {
                self.said.characters += text.chars().count();
                match delta.native.get(PROTOCOL, "content") {
                    Some(Value::String(raw)) => append(&mut self.out, "content", raw),
                    Some(_) => {}
                    None => append(&mut self.out, "content", text),
                }
            }
            Change::Refusal(text) => append(&mut self.out, "refusal", text),
            Change::Reasoning(text) => self.thought(delta, text),
            Change::Signature(signature) => self.signature(delta.part, signature),
            Change::Encrypted(data) => self.encrypted(delta.part, data),
            Change::Arguments(text) => self.arguments(delta, text, begun),
            Change::Data(data) => self.data(delta.part, data),
            Change::Citation(citation) => {
                let start = self.said.parts.get(&delta.part).map_or(0, |part| part.start);
                self.annotations.extend(citations::write(citation, (start, self.said.characters)));
            }
            Change::Stop => {
                self.complete_arguments(|part| part == delta.part);
                self.complete_pictures(|part| part == delta.part);
            }
        }
    }

    fn start(&mut self, place: u32, part: &Part) {
        let mut known = SaidPart { start: self.said.characters, ..SaidPart::default() };
        match &part.content {
            Content::Text { text, citations } => {
                self.said.parts.insert(place, known);
                if !text.is_empty() {
                    self.write(&Delta::new(place, Change::Text(text.clone())));
                }
                for citation in citations {
                    self.write(&Delta::new(place, Change::Citation(citation.clone())));
                }
            }
            Content::Refusal { text } if !text.is_empty() => append(&mut self.out, "refusal", text),
            Content::Reasoning(thought) => {
                known.index = self.said.details as u64;
                known.provider.clone_from(&thought.provider);
                self.said.details += 1;
                self.said.parts.insert(place, known);
                // In this protocol the pieces that follow say where the thought stands, and carry its detail.
                let is_new = !part.native.is_from(PROTOCOL);
                if is_new && thought.encrypted.is_some() {
                    let index = self.said.details - 1;
                    self.detail(reasoning::fresh_detail(thought, Some(index)));
                    return;
                }
                if is_new && !thought.text.is_empty() {
                    self.write(&Delta::new(place, Change::Reasoning(thought.text.clone())));
                }
                if let Some(signature) = thought.signature.as_ref().filter(|_| is_new) {
                    self.write(&Delta::new(place, Change::Signature(signature.clone())));
                }
            }
            Content::ToolCall(call) => {
                known.index = self.said.calls;
                self.said.calls += 1;
                let piece = if part.native.is_from(PROTOCOL) {
                    calls::write(part, call)
                } else {
                    known.kind = calls::kind_of(call);
                    known.lacks_arguments = call.arguments.is_empty() && !call.is_custom;
                    let mut piece = calls::begun(call, &call.arguments);
                    piece["index"] = json!(known.index);
                    piece
                };
                self.call(piece);
                self.begun = Some(place);
                self.said.parts.insert(place, known);
            }
            Content::Media(media) if media.kind == MediaKind::Image => match &media.source {
                MediaSource::Base64 { data, .. } if data.is_empty() => {
                    self.said.pictures.insert(place, media.clone());
                }
                _ => self.images.extend(images::write(part)),
            },
            _ => {}
        }
    }

    fn thought(&mut self, delta: &Delta, text: &str) {
        if let Some(shape) = delta.native.members(PROTOCOL) {
            for (name, rest) in shape {
                match rest {
                    Value::Object(rest) if name == DETAILS => {
                        let thought = llm_core::chat::Reasoning { text: text.to_owned(), ..Default::default() };
                        self.detail(Detail::write(&thought, rest.clone()));
                    }
                    Value::String(raw) if name == "content" => append(&mut self.out, name, raw),
                    Value::String(_) => append(&mut self.out, name, text),
                    _ => {}
                }
            }
            return;
        }
        for name in ["reasoning_content", "reasoning"] {
            append(&mut self.out, name, text);
        }
        let known = self.said.parts.get(&delta.part).cloned().unwrap_or_default();
        let mut detail = json!({"type": "reasoning.text", "index": known.index, "text": text});
        if let Some(provider) = known.provider {
            detail["provider"] = json!(provider);
        }
        self.detail(detail);
    }

    fn signature(&mut self, part: u32, signature: &str) {
        let last = self.out.get_mut(DETAILS).and_then(Value::as_array_mut).and_then(|list| list.last_mut());
        if let Some(Value::Object(detail)) = last {
            append(detail, "signature", signature);
            return;
        }
        let Some(known) = self.said.parts.get(&part).cloned() else { return };
        let mut detail = json!({"type": "reasoning.text", "index": known.index, "signature": signature});
        if let Some(provider) = known.provider {
            detail["provider"] = json!(provider);
        }
        self.detail(detail);
    }

    fn encrypted(&mut self, part: u32, data: &str) {
        let provider = self.said.parts.get(&part).and_then(|known| known.provider.clone());
        let thought = Reasoning { encrypted: Some(data.to_owned()), provider, ..Reasoning::default() };
        // A detail of its own: the words of the thought stand in another.
        let index = self.said.details;
        self.said.details += 1;
        self.detail(reasoning::fresh_detail(&thought, Some(index)));
    }

    fn detail(&mut self, detail: Value) {
        push(&mut self.out, DETAILS, detail);
    }

    fn call(&mut self, piece: Value) {
        push(&mut self.out, CALLS, piece);
    }

    fn arguments(&mut self, delta: &Delta, text: &str, begun: Option<u32>) {
        match delta.native.get(PROTOCOL, CALLS) {
            Some(Value::Object(rest)) => {
                let mut piece = rest.clone();
                calls::write_inner(&mut piece, "", text);
                self.call(Value::Object(piece));
            }
            Some(_) => {}
            None if begun == Some(delta.part) => {
                self.has_arguments(delta.part, text);
                let last = self.out.get_mut(CALLS).and_then(Value::as_array_mut).and_then(|list| list.last_mut());
                if let Some(Value::Object(piece)) = last {
                    calls::write_inner(piece, "", text);
                }
            }
            None => {
                let Some(known) = self.said.parts.get(&delta.part) else { return };
                if !text.is_empty() {
                    let inner = Map::from_iter([(calls::arguments_member(known.kind).to_owned(), json!(text))]);
                    let piece = Map::from_iter([
                        ("index".to_owned(), json!(known.index)),
                        (known.kind.to_owned(), Value::Object(inner)),
                    ]);
                    let piece = Value::Object(piece);
                    self.has_arguments(delta.part, text);
                    self.call(piece);
                }
            }
        }
    }

    fn has_arguments(&mut self, part: u32, text: &str) {
        if let Some(known) = self.said.parts.get_mut(&part).filter(|_| !text.is_empty()) {
            known.lacks_arguments = false;
        }
    }

    /// Callers parse the arguments of a call that is whole: none are an empty object.
    fn complete_arguments(&mut self, parts: impl Fn(u32) -> bool) {
        let lacking = |(place, known): (&u32, &mut SaidPart)| {
            (parts(*place) && std::mem::take(&mut known.lacks_arguments)).then_some(known.index)
        };
        let lacking: Vec<u64> = self.said.parts.iter_mut().filter_map(lacking).collect();
        for index in lacking {
            self.call(json!({"index": index, "function": {"arguments": "{}"}}));
        }
    }

    /// A picture is told when it is whole, which clients take it for.
    fn complete_pictures(&mut self, parts: impl Fn(u32) -> bool) {
        let whole = self.said.pictures.extract_if(.., |place, _| parts(*place));
        self.images.extend(whole.filter_map(|(_, media)| images::write(&media.into())));
    }

    /// The rest of the sound's object stands in the delta of an event of this protocol; others have no sound.
    fn data(&mut self, part: u32, data: &str) {
        if let Some(Media { source: MediaSource::Base64 { data: picture, .. }, .. }) = self.said.pictures.get_mut(&part)
        {
            picture.push_str(data);
            return;
        }
        if let Some(Value::Object(audio)) = self.out.get_mut("audio").filter(|_| !data.is_empty()) {
            append(audio, "data", data);
        }
    }

    fn finish(mut self) -> (Map<String, Value>, bool) {
        citations::put(self.annotations, &mut self.out);
        images::put(self.images, &mut self.out);
        (self.out, self.said.calls > 0)
    }
}

fn push(out: &mut Map<String, Value>, name: &str, item: Value) {
    match out.get_mut(name) {
        Some(Value::Array(list)) => list.push(item),
        _ => {
            out.insert(name.to_owned(), Value::Array(vec![item]));
        }
    }
}

fn set(out: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        out.insert(name.to_owned(), value);
    }
}

fn write_event(event: &impl serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *out, event)
        .map_err(|error| Error::new(llm_core::ErrorKind::Internal, "an event can't be written").with_source(error))?;
    out.extend_from_slice(b"\n\n");
    Ok(())
}

impl StreamEncoder<Chat> for Encoder {
    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        self.learn(chunk);
        let event = if chunk.native.is_from(PROTOCOL) {
            self.own_event(chunk)
        } else if let Some(event) = self.text_event(chunk) {
            return write_event(&event, out);
        } else {
            self.full_event(chunk)
        };
        match event {
            Some(event) => write_event(&event, out),
            None => Ok(()),
        }
    }

    fn finish(&mut self, _: &Trailer, out: &mut Vec<u8>) {
        if let Some(used) = self.usage.take().filter(|_| self.cx.include_usage) {
            let mut event = self.envelope(json!([]));
            event.insert("usage".to_owned(), usage::write(&used));
            // A map of strings and numbers can always be written.
            let _ = write_event(&event, out);
        }
        events::write_done(out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        let _ = write_event(&error::envelope(error), out);
    }
}
