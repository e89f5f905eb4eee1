//! Text that is continued: the older interface, without roles.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{FinishReason, UnsupportedPolicy};
use crate::codec::Skim;
use crate::operation::{Asks, Operation, OperationKind, Tells, answer};
use crate::{Native, Usage};

/// The operation of [`CompleteRequest`] and [`CompleteAnswer`].
#[derive(Debug)]
pub enum Complete {}

impl Operation for Complete {
    const KIND: OperationKind = OperationKind::Complete;
    type Request = CompleteRequest;
    type Answer = CompleteAnswer;
    type Chunk = CompleteChunk;

    fn text_of(chunks: &[CompleteChunk]) -> String {
        chunks.iter().flat_map(|chunk| &chunk.choices).map(|choice| choice.text.as_str()).collect()
    }
}

/// A text to be continued.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompleteRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// The texts; each is continued by itself.
    pub prompt: Vec<Prompt>,
    /// The text that comes behind what is made up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// The most tokens that a continuation may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Sampling temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many continuations of each text are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Of how many continuations the best are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_of: Option<u64>,
    /// Texts that end a continuation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Seed for repeatable sampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
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

/// One text to be continued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// As text.
    Text(String),
    /// As tokens of the model's own vocabulary.
    Tokens(Vec<u64>),
}

answer! {
    /// The continuations.
    pub struct CompleteAnswer {
        /// The provider's id of the answer; empty where it gives none.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub id: String,
        /// When, in seconds since 1970, where the provider says it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub created: Option<i64>,
        /// The continuations, those of the first text first.
        pub choices: Vec<TextChoice>,
    }
    text(self) { self.choices.iter().map(|choice| choice.text.as_str()).collect() }
}

/// One continuation, or a piece of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextChoice {
    /// Its place among the continuations.
    pub index: u64,
    /// The text.
    pub text: String,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Log probabilities in OpenAI's form, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// What only the choice's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// One event of streamed continuations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompleteChunk {
    /// The provider's id of the answer, in the chunks that say it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The model that answers, in the chunks that say it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// When, in seconds since 1970, in the chunks that say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// What was added to each continuation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<TextChoice>,
    /// What the call used so far. Later counts replace earlier ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What only the chunk's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl CompleteRequest {
    /// A text to be continued by `model`.
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self { model: model.into(), prompt: vec![Prompt::Text(prompt.into())], ..Self::default() }
    }

    /// Bounds the continuation.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }
}

impl CompleteAnswer {
    /// The first continuation.
    pub fn text(&self) -> &str {
        self.choices.first().map_or("", |choice| &choice.text)
    }
}

impl Asks for CompleteRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let tokens = self.prompt.iter().map(|prompt| match prompt {
            Prompt::Text(_) => 0,
            Prompt::Tokens(tokens) => tokens.len() as u64,
        });
        let each = self.n.unwrap_or(1).max(self.best_of.unwrap_or(1)).max(1);
        Skim {
            model: self.model.clone(),
            max_tokens: self.max_tokens,
            choices: each.saturating_mul(self.prompt.len().max(1) as u64),
            text_bytes: Asks::text(self).len() as u64 + tokens.sum::<u64>(),
            messages: self.prompt.len() as u64,
            user: self.user.clone(),
            ..Skim::default()
        }
    }

    fn text(&self) -> String {
        let texts = self.prompt.iter().filter_map(|prompt| match prompt {
            Prompt::Text(text) => Some(text.as_str()),
            Prompt::Tokens(_) => None,
        });
        texts.chain(self.suffix.as_deref()).collect::<Vec<_>>().join("\n")
    }

    fn cap_output(&mut self, tokens: u64) {
        self.max_tokens = Some(self.max_tokens.map_or(tokens, |wanted| wanted.min(tokens)));
    }
}

impl Tells for CompleteChunk {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn has_content(&self) -> bool {
        self.choices.iter().any(|choice| !choice.text.is_empty())
    }
}
