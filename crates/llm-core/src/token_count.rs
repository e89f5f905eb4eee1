//! Counting a prompt's tokens without asking the model anything.

use serde::{Deserialize, Serialize};

use crate::ChatRequest;
use crate::codec::{Skim, Stored};
use crate::operation::{Asks, Never, Operation, OperationKind, answer};

/// The operation of [`CountRequest`] and [`CountAnswer`].
#[derive(Debug)]
pub enum CountTokens {}

impl Operation for CountTokens {
    const KIND: OperationKind = OperationKind::CountTokens;
    type Request = CountRequest;
    type Answer = CountAnswer;
    type Chunk = Never;
}

/// A conversation whose tokens are to be counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountRequest(pub ChatRequest);

answer! {
    /// The count.
    pub struct CountAnswer {
        /// All tokens of the prompt.
        pub input_tokens: u64,
    }
}

impl Asks for CountRequest {
    fn model(&self) -> &str {
        self.0.model()
    }

    fn set_model(&mut self, model: &str) {
        self.0.set_model(model);
    }

    /// Counting is free, so nothing is bounded.
    fn skim(&self) -> Skim {
        let stored = self.stored();
        Skim { model: self.0.model.clone(), max_tokens: Some(0), choices: 1, stored, ..Skim::default() }
    }

    fn stored(&self) -> Vec<Stored> {
        self.0.stored()
    }

    fn text(&self) -> String {
        String::new()
    }
}
