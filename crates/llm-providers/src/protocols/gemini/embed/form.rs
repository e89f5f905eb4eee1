//! The three forms in which vectors are asked for.

use llm_core::codec::Target;
use serde_json::{Map, Value};

use super::super::path;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One input, at the top of the body.
    Single,
    /// Any number of them, each with settings of its own.
    Batch,
    /// Vertex's older one: texts, with settings for all of them.
    Predict,
}

impl Form {
    const ALL: [Self; 3] = [Self::Single, Self::Batch, Self::Predict];

    /// The method of the model that takes it.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Single => "embedContent",
            Self::Batch => "batchEmbedContents",
            Self::Predict => "predict",
        }
    }

    /// The form that a method takes.
    pub(super) fn of_method(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.method() == method)
    }

    /// The member of a request that holds what is embedded.
    pub(super) fn input(self) -> &'static str {
        match self {
            Self::Single => "content",
            Self::Batch => "requests",
            Self::Predict => "instances",
        }
    }

    /// The form in which a request of this protocol came.
    pub(super) fn of_request(members: &Map<String, Value>) -> Option<Self> {
        Self::ALL.into_iter().find(|form| members.contains_key(form.input()))
    }

    /// The member of an answer that holds the vectors.
    pub(super) fn output(self) -> &'static str {
        match self {
            Self::Single => "embedding",
            Self::Batch => "embeddings",
            Self::Predict => "predictions",
        }
    }

    /// The form that `target` takes, where the request came in `was`. Which one Vertex takes depends on the model.
    pub(super) fn for_target(target: &Target<'_>, was: Option<Self>) -> Self {
        let is_newer = target.model.contains("gemini-embedding-2");
        match was {
            _ if !path::is_vertex(target) => was.unwrap_or(Self::Batch),
            Some(Self::Predict) => Self::Predict,
            _ if is_newer => Self::Single,
            _ => Self::Predict,
        }
    }
}
