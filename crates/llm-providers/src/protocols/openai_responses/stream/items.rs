//! The items of a streamed answer that came in another protocol: which are open, what they hold, and their events.
//!
//! A text or thought ends where the next part begins; what comes for it later becomes an item of its own. Calls stay
//! open until they are whole, several at a time, since every event names its item.

use std::collections::BTreeMap;

use llm_core::chat::{Change, Citation, Content, Delta, Media, MediaKind, MediaSource, Part, Reasoning, ToolCall};
use serde_json::{Value, json};

use super::super::item::{call_for_caller, message_for_caller, prefix_of};
use super::super::{annotation, reasoning};

/// Where events go.
pub(super) trait Sink {
    /// Writes an event; its number is added.
    fn event(&mut self, kind: &str, event: Value);
    /// Writes a piece of a text, the commonest event of all.
    fn text(&mut self, item: &str, output: usize, content: usize, text: &str, logprobs: Option<&Value>);
}

/// The items so far.
#[derive(Debug)]
pub(super) struct Items {
    id_seed: String,
    items: Vec<Item>,
    /// The item of each part, and its place in the item's content.
    places: BTreeMap<u32, (usize, usize)>,
}

#[derive(Debug)]
struct Item {
    id: String,
    body: Body,
    /// The item as it ended.
    whole: Option<Value>,
}

#[derive(Debug)]
enum Body {
    Message(Vec<Said>),
    Reasoning { thought: Reasoning, is_summed: bool },
    Call(ToolCall),
    Image(String),
}

/// A part of a message.
#[derive(Debug)]
struct Said {
    text: String,
    is_refusal: bool,
    annotations: Vec<Value>,
    logprobs: Vec<Value>,
}

impl Said {
    fn as_part(&self) -> Value {
        match self.is_refusal {
            true => json!({"type": "refusal", "refusal": self.text}),
            false => json!({
                "type": "output_text", "text": self.text, "annotations": self.annotations, "logprobs": self.logprobs,
            }),
        }
    }
}

impl Items {
    pub(super) fn new(id_seed: &str) -> Self {
        Self { id_seed: id_seed.to_owned(), items: Vec::new(), places: BTreeMap::new() }
    }

    /// The items as they ended.
    pub(super) fn whole(&self) -> Vec<Value> {
        self.items.iter().filter_map(|item| item.whole.clone()).collect()
    }

    /// Takes in a change. `logprobs`: those of its text.
    pub(super) fn take(&mut self, delta: &Delta, logprobs: Option<&Value>, sink: &mut dyn Sink) {
        match &delta.change {
            Change::Start(part) => self.start(delta.part, part, logprobs, sink),
            Change::Text(text) => self.say(delta.part, text, false, logprobs, sink),
            Change::Refusal(text) => self.say(delta.part, text, true, logprobs, sink),
            Change::Reasoning(text) => self.think(delta.part, text, sink),
            Change::Signature(signature) => self.prove(delta.part, sink, |thought| {
                thought.signature.get_or_insert_default().push_str(signature);
            }),
            Change::Encrypted(data) => self.prove(delta.part, sink, |thought| thought.encrypted = Some(data.clone())),
            Change::Arguments(text) => self.argue(delta.part, text, sink),
            Change::Citation(citation) => self.cite(delta.part, citation, sink),
            Change::Data(data) => {
                if let Some((_, Body::Image(image))) = self.open(delta.part) {
                    image.push_str(data);
                }
            }
            Change::Stop => {
                let is_said = |body: &mut Body| matches!(body, Body::Message(_));
                if let Some((place, body)) = self.open(delta.part)
                    && !is_said(body)
                {
                    self.close(place, sink);
                }
            }
        }
    }

