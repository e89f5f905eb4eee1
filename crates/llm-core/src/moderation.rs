//! Moderation: judgement of contents.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Native;
use crate::chat::{Part, UnsupportedPolicy, stored_in, stored_in_native};
use crate::codec::{Skim, Stored};
use crate::operation::{Asks, Never, Operation, OperationKind, answer};

/// The operation of [`ModerateRequest`] and [`ModerateAnswer`].
#[derive(Debug)]
pub enum Moderate {}

impl Operation for Moderate {
    const KIND: OperationKind = OperationKind::Moderate;
    type Request = ModerateRequest;
    type Answer = ModerateAnswer;
    type Chunk = Never;
}

/// A call for the judgement of contents.
///
/// ```
/// use llm_core::ModerateRequest;
/// let request = ModerateRequest::new("openai:omni-moderation-latest").text("I like boats");
/// assert_eq!(request.input.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModerateRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// What to judge. Texts are judged each by itself; text with media is judged as one.
    pub input: Vec<Part>,
    /// What to do with a parameter that the provider can't take.
    #[serde(skip_serializing_if = "UnsupportedPolicy::is_refuse")]
    pub unsupported: UnsupportedPolicy,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

answer! {
    /// The judgements.
    pub struct ModerateAnswer {
        /// The provider's id of the answer; empty where it gives none.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub id: String,
        /// One for each text, or one for all where media were sent.
        pub results: Vec<Judgement>,
    }
}

/// One judgement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Judgement {
    /// Whether anything was found; where the provider does not say, whether any category is true.
    pub flagged: bool,
    /// What was found, by the provider's categories.
    pub categories: Map<String, Value>,
    /// How surely, by the same categories.
    pub scores: Map<String, Value>,
    /// What only the judgement's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl ModerateRequest {
    /// A call of `model` with nothing to judge yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.input.push(Part::text(text));
        self
    }
}

impl Asks for ModerateRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        Skim {
            model: self.model.clone(),
            max_tokens: Some(0),
            choices: 1,
            text_bytes: Asks::text(self).len() as u64,
            messages: self.input.len() as u64,
            media: self.input.iter().filter(|part| part.as_text().is_none()).count() as u64,
            stored: self.stored(),
            ..Skim::default()
        }
    }

    fn stored(&self) -> Vec<Stored> {
        let mut named = stored_in(&self.input);
        stored_in_native(&self.native, &mut named);
        named
    }

    fn text(&self) -> String {
        self.input.iter().filter_map(Part::as_text).collect::<Vec<_>>().join("\n")
    }
}
