//! Text to speech.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::bytes_as_base64;
use crate::chat::UnsupportedPolicy;
use crate::codec::Skim;
use crate::operation::{Asks, Operation, OperationKind, Tells, Unit, answer};
use crate::{Meter, Native, Usage};

/// The operation of [`SpeakRequest`], [`SpeakAnswer`] and [`SpeakChunk`].
#[derive(Debug)]
pub enum Speak {}

impl Operation for Speak {
    const KIND: OperationKind = OperationKind::Speak;
    type Request = SpeakRequest;
    type Answer = SpeakAnswer;
    type Chunk = SpeakChunk;
}

/// A text to be spoken.
///
/// ```
/// use llm_core::SpeakRequest;
/// let request = SpeakRequest::new("openai:gpt-4o-mini-tts", "alloy", "Ahoy!").format("wav");
/// assert_eq!(request.input, "Ahoy!");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpeakRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// The text.
    pub input: String,
    /// Whose voice, as the provider names it; empty where the model is one voice.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub voice: String,
    /// How to speak, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The file format: `mp3`, `wav`, `opus`, `pcm`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// How fast; 1 is the voice's own speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// What to do with a parameter that the provider can't take.
    #[serde(skip_serializing_if = "UnsupportedPolicy::is_refuse")]
    pub unsupported: UnsupportedPolicy,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

answer! {
    /// The sound, whole.
    pub struct SpeakAnswer {
        /// The media type, such as `audio/mpeg`; empty where the provider does not say.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub content_type: String,
        /// The file.
        #[serde(with = "bytes_as_base64")]
        pub audio: Bytes,
    }
}

/// A piece of the sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpeakChunk {
    /// The media type, in the first piece.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// The next bytes of the file.
    #[serde(with = "bytes_as_base64", skip_serializing_if = "Bytes::is_empty")]
    pub audio: Bytes,
    /// What the call used, in the piece that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What only the piece's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl SpeakRequest {
    /// A text to be spoken by `model` in a voice of it.
    pub fn new(model: impl Into<String>, voice: impl Into<String>, text: impl Into<String>) -> Self {
        Self { model: model.into(), voice: voice.into(), input: text.into(), ..Self::default() }
    }

    /// Sets the file format.
    #[must_use]
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }
}

/// The most tokens of sound that a character takes: twice what OpenAI's voices take at their slowest customary pace.
const TOKENS_A_CHARACTER: u64 = 4;

impl Asks for SpeakRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let characters = self.input.chars().count() as u64;
        Skim {
            model: self.model.clone(),
            max_tokens: Some(characters.saturating_mul(TOKENS_A_CHARACTER).max(TOKENS_A_CHARACTER)),
            choices: 1,
            text_bytes: Asks::text(self).len() as u64,
            messages: 1,
            units: vec![Unit::exactly(Meter::Character, characters)],
            ..Skim::default()
        }
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.input, self.instructions.as_deref().unwrap_or_default())
    }
}

impl Tells for SpeakChunk {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn has_content(&self) -> bool {
        !self.audio.is_empty()
    }
}