    /// Ends all that is open.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        for place in 0..self.items.len() {
            self.close(place, sink);
        }
    }

    fn start(&mut self, number: u32, part: &Part, logprobs: Option<&Value>, sink: &mut dyn Sink) {
        match &part.content {
            Content::Text { text, citations } => {
                self.begin_said(number, false, sink);
                if !text.is_empty() {
                    self.say(number, text, false, logprobs, sink);
                }
                citations.iter().for_each(|citation| self.cite(number, citation, sink));
            }
            Content::Refusal { text } => {
                self.begin_said(number, true, sink);
                if !text.is_empty() {
                    self.say(number, text, true, logprobs, sink);
                }
            }
            Content::Reasoning(thought) => {
                self.begin_thought(number, thought, sink);
                if !thought.text.is_empty() {
                    self.think(number, &thought.text, sink);
                }
            }
            Content::ToolCall(call) => {
                let begun = ToolCall { arguments: String::new(), ..call.clone() };
                self.begin(prefix_of(call), number, Body::Call(begun), sink);
                if !call.arguments.is_empty() {
                    self.argue(number, &call.arguments, sink);
                }
            }
            Content::Media(Media { kind: MediaKind::Image, source: MediaSource::Base64 { data, .. }, .. }) => {
                self.begin("ig", number, Body::Image(data.clone()), sink);
            }
            // No client of this protocol knows them.
            Content::Media(_)
            | Content::ToolResult(_)
            | Content::ServerToolCall(_)
            | Content::ServerToolResult(_)
            | Content::Unknown { .. } => {}
        }
    }

    /// The open item of a part.
    fn open(&mut self, number: u32) -> Option<(usize, &mut Body)> {
        let (place, _) = *self.places.get(&number)?;
        let item = self.items.get_mut(place).filter(|item| item.whole.is_none())?;
        Some((place, &mut item.body))
    }

    /// Begins an item behind all others. Texts and thoughts end where it begins.
    fn begin(&mut self, prefix: &str, number: u32, body: Body, sink: &mut dyn Sink) {
        for place in 0..self.items.len() {
            let ends = self
                .items
                .get(place)
                .is_some_and(|item| matches!(item.body, Body::Message(_) | Body::Reasoning { .. }));
            if ends {
                self.close(place, sink);
            }
        }
        let place = self.items.len();
        let id = format!("{prefix}_{}_{place}", self.id_seed);
        let item = match &body {
            Body::Message(_) => message_for_caller(&id, "in_progress", Vec::new()),
            Body::Reasoning { .. } => json!({"id": id, "type": "reasoning", "summary": []}),
            Body::Call(call) => call_for_caller(call, &id, "in_progress"),
            Body::Image(_) => {
                json!({"id": id, "type": "image_generation_call", "status": "in_progress", "result": null})
            }
        };
        sink.event("response.output_item.added", json!({"output_index": place, "item": item}));
        self.items.push(Item { id, body, whole: None });
        self.places.insert(number, (place, 0));
    }

    fn begin_thought(&mut self, number: u32, thought: &Reasoning, sink: &mut dyn Sink) {
        let thought = Reasoning { text: String::new(), ..thought.clone() };
        self.begin("rs", number, Body::Reasoning { thought, is_summed: false }, sink);
    }

    /// Begins a part of a message: of the one that was begun last, if it is still open.
    fn begin_said(&mut self, number: u32, is_refusal: bool, sink: &mut dyn Sink) {
        let is_open =
            self.items.last().is_some_and(|item| item.whole.is_none() && matches!(item.body, Body::Message(_)));
        if !is_open {
            self.begin("msg", number, Body::Message(Vec::new()), sink);
        }
        let place = self.items.len().saturating_sub(1);
        if let Some(Item { id, body: Body::Message(said), .. }) = self.items.last_mut() {
            let content = said.len();
            let part = Said { text: String::new(), is_refusal, annotations: Vec::new(), logprobs: Vec::new() };
            let event = json!({
                "item_id": id, "output_index": place, "content_index": content, "part": part.as_part(),
            });
            sink.event("response.content_part.added", event);
            said.push(part);
            self.places.insert(number, (place, content));
        }
    }

    fn say(&mut self, number: u32, text: &str, is_refusal: bool, logprobs: Option<&Value>, sink: &mut dyn Sink) {
        if text.is_empty() && logprobs.is_none() {
            return;
        }
        if self.open(number).is_none() {
            self.begin_said(number, is_refusal, sink);
        }
        let Some(&(place, content)) = self.places.get(&number) else { return };
        let Some(Item { id, body: Body::Message(list), .. }) = self.items.get_mut(place) else { return };
        let Some(said) = list.get_mut(content) else { return };
        said.text.push_str(text);
        if said.is_refusal {
            let event = json!({"item_id": id, "output_index": place, "content_index": content, "delta": text});
            sink.event("response.refusal.delta", event);
        } else {
            said.logprobs.extend(logprobs.and_then(Value::as_array).into_iter().flatten().cloned());
            sink.text(id, place, content, text, logprobs);
        }
    }

    fn cite(&mut self, number: u32, citation: &Citation, sink: &mut dyn Sink) {
        if self.open(number).is_none() {
            self.begin_said(number, false, sink);
        }
        let Some(&(place, content)) = self.places.get(&number) else { return };
        let Some(Item { id, body: Body::Message(list), .. }) = self.items.get_mut(place) else { return };
        let Some(said) = list.get_mut(content) else { return };
        let span = (0, said.text.chars().count());
        let Some(annotation) = annotation::write(citation, span) else { return };
        let event = json!({
            "item_id": id, "output_index": place, "content_index": content,
            "annotation_index": said.annotations.len(), "annotation": annotation,
        });
        sink.event("response.output_text.annotation.added", event);
        said.annotations.push(annotation);
    }

    fn think(&mut self, number: u32, text: &str, sink: &mut dyn Sink) {
        if text.is_empty() {
            return;
        }
        if self.open(number).is_none() {
            self.begin_thought(number, &Reasoning::default(), sink);
        }
        let Some(&(place, _)) = self.places.get(&number) else { return };
        let Some(Item { id, body: Body::Reasoning { thought, is_summed }, .. }) = self.items.get_mut(place) else {
            return;
        };
        if !std::mem::replace(is_summed, true) {
            let part = json!({"type": "summary_text", "text": ""});
            let event = json!({"item_id": id, "output_index": place, "summary_index": 0, "part": part});
            sink.event("response.reasoning_summary_part.added", event);
        }
        thought.text.push_str(text);
        let event = json!({"item_id": id, "output_index": place, "summary_index": 0, "delta": text});
        sink.event("response.reasoning_summary_text.delta", event);
    }

    fn prove(&mut self, number: u32, sink: &mut dyn Sink, change: impl FnOnce(&mut Reasoning)) {
        if self.open(number).is_none() {
            self.begin_thought(number, &Reasoning::default(), sink);
        }
        if let Some((_, Body::Reasoning { thought, .. })) = self.open(number) {
            change(thought);
        }
    }

    fn argue(&mut self, number: u32, text: &str, sink: &mut dyn Sink) {
        if text.is_empty() {
            return;
        }
        let Some(&(place, _)) = self.places.get(&number) else { return };
        let Some(Item { id, body: Body::Call(call), whole: None }) = self.items.get_mut(place) else { return };
        call.arguments.push_str(text);
        let event = json!({"item_id": id, "output_index": place, "delta": text});
        let kind = match call.is_custom {
            true => "response.custom_tool_call_input.delta",
            false => "response.function_call_arguments.delta",
        };
        sink.event(kind, event);
    }

    fn close(&mut self, place: usize, sink: &mut dyn Sink) {
        let Some(Item { id, body, whole }) = self.items.get_mut(place) else { return };
        if whole.is_some() {
            return;
        }
        let item = match body {
            Body::Message(list) => {
                let mut parts = Vec::with_capacity(list.len());
                for (content, said) in list.iter().enumerate() {
                    let part = said.as_part();
                    let mut done = json!({"item_id": id, "output_index": place, "content_index": content});
                    let kind = if said.is_refusal {
                        done["refusal"] = json!(said.text);
                        "response.refusal.done"
                    } else {
                        done["text"] = json!(said.text);
                        done["logprobs"] = json!(said.logprobs);
                        "response.output_text.done"
                    };
                    sink.event(kind, done);
                    let event = json!({"item_id": id, "output_index": place, "content_index": content, "part": part});
                    sink.event("response.content_part.done", event);
                    parts.push(part);
                }
                message_for_caller(id, "completed", parts)
            }
            Body::Reasoning { thought, is_summed } => {
                if *is_summed {
                    let said = json!({"item_id": id, "output_index": place, "summary_index": 0, "text": thought.text});
                    sink.event("response.reasoning_summary_text.done", said);
                    let part = json!({"type": "summary_text", "text": thought.text});
                    let event = json!({"item_id": id, "output_index": place, "summary_index": 0, "part": part});
                    sink.event("response.reasoning_summary_part.done", event);
                }
                reasoning::for_caller(thought, id)
            }
            Body::Call(call) => {
                let item = call_for_caller(call, id, "completed");
                match call.is_custom {
                    true => {
                        let event = json!({"item_id": id, "output_index": place, "input": call.arguments});
                        sink.event("response.custom_tool_call_input.done", event);
                    }
                    false => {
                        let arguments = item.get("arguments");
                        let event = json!({
                            "item_id": id, "output_index": place, "name": call.name, "arguments": arguments,
                        });
                        sink.event("response.function_call_arguments.done", event);
                    }
                }
                item
            }
            Body::Image(data) => {
                json!({"id": id, "type": "image_generation_call", "status": "completed", "result": data})
            }
        };
        sink.event("response.output_item.done", json!({"output_index": place, "item": item}));
        *whole = Some(item);
    }
}
