//! Batches: many calls handed over at once, answered within a day, mostly at half the price.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{ChatAnswer, ChatRequest};
use crate::embedding::EmbedRequest;
use crate::open_enum::open_enum;
use crate::operation::{Operation, OperationKind, Tells, answer, asks_without_text};
use crate::{Error, Native, Usage};

/// The operation of [`BatchesRequest`], [`BatchesAnswer`] and, line by line, [`BatchResult`].
#[derive(Debug)]
pub enum Batches {}

impl Operation for Batches {
    const KIND: OperationKind = OperationKind::Batches;
    const LINES: bool = true;
    type Request = BatchesRequest;
    type Answer = BatchesAnswer;
    type Chunk = BatchResult;

    fn pieces(answer: BatchesAnswer) -> Option<Vec<BatchResult>> {
        Some(answer.results)
    }
}

/// Something asked of a provider's batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchesRequest {
    /// The provider, as `provider:`. Behind a gateway an id alone tells where a batch is.
    pub model: String,
    /// What is asked.
    pub ask: BatchAsk,
    /// What else the body of [`BatchAsk::Cancel`] says in the request's own protocol.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// What can be asked of batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchAsk {
    /// Make one.
    Create(BatchDraft),
    /// Say which there are.
    List(BatchList),
    /// Say how the one of this id is doing.
    Get(String),
    /// Stop the one of this id; what is answered by then stays.
    Cancel(String),
    /// Forget the one of this id, which must have ended.
    Delete(String),
    /// Give the results that stand at one of [`Batch::results`].
    Results(String),
}

/// A batch to be made.
///
/// ```
/// use llm_core::{BatchDraft, ChatRequest};
/// let draft = BatchDraft::default().chat("first", ChatRequest::new("gpt-4.1-mini").user("Hello"));
/// assert_eq!(draft.calls[0].custom_id, "first");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchDraft {
    /// The calls, all to models of one provider.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<BatchCall>,
    /// The id of a file that holds the calls, for protocols that take them so. [`Self::calls`] is then empty, or what was
    /// written into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_file: Option<String>,
    /// Where every call would go by itself, where the protocol wants it said (`/v1/chat/completions`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Within which time it shall be answered (`24h`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// What its maker wants to remember.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// One call of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchCall {
    /// What tells its result from the others'; unique in the batch.
    pub custom_id: String,
    /// What is asked.
    pub call: BatchBody,
}

/// What a call of a batch asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are chats")]
pub enum BatchBody {
    /// A chat.
    Chat(ChatRequest),
    /// Vectors.
    Embed(EmbedRequest),
    /// A body as the provider's own protocol writes it.
    Raw {
        /// The path that it would be sent to by itself, such as `/v1/chat/completions`.
        endpoint: String,
        /// The body.
        body: Value,
    },
}

impl BatchDraft {
    /// Adds a chat.
    #[must_use]
    pub fn chat(mut self, custom_id: impl Into<String>, request: ChatRequest) -> Self {
        self.calls.push(BatchCall { custom_id: custom_id.into(), call: BatchBody::Chat(request) });
        self
    }

    /// Adds a call for vectors.
    #[must_use]
    pub fn embed(mut self, custom_id: impl Into<String>, request: EmbedRequest) -> Self {
        self.calls.push(BatchCall { custom_id: custom_id.into(), call: BatchBody::Embed(request) });
        self
    }
}

/// A page of the list of batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchList {
    /// The most entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The id behind which the page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

answer! {
    /// What was answered of batches.
    pub struct BatchesAnswer {
        /// The batch that was asked about, or a page of them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub batches: Vec<Batch>,
        /// Whether more stand behind the page.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub has_more: bool,
        /// The id of the batch that was deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deleted: Option<String>,
        /// The results that were asked for.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub results: Vec<BatchResult>,
    }
}

open_enum! {
    /// How a batch is doing.
    pub enum BatchState {
        /// Its calls are being read.
        Validating = "validating",
        /// It is being answered.
        InProgress = "in_progress",
        /// All is answered, and the results are being written.
        Finalizing = "finalizing",
        /// It is being stopped.
        Cancelling = "cancelling",
        /// It has ended; each call has a result, good or bad.
        Completed = "completed",
        /// It could not be answered at all.
        Failed = "failed",
        /// Its time was over; what was answered by then is there.
        Expired = "expired",
        /// It was stopped; what was answered by then is there.
        Cancelled = "cancelled",
    }
}

impl BatchState {
    /// Whether nothing more will come. A state that this version does not know is no end.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Expired | Self::Cancelled)
    }
}

/// How many calls of a batch are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchCounts {
    /// All of them; 0 where they are not counted yet.
    pub total: u64,
    /// Those that were answered.
    pub completed: u64,
    /// Those that failed, were stopped, or came too late.
    pub failed: u64,
}

/// A batch that a provider works on, or has worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The provider's id of it.
    pub id: String,
    /// How it is doing.
    pub state: BatchState,
    /// How many of its calls are in which state.
    #[serde(default)]
    pub counts: BatchCounts,
    /// The file that holds its calls, where it was made from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_file: Option<String>,
    /// Where its results stand: ids of files, or its own id; none before there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<String>,
    /// All members, as its own protocol writes them.
    #[serde(default, skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

/// The result of one call of a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchResult {
    /// Which call.
    pub custom_id: String,
    /// The answer, where it is one of a chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<Box<ChatAnswer>>,
    /// The answer as the provider's own protocol writes it; none where there is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<BatchError>,
    /// What the call used, where the provider says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What only the line's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl BatchResult {
    /// Takes in the answer of a chat, with what it used.
    pub fn answer(&mut self, chat: ChatAnswer) {
        self.usage.clone_from(&chat.usage);
        self.chat = Some(Box::new(chat));
    }
}

/// Why a call of a batch has no answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchError(pub Error);

impl PartialEq for BatchError {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind() == other.0.kind() && self.0.message() == other.0.message()
    }
}

impl Tells for BatchResult {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn has_content(&self) -> bool {
        true
    }
}

impl BatchesRequest {
    /// Asks `provider`.
    pub fn new(provider: &str, ask: BatchAsk) -> Self {
        Self { model: format!("{provider}:"), ask, native: Native::default() }
    }
}

asks_without_text!(BatchesRequest);
