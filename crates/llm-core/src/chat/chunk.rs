//! An answer in pieces.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Citation, FinishReason, Part, Role};
use crate::{Native, Usage};

/// One event of a streamed answer.
///
/// Parts are numbered in the order in which they begin. The first change of a part is always [`Change::Start`]; the
/// pieces that follow name the part, so that parallel tool calls stay apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The provider's id of the answer, in the chunks that say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that answers, in the chunks that say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When, in seconds since 1970, in the chunks that say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// What happened to each choice; empty in chunks that only carry usage, or that only their protocol knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChunkChoice>,
    /// What the call used so far. Later counts replace earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The service tier that serves the call, in the chunks that say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// What only the chunk's own protocol knows; a whole event where nothing else is set.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl ChatChunk {
    /// The text that this chunk adds to the first choice.
    pub fn text(&self) -> String {
        self.first(|change| match change {
            Change::Text(text) => Some(text),
            _ => None,
        })
    }

    /// The reasoning that this chunk adds to the first choice.
    pub fn reasoning(&self) -> String {
        self.first(|change| match change {
            Change::Reasoning(text) => Some(text),
            _ => None,
        })
    }

    fn first(&self, pick: impl Fn(&Change) -> Option<&String>) -> String {
        self.choices
            .iter()
            .filter(|choice| choice.index == 0)
            .flat_map(|choice| &choice.deltas)
            .filter_map(|delta| pick(&delta.change).map(String::as_str))
            .collect()
    }
}

/// What happened to one choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// The choice's place among the answers.
    pub index: u32,
    /// Who speaks, where the chunk says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What happened to its parts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
    /// Why the model stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Log probabilities of this piece, in OpenAI's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// What only the choice's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// A change of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The part's place in the message.
    pub part: u32,
    /// What happened to it.
    #[serde(flatten)]
    pub change: Change,
    /// What only the change's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl Delta {
    /// A change without anything native.
    pub fn new(part: u32, change: Change) -> Self {
        Self { part, change, native: Native::NONE }
    }
}

/// What happened to a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", content = "value", rename_all = "snake_case")]
pub enum Change {
    /// It begins; mostly empty, to be added to.
    Start(Part),
    /// More text, of a text part.
    Text(String),
    /// More thoughts, of a reasoning part.
    Reasoning(String),
    /// The signature of a reasoning part, or more of it.
    Signature(String),
    /// The encrypted thoughts of a reasoning part, whole; some providers say them only when the part ends.
    Encrypted(String),
    /// More of the JSON text of a tool call's arguments, or of a server tool's input.
    Arguments(String),
    /// More of a refusal.
    Refusal(String),
    /// More base64 data of a media part.
    Data(String),
    /// One more citation of a text part.
    Citation(Citation),
    /// It is whole. Protocols that mark the end of a part say so; others don't.
    Stop,
}
