//! Embeddings: vectors of texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Native;
use crate::chat::{self, Content, Part, UnsupportedPolicy};
use crate::codec::{Skim, Stored};
use crate::open_enum::open_enum;
use crate::operation::{Asks, Never, Operation, OperationKind, answer};

/// The operation of [`EmbedRequest`] and [`EmbedAnswer`].
#[derive(Debug)]
pub enum Embed {}

impl Operation for Embed {
    const KIND: OperationKind = OperationKind::Embed;
    type Request = EmbedRequest;
    type Answer = EmbedAnswer;
    type Chunk = Never;
}

/// A call for the vectors of some texts.
///
/// ```
/// use llm_core::EmbedRequest;
/// let request = EmbedRequest::new("openai:text-embedding-3-small").text("a boat").text("a ship").dimensions(256);
/// assert_eq!(request.input.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// What to embed; a vector each.
    pub input: Vec<EmbedInput>,
    /// How many dimensions the vectors should have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u64>,
    /// How the vectors are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What the vectors are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The end user, for the provider's abuse checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What to do with a parameter that the provider can't take.
    #[serde(skip_serializing_if = "UnsupportedPolicy::is_refuse")]
    pub unsupported: UnsupportedPolicy,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// One thing to embed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbedInput {
    /// A text.
    Text(String),
    /// A text as tokens of the model's own vocabulary.
    Tokens(Vec<u64>),
    /// Text and media together.
    Parts(Vec<Part>),
    /// Something that only its own protocol knows, whole.
    Other(Native),
}

open_enum! {
    /// How vectors are written.
    pub enum Encoding {
        /// Lists of numbers.
        Float = "float",
        /// Base64 of 32-bit floats, little-endian.
        Base64 = "base64",
    }
}

open_enum! {
    /// What vectors are for.
    pub enum Purpose {
        /// A question, to be compared with documents.
        Query = "query",
        /// A document, to be found.
        Document = "document",
        /// Sorting into classes.
        Classification = "classification",
        /// Finding what belongs together.
        Clustering = "clustering",
        /// An image.
        Image = "image",
    }
}

answer! {
    /// The vectors, in the order of the input.
    pub struct EmbedAnswer {
        /// The provider's id of the answer; empty where it gives none.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub id: String,
        /// The vectors.
        pub embeddings: Vec<Embedding>,
    }
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// The place of its input.
    pub index: u64,
    /// Its numbers.
    pub vector: Vector,
    /// What only the vector's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// The numbers of a vector, as the provider wrote them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vector {
    /// A list of numbers.
    Numbers(Vec<Value>),
    /// Base64 of 32-bit floats, little-endian.
    Base64(String),
    /// Base64 of bytes with a sign, one a dimension.
    Int8(String),
}

impl Embedding {
    /// A vector that came in no protocol of its own.
    pub fn new(index: u64, vector: Vector) -> Self {
        Self { index, vector, native: Native::NONE }
    }
}

impl Vector {
    /// The numbers as floats; none where the provider's writing can't be read.
    #[expect(clippy::cast_possible_truncation, reason = "models work with 32 bits at most")]
    pub fn floats(&self) -> Option<Vec<f32>> {
        match self {
            Self::Numbers(numbers) => {
                numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
            }
            Self::Base64(text) => {
                let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() % 4 == 0)?;
                Some(bytes.chunks_exact(4).filter_map(|four| Some(f32::from_le_bytes(four.try_into().ok()?))).collect())
            }
            Self::Int8(text) => {
                Some(STANDARD.decode(text).ok()?.into_iter().map(|byte| f32::from(i8::from_ne_bytes([byte]))).collect())
            }
        }
    }

    /// The same as base64 of 32-bit floats, little-endian; as it is where it can't be read.
    pub fn into_base64(self) -> Self {
        if let Self::Base64(_) = self {
            return self;
        }
        match self.floats() {
            Some(floats) => {
                let bytes: Vec<u8> = floats.into_iter().flat_map(f32::to_le_bytes).collect();
                Self::Base64(STANDARD.encode(bytes))
            }
            None => self,
        }
    }

    /// The same as a list of numbers; as it is where it can't be read.
    pub fn into_numbers(self) -> Self {
        if let Self::Numbers(_) = self {
            return self;
        }
        match self.floats() {
            Some(floats) => Self::Numbers(floats.into_iter().map(Value::from).collect()),
            None => self,
        }
    }
}

impl EmbedRequest {
    /// A call of `model` with nothing to embed yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.input.push(EmbedInput::Text(text.into()));
        self
    }

    /// Adds several texts.
    #[must_use]
    pub fn texts<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.input.extend(texts.into_iter().map(|text| EmbedInput::Text(text.into())));
        self
    }

    /// Sets how many dimensions the vectors should have.
    #[must_use]
    pub fn dimensions(mut self, dimensions: u64) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sets what the vectors are for.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

impl Asks for EmbedRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let tokens = self.input.iter().map(|input| match input {
            EmbedInput::Tokens(tokens) => tokens.len() as u64,
            _ => 0,
        });
        let media = self.input.iter().map(|input| match input {
            EmbedInput::Parts(parts) => {
                let is_media = |part: &&Part| matches!(part.content, Content::Media(_) | Content::Unknown { .. });
                parts.iter().filter(is_media).count() as u64
            }
            EmbedInput::Other(_) => 1,
            _ => 0,
        });
        Skim {
            model: self.model.clone(),
            max_tokens: Some(0),
            choices: 1,
            text_bytes: Asks::text(self).len() as u64 + tokens.sum::<u64>(),
            messages: self.input.len() as u64,
            media: media.sum(),
            user: self.user.clone(),
            stored: self.stored(),
            ..Skim::default()
        }
    }

    fn stored(&self) -> Vec<Stored> {
        let parts = self.input.iter().map(|input| match input {
            EmbedInput::Parts(parts) => chat::stored_in(parts),
            _ => Vec::new(),
        });
        let mut named = parts.flatten().collect();
        chat::stored_in_native(&self.native, &mut named);
        named
    }

    fn text(&self) -> String {
        let texts = self.input.iter().flat_map(|input| match input {
            EmbedInput::Text(text) => vec![text.as_str()],
            EmbedInput::Tokens(_) | EmbedInput::Other(_) => Vec::new(),
            EmbedInput::Parts(parts) => parts.iter().filter_map(Part::as_text).collect(),
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}
