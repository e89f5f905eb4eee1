//! Messages: who speaks, and an ordered list of parts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::open_enum::open_enum;
use crate::{Native, Protocol};

open_enum! {
    /// Who speaks.
    pub enum Role {
        /// Instructions that stand above the conversation.
        System = "system",
        /// The same, as OpenAI's reasoning models call it.
        Developer = "developer",
        /// The person, or the program in their place.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The results of tool calls.
        Tool = "tool",
    }
}

/// One turn of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// The speaker's name, where several share a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What only the message's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl Message {
    /// A message of parts.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None, native: Native::NONE }
    }

    /// A message of one text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::text(text)])
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    #[serde(flatten)]
    pub content: Content,
    /// The provider is asked to cache the prompt up to and including this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheControl>,
    /// What only the part's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self { content, cache: None, native: Native::NONE }
    }
}

impl Part {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Content::Text { text: text.into(), citations: Vec::new() }.into()
    }

    /// An image at a URL (`https:` or `data:`).
    pub fn image_url(url: impl Into<String>) -> Self {
        Media::new(MediaKind::Image, MediaSource::from_url(url.into())).into()
    }

    /// The result of a tool call as text.
    pub fn tool_result(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Content::ToolResult(ToolResult::new(call_id, vec![Part::text(text)])).into()
    }

    /// Marks the end of a prefix worth caching.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cache = Some(CacheControl::default());
        self
    }

    /// With what only its own protocol knows.
    #[must_use]
    pub fn with_native(mut self, native: Native) -> Self {
        self.native = native;
        self
    }

    /// Whether `provider`, which is spoken to in `protocol`, may be shown signature and encrypted form of the thoughts in
    /// this part: who thought them, where that is known, else whoever speaks the protocol that they were read from.
    pub fn proves_to(&self, provider: &str, protocol: Protocol) -> bool {
        let Content::Reasoning(reasoning) = &self.content else { return false };
        match &reasoning.provider {
            Some(own) => own == provider,
            None => self.native.protocol().is_none_or(|from| from == protocol),
        }
    }

    /// The text, if the part is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text, and where it is taken from.
    Text {
        /// The text.
        text: String,
        /// The sources it rests on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Citation>,
    },
    /// What the model thought before it spoke.
    Reasoning(Reasoning),
    /// The model asks the application to run a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult(ToolResult),
    /// The provider ran a tool of its own.
    ServerToolCall(ServerToolCall),
    /// What the provider's own tool answered.
    ServerToolResult(ServerToolResult),
    /// An image, audio, video or document.
    Media(Media),
    /// The model declines, in words.
    Refusal {
        /// The words.
        text: String,
    },
    /// A part that this version does not know, as it came.
    Unknown {
        /// The protocol it is a part of.
        protocol: Protocol,
        /// The whole part.
        value: Value,
    },
}

macro_rules! into_part {
    ($($arm:ident),+) => {
        $(impl From<$arm> for Part {
            fn from(inner: $arm) -> Self {
                Content::$arm(inner).into()
            }
        })+
    };
}
into_part!(Reasoning, ToolCall, ToolResult, ServerToolCall, ServerToolResult, Media);

/// Asks the provider to cache a prefix of the prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CacheControl {
    /// How long (`5m`, `1h`); the provider's shortest where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// What only the marker's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// Where a text is taken from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The page it stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The title of page or document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The words that are cited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cited_text: Option<String>,
    /// Where they stand in what the application sent along, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<CitedPlace>,
    /// What only the citation's own protocol knows, such as places in the text.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// A stretch of a document, or of a search result, that the application sent along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CitedPlace {
    /// What `start` and `end` count.
    pub unit: CitedUnit,
    /// Which of the documents, or of the search results, in the order of the conversation, from 0.
    pub index: u64,
    /// The first that is cited, as the provider counts.
    pub start: u64,
    /// The first that is no longer cited.
    pub end: u64,
}

