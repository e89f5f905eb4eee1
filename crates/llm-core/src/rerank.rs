//! Reranking: documents in the order of their relevance to a query.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::chat::UnsupportedPolicy;
use crate::codec::Skim;
use crate::operation::{Asks, Never, Operation, OperationKind, Unit, answer};
use crate::{Meter, Native};

/// The operation of [`RerankRequest`] and [`RerankAnswer`].
#[derive(Debug)]
pub enum Rerank {}

impl Operation for Rerank {
    const KIND: OperationKind = OperationKind::Rerank;
    type Request = RerankRequest;
    type Answer = RerankAnswer;
    type Chunk = Never;
}

/// A call for the order of some documents.
///
/// ```
/// use llm_core::RerankRequest;
/// let request = RerankRequest::new("cohere:rerank-v3.5", "boats").document("a ship").document("a tree").top_n(1);
/// assert_eq!(request.documents.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RerankRequest {
    /// The model id, `provider:model`, or a name that a gateway knows.
    pub model: String,
    /// What is looked for.
    pub query: String,
    /// Where to look: texts, or objects of texts.
    pub documents: Vec<Value>,
    /// How many of them are wanted; all, unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_n: Option<u64>,
    /// Whether the answer repeats the documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_documents: Option<bool>,
    /// How many tokens of each document are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens_per_doc: Option<u64>,
    /// What to do with a parameter that the provider can't take.
    #[serde(skip_serializing_if = "UnsupportedPolicy::is_refuse")]
    pub unsupported: UnsupportedPolicy,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

answer! {
    /// The documents, the most relevant first.
    pub struct RerankAnswer {
        /// The provider's id of the answer; empty where it gives none.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub id: String,
        /// The documents' places and scores, in the order in which the provider gives them.
        pub results: Vec<Ranked>,
    }
}

/// One document's relevance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Its place among the documents of the request.
    pub index: u64,
    /// How relevant it is: the higher, the more. Scales differ from model to model.
    pub score: Number,
    /// The document, where the answer repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// What only the result's own protocol knows.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl Ranked {
    /// The score as a float.
    pub fn score(&self) -> f64 {
        self.score.as_f64().unwrap_or_default()
    }
}

impl RerankRequest {
    /// A call of `model` with no documents yet.
    pub fn new(model: impl Into<String>, query: impl Into<String>) -> Self {
        Self { model: model.into(), query: query.into(), ..Self::default() }
    }

    /// Adds a document.
    #[must_use]
    pub fn document(mut self, text: impl Into<String>) -> Self {
        self.documents.push(Value::String(text.into()));
        self
    }

    /// Sets how many documents are wanted.
    #[must_use]
    pub fn top_n(mut self, top_n: u64) -> Self {
        self.top_n = Some(top_n);
        self
    }
}

/// How many documents make one search, as Cohere counts them.
const DOCUMENTS_A_SEARCH: u64 = 100;
/// From how many bytes on a document may be cut in two, each of which counts; Cohere cuts at 500 tokens.
const BYTES_A_DOCUMENT: u64 = 500;

impl Asks for RerankRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let documents = self.documents.len() as u64;
        let bytes = Asks::text(self).len() as u64;
        // Each document is read together with the query.
        let read = bytes + self.query.len() as u64 * documents;
        let pieces = documents + read / BYTES_A_DOCUMENT;
        let searches = pieces.div_ceil(DOCUMENTS_A_SEARCH).max(1);
        Skim {
            model: self.model.clone(),
            max_tokens: Some(0),
            choices: 1,
            text_bytes: read,
            messages: documents,
            units: vec![Unit::at_most(Meter::Query, searches)],
            ..Skim::default()
        }
    }

    fn text(&self) -> String {
        let mut text = self.query.clone();
        for document in &self.documents {
            text.push('\n');
            match document {
                Value::String(document) => text.push_str(document),
                other => text.push_str(&other.to_string()),
            }
        }
        text
    }
}
