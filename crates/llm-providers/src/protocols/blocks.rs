//! What Anthropic Messages and Bedrock Converse have in common: both say a message in content blocks.

use std::fmt;

use llm_core::Protocol;
use llm_core::chat::{Content, Media, Message, Part};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

/// Where a part stands in a request, for error messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The message's place in the request.
    pub(super) message: usize,
    /// The part's place in the message.
    pub(super) part: usize,
    /// The part's place in a tool result.
    pub(super) inner: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages[{}].content[{}]", self.message, self.part)?;
        self.inner.map_or(Ok(()), |inner| write!(f, ".content[{inner}]"))
    }
}

/// The parts of a message with their places in it, as a provider of the protocol `own` takes them: thoughts come first
/// in a turn, which other protocols need not say. The order of the protocol's own parts stays.
pub(super) fn thoughts_first(message: &Message, own: Protocol) -> impl Iterator<Item = (usize, &Part)> {
    let is_first = move |part: &Part| matches!(part.content, Content::Reasoning(_)) && !part.native.is_from(own);
    let numbered = || message.parts.iter().enumerate();
    numbered().filter(move |(_, part)| is_first(part)).chain(numbered().filter(move |(_, part)| !is_first(part)))
}

/// Takes what is asked about a document out of its object; both protocols spell it alike.
pub(super) fn take_asked(document: &mut Fields, media: &mut Media) {
    media.context = document.take_text("context");
    let is_said = |citations: &Value| citations.get("enabled").is_some_and(Value::is_boolean);
    if document.get("citations").is_some_and(is_said)
        && let Some(mut citations) = document.take_object("citations")
    {
        media.cite = citations.take_bool("enabled");
        if !citations.is_empty() {
            document.put("citations", citations.into_members().into());
        }
    }
}

/// Writes what is asked about a document over what is left of it.
pub(super) fn write_asked(media: &Media, document: &mut Map<String, Value>) {
    if let Some(context) = &media.context {
        document.insert("context".to_owned(), context.as_str().into());
    }
    if let Some(cite) = media.cite {
        let mut citations = match document.remove("citations") {
            Some(Value::Object(rest)) => rest,
            _ => Map::new(),
        };
        citations.insert("enabled".to_owned(), cite.into());
        document.insert("citations".to_owned(), citations.into());
    }
}

/// The arguments of a tool call are no JSON object.
pub(super) struct NotAnObject;

/// Writes a JSON text as the `input` object. Nothing means no arguments, unless a value that is no object was kept.
pub(super) fn write_input(block: &mut Map<String, Value>, text: &str) -> Result<(), NotAnObject> {
    if text.trim().is_empty() {
        block.entry("input").or_insert_with(|| Map::new().into());
        return Ok(());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(input)) => {
            block.insert("input".to_owned(), input.into());
            Ok(())
        }
        _ => Err(NotAnObject),
    }
}

/// A tool's schema: required here, and of type `object`. OpenAI's may be absent or empty.
pub(super) fn schema_of(parameters: Option<&Value>) -> Value {
    match parameters {
        Some(Value::Object(schema)) if schema.contains_key("type") => schema.clone().into(),
        Some(Value::Object(schema)) => {
            let mut schema = schema.clone();
            schema.insert("type".to_owned(), "object".into());
            schema.into()
        }
        Some(Value::Null) | None => json!({"type": "object", "properties": {}}),
        Some(other) => other.clone(),
    }
}

/// The blocks of a stream that have begun and not ended.
#[derive(Debug, Default)]
pub(super) struct OpenBlocks {
    open: Vec<Open>,
    /// How many blocks have begun.
    begun: u32,
}

/// A block that has begun.
#[derive(Debug)]
pub(super) struct Open {
    /// Its number on the wire.
    pub(super) index: u64,
    /// The place of its part in the answer.
    pub(super) part: u32,
    pub(super) kind: Kind,
    /// The input of a tool call as its first event gave it, until pieces of it come.
    pub(super) input: Option<String>,
}

/// What the pieces of a block may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Thinking,
    Tool,
    Other,
}

impl OpenBlocks {
    /// Begins a block, in the place of one with the same number that never ended.
    pub(super) fn begin(&mut self, index: u64, kind: Kind, input: Option<String>) -> u32 {
        self.open.retain(|open| open.index != index);
        self.begin_beside(index, kind, input)
    }

    /// Begins a block beside those of the same number.
    pub(super) fn begin_beside(&mut self, index: u64, kind: Kind, input: Option<String>) -> u32 {
        let part = self.begun;
        self.begun += 1;
        self.open.push(Open { index, part, kind, input });
        part
    }

    pub(super) fn find(&mut self, index: u64) -> Option<&mut Open> {
        self.find_that(index, |_| true)
    }

    /// The block of a number whose kind fits.
    pub(super) fn find_that(&mut self, index: u64, fits: impl Fn(Kind) -> bool) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.index == index && fits(open.kind))
    }

    /// Ends a block; none where none of this number has begun.
    pub(super) fn end(&mut self, index: u64) -> Option<Open> {
        let place = self.open.iter().position(|open| open.index == index)?;
        Some(self.open.remove(place))
    }
}

impl Kind {
    pub(super) fn of(part: &Part) -> Self {
        match &part.content {
            Content::Text { .. } => Self::Text,
            Content::Reasoning(reasoning) if reasoning.encrypted.is_none() => Self::Thinking,
            Content::ToolCall(_) | Content::ServerToolCall(_) => Self::Tool,
            _ => Self::Other,
        }
    }
}