open_enum! {
    /// What the ends of a [`CitedPlace`] count.
    pub enum CitedUnit {
        /// Characters of a document.
        Character = "character",
        /// Pages of a document.
        Page = "page",
        /// Blocks of a document.
        Block = "block",
        /// Blocks of a search result.
        SearchResultBlock = "search_result_block",
    }
}

/// What the model thought before it spoke.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reasoning {
    /// The thoughts in plain text, or a summary of them; empty where the provider keeps them to itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The provider's proof that the thoughts are its own; opaque, and of worth to `provider` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Thoughts that the provider hides, encrypted; of worth to `provider` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// The provider's id of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The provider that thought. Signature and encrypted thoughts are sent to no other; where none is said, see
    /// [`Part::proves_to`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// The model asks the application to run a tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's id, which its result repeats. Unique in the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as a JSON text; a model may write what is not JSON. Of a custom tool, any text.
    pub arguments: String,
    /// Whether the tool is a custom one ([`Tool::Custom`](super::Tool::Custom)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_custom: bool,
}

impl ToolCall {
    /// A call of a function.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), arguments: arguments.into(), is_custom: false }
    }
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The id of the call that is answered.
    pub call_id: String,
    /// The tool's name, where the application said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The answer, in order.
    #[serde(default)]
    pub content: Vec<Part>,
    /// Whether the tool failed, where the application said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
}

impl ToolResult {
    /// A result of parts.
    pub fn new(call_id: impl Into<String>, content: Vec<Part>) -> Self {
        Self { call_id: call_id.into(), name: None, content, is_error: None }
    }
}

/// The provider ran a tool of its own: web search, code, a tool server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerToolCall {
    /// The provider's word for this kind of part (`server_tool_use`, `mcp_tool_use`).
    pub kind: String,
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The input as a JSON text.
    pub input: String,
}

/// What the provider's own tool answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerToolResult {
    /// The provider's word for this kind of part (`web_search_tool_result`).
    pub kind: String,
    /// The id of the call that is answered.
    pub call_id: String,
    /// The answer as the provider shapes it.
    pub content: Value,
}

open_enum! {
    /// What kind of media.
    pub enum MediaKind {
        /// A picture.
        Image = "image",
        /// Sound.
        Audio = "audio",
        /// Moving pictures.
        Video = "video",
        /// A document, most often PDF.
        Document = "document",
    }
}

/// An image, audio, video or document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// What kind.
    pub kind: MediaKind,
    /// Where it is.
    pub source: MediaSource,
    /// The file's name, or the document's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How closely to look at an image (`low`, `high`, `auto`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What there is to know of a document that is no part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the answer shall say what it takes from a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cite: Option<bool>,
}

impl Media {
    /// Media of a kind at a place.
    pub fn new(kind: MediaKind, source: MediaSource) -> Self {
        Self { kind, source, name: None, detail: None, context: None, cite: None }
    }
}

/// Where media is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum MediaSource {
    /// Inline, in base64 with the standard alphabet.
    Base64 {
        /// The MIME type, such as `image/png`.
        media_type: String,
        /// The bytes, encoded.
        data: String,
    },
    /// At a URL that the provider fetches. Never fetched by this software.
    Url {
        /// The URL.
        url: String,
    },
    /// A file that the provider holds.
    File {
        /// The provider's id of it.
        id: String,
    },
    /// Inline, as plain text.
    Text {
        /// The MIME type, such as `text/plain`.
        media_type: String,
        /// The text.
        text: String,
    },
}

impl MediaSource {
    /// A URL; one of the form `data:TYPE;base64,DATA` is taken apart.
    pub fn from_url(url: String) -> Self {
        let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
        match inline {
            Some((media_type, data)) => Self::Base64 { media_type: media_type.to_owned(), data: data.to_owned() },
            None => Self::Url { url },
        }
    }

    /// The source as a URL, `data:` where it is inline; none for files and texts.
    pub fn to_url(&self) -> Option<String> {
        match self {
            Self::Base64 { media_type, data } => Some(format!("data:{media_type};base64,{data}")),
            Self::Url { url } => Some(url.clone()),
            Self::File { .. } | Self::Text { .. } => None,
        }
    }
}
