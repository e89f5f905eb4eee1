//! Files that a provider keeps: sent up, listed, looked at, read back, deleted.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Native;
use crate::bytes_as_base64;
use crate::operation::{Never, Operation, OperationKind, answer, asks_without_text};

/// The operation of [`FilesRequest`] and [`FilesAnswer`].
#[derive(Debug)]
pub enum Files {}

impl Operation for Files {
    const KIND: OperationKind = OperationKind::Files;
    type Request = FilesRequest;
    type Answer = FilesAnswer;
    type Chunk = Never;
}

/// Something asked of a provider's store of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilesRequest {
    /// The provider, as `provider:`. Behind a gateway an id alone tells where a file is.
    pub model: String,
    /// What is asked.
    pub ask: FileAsk,
}

/// What can be asked of a store of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileAsk {
    /// Keep this file.
    Upload(FileUpload),
    /// Say which files are kept.
    List(FileList),
    /// Say what is known of the file of this id.
    Get(String),
    /// Forget the file of this id.
    Delete(String),
    /// Give the bytes of the file of this id.
    Content(String),
}

/// A file on its way up.
///
/// ```
/// use llm_core::FileUpload;
/// let file = FileUpload::new("questions.jsonl", "{}\n").purpose("batch");
/// assert_eq!(file.data.len(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileUpload {
    /// Its name.
    pub filename: String,
    /// Its media type, where one is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What it is for: `batch`, `assistants`, `user_data`, …. Anthropic has no such thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Its bytes; base64 in the native protocol.
    #[serde(with = "bytes_as_base64")]
    pub data: Bytes,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl FileUpload {
    /// A file of this name and these bytes.
    pub fn new(filename: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { filename: filename.into(), data: data.into(), ..Self::default() }
    }

    /// Sets what it is for.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = Some(purpose.into());
        self
    }

    /// Sets its media type.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }
}

/// A page of the list of files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileList {
    /// The most entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The id behind which the page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only files that are for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What only the request's own protocol knows.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

answer! {
    /// What a store of files answered.
    pub struct FilesAnswer {
        /// The file that was asked about, or a page of them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub files: Vec<StoredFile>,
        /// Whether more files stand behind the page.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub has_more: bool,
        /// The id of the file that was deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deleted: Option<String>,
        /// The bytes that were asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub content: Option<FileContent>,
    }
}

/// The bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileContent {
    /// The media type, as the provider says it.
    pub content_type: String,
    /// The bytes; base64 in the native protocol.
    #[serde(with = "bytes_as_base64")]
    pub data: Bytes,
}

/// A file that a provider keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredFile {
    /// The provider's id of it.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// How large it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// All members, as its own protocol writes them.
    #[serde(skip_serializing_if = "Native::is_none")]
    pub native: Native,
}

impl FilesRequest {
    /// Asks `provider`.
    pub fn new(provider: &str, ask: FileAsk) -> Self {
        Self { model: format!("{provider}:"), ask }
    }
}

asks_without_text!(FilesRequest);
