//! What only one protocol knows: carried along by every other layer, written back only where it came from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A wire format that a codec reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// OpenAI Chat Completions, `POST /chat/completions`.
    #[serde(rename = "openai-chat")]
    OpenAiChat,
    /// OpenAI Responses, `POST /responses`.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// Anthropic Messages, `POST /v1/messages`.
    Anthropic,
    /// Gemini, `:generateContent`, on Google's generativelanguage and Vertex hosts.
    Gemini,
    /// Bedrock Converse.
    Bedrock,
    /// Cohere v2 chat.
    Cohere,
    /// Mistral's own dialect of chat completions.
    Mistral,
    /// Ollama's native `POST /api/chat`.
    Ollama,
    /// Voyage's embeddings and reranking.
    Voyage,
    /// ElevenLabs' speech both ways.
    #[serde(rename = "elevenlabs")]
    ElevenLabs,
    /// Deepgram's speech both ways.
    Deepgram,
    /// This workspace's own: the types of this crate as versioned JSON and SSE.
    Native,
}

impl Protocol {
    /// The name in configuration files, call records and the native protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
            Self::Mistral => "mistral",
            Self::Ollama => "ollama",
            Self::Voyage => "voyage",
            Self::ElevenLabs => "elevenlabs",
            Self::Deepgram => "deepgram",
            Self::Native => "native",
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The members of a wire object that have no place in this crate's types.
///
/// A decoder takes what it understands and leaves the rest here, nulls and empty lists included. The encoder of the
/// same protocol starts from these members and writes the typed ones over them, so nothing is lost; an encoder of
/// another protocol sees nothing of them. A member that is understood may leave its empty shape behind as a hint
/// of how it was spelled (`"content": []` for a list that held one text).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Native {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    protocol: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    members: Option<Box<Map<String, Value>>>,
}

impl Native {
    /// Nothing kept, nothing known.
    pub const NONE: Native = Native { protocol: None, members: None };

    /// Keeps `members` for `protocol`. Empty members still remember where the object came from.
    pub fn new(protocol: Protocol, members: Map<String, Value>) -> Self {
        Self { protocol: Some(protocol), members: (!members.is_empty()).then(|| Box::new(members)) }
    }

    /// Whether nothing is known of where the object came from.
    pub fn is_none(&self) -> bool {
        self.protocol.is_none()
    }

    /// Whether the object was read from `protocol`.
    pub fn is_from(&self, protocol: Protocol) -> bool {
        self.protocol == Some(protocol)
    }

    /// Whether the object was read from another protocol than `protocol`.
    pub fn is_foreign_to(&self, protocol: Protocol) -> bool {
        self.protocol.is_some_and(|from| from != protocol)
    }

    /// The protocol that the object was read from.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// One kept member, if the object was read from `protocol`.
    pub fn get(&self, protocol: Protocol, name: &str) -> Option<&Value> {
        self.members(protocol)?.get(name)
    }

    /// The kept members, if the object was read from `protocol` and has any.
    pub fn members(&self, protocol: Protocol) -> Option<&Map<String, Value>> {
        if self.protocol == Some(protocol) { self.members.as_deref() } else { None }
    }

    /// A copy of the kept members for an encoder of `protocol` to write the typed ones over; empty for any other.
    pub fn object(&self, protocol: Protocol) -> Map<String, Value> {
        self.members(protocol).cloned().unwrap_or_default()
    }

    /// All kept members, whatever protocol they are of.
    pub fn into_members(self) -> Map<String, Value> {
        self.members.map(|members| *members).unwrap_or_default()
    }

    /// Adds or replaces one kept member, which makes the object one of `protocol`.
    /// Members of another protocol are forgotten.
    pub fn insert(&mut self, protocol: Protocol, name: impl Into<String>, value: Value) {
        if self.protocol != Some(protocol) {
            *self = Self { protocol: Some(protocol), members: None };
        }
        self.members.get_or_insert_default().insert(name.into(), value);
    }

    /// Takes in what a later piece of the same object kept; later members win.
    pub fn merge(&mut self, later: Native) {
        let Some(protocol) = later.protocol else { return };
        if self.protocol != Some(protocol) {
            *self = later;
            return;
        }
        if let Some(members) = later.members {
            self.members.get_or_insert_default().extend(*members);
        }
    }
}
