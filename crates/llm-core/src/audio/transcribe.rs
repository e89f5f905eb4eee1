//! Speech to text.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::seconds_at_most;
use crate::bytes_as_base64;
use crate::chat::{UnsupportedPolicy, stored_in_native};
use crate::codec::{Skim, Stored};
use crate::open_enum::open_enum;
use crate::operation::{Asks, Operation, OperationKind, Tells, Unit, answer};
use crate::{Meter, Native, Usage};

/// The operation of [`TranscribeRequest`], [`TranscribeAnswer`] and [`TranscribeChunk`].
#[derive(Debug)]
pub enum Transcribe {}

impl Operation for Transcribe {
    const KIND: OperationKind = OperationKind::Transcribe;
    type Request = TranscribeRequest;
    type Answer = TranscribeAnswer;
    type Chunk = TranscribeChunk;

    fn text_of(chunks: &[TranscribeChunk]) -> String {
        chunks.iter().map(|chunk| chunk.text.as_str()).collect()
    }
}

/// Speech to be written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TranscribeRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// The sound.
    pub file: AudioFile,
    /// The language that is spoken, as ISO 639-1 (`de`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What was said before, or how names are spelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The form of the transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<TranscriptForm>,
    /// Sampling temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// What gets times: `word`, `segment`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timestamps: Vec<String>,
    /// What to do with a parameter that the provider can't take.
    #[serde(skip_serializing_if = "UnsupportedPolicy::is_refuse")]
    pub unsupported: UnsupportedPolicy,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// A file of sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AudioFile {
    /// Its name; providers tell the format by its ending.
    pub name: String,
    /// Its media type, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Its bytes.
    #[serde(with = "bytes_as_base64")]
    pub data: Bytes,
}

open_enum! {
    /// The form of a transcript.
    pub enum TranscriptForm {
        /// The text in a JSON object.
        Json = "json",
        /// With length, segments and words.
        Verbose = "verbose_json",
        /// With who said what.
        Diarized = "diarized_json",
        /// The bare text.
        Text = "text",
        /// Subtitles as SubRip.
        Srt = "srt",
        /// Subtitles as WebVTT.
        Vtt = "vtt",
    }
}

impl TranscriptForm {
    /// Whether the transcript is plain text and no JSON.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Srt | Self::Vtt)
    }
}

answer! {
    /// The transcript.
    pub struct TranscribeAnswer {
        /// What was said; the whole file where subtitles were asked for.
        pub text: String,
        /// The form, where it is no JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub form: Option<TranscriptForm>,
        /// The language, as the provider names it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub language: Option<String>,
        /// How long the sound is, in seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub duration: Option<Number>,
        /// Stretches of speech with their times.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub segments: Vec<Segment>,
        /// Words with their times.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub words: Vec<Word>,
    }
    text(self) { self.text.clone() }
}

/// A stretch of speech.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Segment {
    /// What was said.
    pub text: String,
    /// From when, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Number>,
    /// To when, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Number>,
    /// By whom, where speakers are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// What only the segment's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Word {
    /// The word.
    pub word: String,
    /// From when, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Number>,
    /// To when, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Number>,
    /// What only the word's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// One event of a transcript on its way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TranscribeChunk {
    /// The provider's name of the event (`transcript.text.delta`).
    pub event: String,
    /// What it adds to the text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What the call used, in the event that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What only the event's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl AudioFile {
    /// A file of bytes; providers tell the format by the ending of `name`.
    pub fn new(name: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { name: name.into(), content_type: None, data: data.into() }
    }
}

impl TranscribeRequest {
    /// Speech to be written down by `model`.
    pub fn new(model: impl Into<String>, file: AudioFile) -> Self {
        Self { model: model.into(), file, ..Self::default() }
    }
}

/// The tokens of sound that a second takes at most; OpenAI counts 10, Mistral 12.5, Gemini 32.
const TOKENS_A_SECOND: u64 = 32;
/// The tokens of text that a second of speech gives at most.
const TEXT_A_SECOND: u64 = 16;

impl Asks for TranscribeRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let (seconds, is_exact) = seconds_at_most(&self.file.data);
        // The length of what lies elsewhere is for the provider to say.
        let is_exact = is_exact && !self.file.data.is_empty();
        let stored = self.stored();
        Skim {
            model: self.model.clone(),
            max_tokens: Some(seconds.saturating_mul(TEXT_A_SECOND)),
            choices: 1,
            text_bytes: (Asks::text(self).len() as u64).saturating_add(seconds.saturating_mul(TOKENS_A_SECOND)),
            messages: 1,
            units: vec![Unit { meter: Meter::Second, most: seconds, is_exact }],
            unbounded: !stored.is_empty(),
            stored,
            ..Skim::default()
        }
    }

    fn stored(&self) -> Vec<Stored> {
        let mut named = Vec::new();
        stored_in_native(&self.native, &mut named);
        named
    }

    fn text(&self) -> String {
        self.prompt.clone().unwrap_or_default()
    }
}

impl Tells for TranscribeChunk {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn has_content(&self) -> bool {
        !self.text.is_empty()
    }
}
