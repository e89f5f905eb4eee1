//! Messages, which requests and answers share: one text, thoughts, images and tool calls side by side.

use std::collections::BTreeMap;

use llm_core::chat::{
    ChatRequest, Content, Media, MediaKind, MediaSource, Message, Part, Reasoning, Role, ToolCall, ToolResult,
};
use llm_core::codec::Unsupported;
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value, json};

use super::OLLAMA;

/// Reads a message. `make_id` gives ids to calls that have none; `thinker` is the provider that thought.
pub(super) fn decode(mut fields: Fields, thinker: Option<&str>, make_id: &mut dyn FnMut() -> String) -> Message {
    let role = fields.take_text("role").map_or(Role::Assistant, |role| Role::from(role.as_str()));
    let mut parts = Vec::new();
    if let Some(text) = fields.take_nonempty("thinking") {
        parts.push(Reasoning { text, provider: thinker.map(str::to_owned), ..Reasoning::default() }.into());
    }
    if let Some(text) = fields.take_nonempty("content") {
        parts.push(Part::text(text));
    }
    parts.extend(take_images(&mut fields));
    parts.extend(take_calls(&mut fields, make_id));
    if role != Role::Tool {
        return Message { role, parts, name: None, native: fields.into_native(OLLAMA) };
    }
    let call_id = fields.take_text("tool_call_id");
    if call_id.is_some() {
        fields.put("tool_call_id", json!(""));
    }
    let name = fields.take_text("tool_name");
    let result = ToolResult { call_id: call_id.unwrap_or_default(), name, content: parts, is_error: None };
    Message::new(role, vec![Part::from(result).with_native(fields.into_native(OLLAMA))])
}

/// Takes the images, unless one of them is not a text.
pub(super) fn take_images(fields: &mut Fields) -> Vec<Part> {
    let Some(Value::Array(images)) = fields.get("images") else { return Vec::new() };
    let image = |value: &Value| {
        let data = value.as_str()?.to_owned();
        let source = MediaSource::Base64 { media_type: image_type(&data).to_owned(), data };
        Some(Media::new(MediaKind::Image, source).into())
    };
    let Some(parts) = images.iter().map(image).collect::<Option<Vec<Part>>>() else { return Vec::new() };
    if !parts.is_empty() {
        fields.take("images");
    }
    parts
}

/// The type of an image by how its base64 begins; Ollama never says it.
fn image_type(data: &str) -> &'static str {
    let kinds = [("iVBORw0KGgo", "image/png"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp")];
    kinds.iter().find(|(start, _)| data.starts_with(start)).map_or("image/jpeg", |(_, kind)| kind)
}

/// Takes the tool calls, unless one of them is not an object.
pub(super) fn take_calls(fields: &mut Fields, make_id: &mut dyn FnMut() -> String) -> Vec<Part> {
    match fields.get("tool_calls") {
        Some(Value::Array(calls)) if !calls.is_empty() && calls.iter().all(Value::is_object) => {}
        _ => return Vec::new(),
    }
    let calls = fields.take_list("tool_calls").unwrap_or_default();
    calls.into_iter().filter_map(|call| Fields::at("tool_calls", call).ok()).map(|c| decode_call(c, make_id)).collect()
}

/// An id that Ollama gave leaves an empty one behind, which tells it from one made here.
fn decode_call(mut fields: Fields, make_id: &mut dyn FnMut() -> String) -> Part {
    let id = match fields.take_nonempty("id") {
        Some(id) => {
            fields.put("id", json!(""));
            id
        }
        None => make_id(),
    };
    let mut call = ToolCall { id, ..ToolCall::default() };
    if let Some(mut function) = fields.take_object("function") {
        call.name = function.take_text("name").unwrap_or_default();
        call.arguments = match function.take("arguments") {
            Some(Value::String(text)) => {
                function.put("arguments", json!(""));
                text
            }
            Some(arguments) => arguments.to_string(),
            None => "{}".to_owned(),
        };
        if !function.is_empty() {
            fields.put("function", Value::Object(function.into_members()));
        }
    }
    Part::from(call).with_native(fields.into_native(OLLAMA))
}

/// Which ids of tool calls are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallIds {
    /// Those that Ollama gave: results are matched by the tool's name, so no other id is of use to it.
    Given,
    /// All that were not made here: the caller may want to know them.
    Known,
}

