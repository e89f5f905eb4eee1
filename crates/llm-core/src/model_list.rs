//! The models that a provider lists.

use serde::{Deserialize, Serialize};

use crate::Native;
use crate::operation::{Never, Operation, OperationKind, answer, asks_without_text};

/// The operation of [`ModelsRequest`] and [`ModelsAnswer`].
#[derive(Debug)]
pub enum Models {}

impl Operation for Models {
    const KIND: OperationKind = OperationKind::Models;
    type Request = ModelsRequest;
    type Answer = ModelsAnswer;
    type Chunk = Never;
}

/// A call for the list of models. There is nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelsRequest {
    /// The provider, as `provider:`; empty where it is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
}

answer! {
    /// The models.
    pub struct ModelsAnswer {
        /// The models, in the order in which the provider gives them.
        pub models: Vec<ListedModel>,
    }
}

/// One model that a provider lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedModel {
    /// The model as the provider spells it in calls.
    pub id: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The most tokens that a prompt may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
    /// The most tokens that an answer may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
    /// What only the model's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

asks_without_text!(ModelsRequest);