pub(super) fn encode_call(call: &ToolCall, native: &Native, ids: CallIds) -> Result<Value> {
    let mut object = native.object(OLLAMA);
    let is_given = object.contains_key("id");
    if is_given || (ids == CallIds::Known && !native.is_from(OLLAMA) && !call.id.is_empty()) {
        object.insert("id".to_owned(), json!(call.id));
    }
    let mut function = match object.remove("function") {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    let arguments = match function.get("arguments") {
        Some(Value::String(_)) => json!(call.arguments),
        _ if call.arguments.trim().is_empty() => json!({}),
        _ => serde_json::from_str(&call.arguments).map_err(|error| {
            let message = format!("the arguments of the tool call `{}` are not valid JSON: {error}", call.id);
            Error::invalid_request(message).with_param("messages")
        })?,
    };
    function.insert("name".to_owned(), json!(call.name));
    function.insert("arguments".to_owned(), arguments);
    object.insert("function".to_owned(), Value::Object(function));
    Ok(Value::Object(object))
}

/// What is said in one message of the wire.
#[derive(Debug, Default)]
pub(super) struct Turn {
    thinking: String,
    text: Option<String>,
    images: Vec<Value>,
    calls: Vec<Value>,
}

impl Turn {
    pub(super) fn is_empty(&self) -> bool {
        self.thinking.is_empty() && self.text.is_none() && self.images.is_empty() && self.calls.is_empty()
    }

    /// The texts of a model are one text in pieces; those of a person are paragraphs.
    pub(super) fn add_text(&mut self, role: &Role, text: &str) {
        match &mut self.text {
            Some(all) => {
                if *role != Role::Assistant {
                    all.push('\n');
                }
                all.push_str(text);
            }
            None => self.text = Some(text.to_owned()),
        }
    }

    pub(super) fn add_thinking(&mut self, text: &str) {
        self.thinking.push_str(text);
    }

    pub(super) fn add_call(&mut self, call: Value) {
        self.calls.push(call);
    }

    /// Writes the turn over `object`, which holds what only Ollama knows.
    pub(super) fn write(self, object: &mut Map<String, Value>) {
        if let Some(text) = self.text {
            object.insert("content".to_owned(), json!(text));
        }
        if !self.thinking.is_empty() {
            object.insert("thinking".to_owned(), json!(self.thinking));
        }
        if !self.images.is_empty() {
            object.insert("images".to_owned(), Value::Array(self.images));
        }
        if !self.calls.is_empty() {
            object.insert("tool_calls".to_owned(), Value::Array(self.calls));
        }
    }

    /// Adds a part that is neither a tool's result nor foreign; false where it is.
    pub(super) fn add(&mut self, role: &Role, part: &Part, ids: CallIds) -> Result<bool> {
        match &part.content {
            Content::Text { text, .. } | Content::Refusal { text } => self.add_text(role, text),
            Content::Reasoning(reasoning) => self.add_thinking(&reasoning.text),
            Content::ToolCall(call) => self.add_call(encode_call(call, &part.native, ids)?),
            Content::Media(Media { kind: MediaKind::Image, source: MediaSource::Base64 { data, .. }, .. }) => {
                self.images.push(json!(data));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Writes the messages of a request; a result of a tool is a message of its own.
pub(super) fn encode_all(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<Value>> {
    let mut tools = BTreeMap::new();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        if let Content::ToolCall(call) = &part.content {
            tools.insert(call.id.as_str(), call.name.as_str());
        }
    }
    let mut out = Vec::with_capacity(request.messages.len());
    for (index, message) in request.messages.iter().enumerate() {
        Writer { index, message, tools: &tools, unsupported }.write(&mut out)?;
    }
    Ok(out)
}

struct Writer<'a, 'b> {
    index: usize,
    message: &'a Message,
    tools: &'a BTreeMap<&'a str, &'a str>,
    unsupported: &'a mut Unsupported<'b>,
}

impl Writer<'_, '_> {
    fn write(&mut self, out: &mut Vec<Value>) -> Result<()> {
        if self.message.name.is_some() {
            self.unsupported.param(&format!("messages[{}].name", self.index), "it knows no names of speakers")?;
        }
        let mut native = self.message.native.object(OLLAMA);
        let mut turn = Turn::default();
        let mut results = 0;
        for (place, part) in self.message.parts.iter().enumerate() {
            let Content::ToolResult(result) = &part.content else {
                self.add(&mut turn, place, part)?;
                continue;
            };
            if !turn.is_empty() {
                out.push(self.turn(std::mem::take(&mut turn), std::mem::take(&mut native)));
            }
            out.push(self.result(result, place, part)?);
            results += 1;
        }
        if results == 0 || !turn.is_empty() {
            out.push(self.turn(turn, native));
        }
        Ok(())
    }

    fn turn(&self, turn: Turn, mut object: Map<String, Value>) -> Value {
        let role = match &self.message.role {
            Role::Developer if !self.message.native.is_from(OLLAMA) => "system",
            role => role.as_str(),
        };
        object.insert("role".to_owned(), json!(role));
        turn.write(&mut object);
        Value::Object(object)
    }

    fn result(&mut self, result: &ToolResult, place: usize, part: &Part) -> Result<Value> {
        self.refuse_cache(part)?;
        let mut turn = Turn::default();
        for inner in &result.content {
            self.add(&mut turn, place, inner)?;
        }
        let mut object = part.native.object(OLLAMA);
        object.insert("role".to_owned(), json!("tool"));
        turn.write(&mut object);
        if object.contains_key("tool_call_id") {
            object.insert("tool_call_id".to_owned(), json!(result.call_id));
        }
        let asked = || (!part.native.is_from(OLLAMA)).then(|| self.tools.get(result.call_id.as_str()).copied())?;
        if let Some(name) = result.name.as_deref().or_else(asked) {
            object.insert("tool_name".to_owned(), json!(name));
        }
        Ok(Value::Object(object))
    }

    fn add(&mut self, turn: &mut Turn, place: usize, part: &Part) -> Result<()> {
        self.refuse_cache(part)?;
        let path = format!("messages[{}].content[{place}]", self.index);
        if let Content::Media(Media { kind: MediaKind::Image, detail: Some(detail), .. }) = &part.content
            && detail == "low"
        {
            self.unsupported.hint("detail", part.native.is_foreign_to(OLLAMA), "it looks at every image alike")?;
        }
        if turn.add(&self.message.role, part, CallIds::Given)? {
            return Ok(());
        }
        let why = match &part.content {
            Content::Media(Media { kind: MediaKind::Image, .. }) => "images go inline, as base64",
            Content::Media(Media { kind: MediaKind::Audio, .. }) => "it takes no audio",
            Content::Media(_) => "it takes no files",
            _ => "only the protocol it came from can say it",
        };
        // A question without what it asks about is another question, so leniency does not reach here.
        Err(Error::unsupported(path, "`ollama`", why))
    }

    fn refuse_cache(&mut self, part: &Part) -> Result<()> {
        match &part.cache {
            Some(marker) => {
                let why = "caching is automatic and has no marks";
                self.unsupported.cache_marker("cache_control", marker, OLLAMA, why)
            }
            None => Ok(()),
        }
    }
}
