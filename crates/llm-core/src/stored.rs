//! What providers store for whoever made it, and how answers tell of it.

use serde::{Deserialize, Serialize};

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A file that a caller uploaded, or that a batch wrote.
    File,
    /// A batch of requests.
    Batch,
    /// A response of OpenAI Responses.
    Response,
    /// An item of such a response, which a later request may refer to.
    Item,
    /// A conversation of OpenAI Responses.
    Conversation,
    /// A machine in which a provider runs code.
    Container,
    /// A file on such a machine.
    ContainerFile,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::File,
        Self::Batch,
        Self::Response,
        Self::Item,
        Self::Conversation,
        Self::Container,
        Self::ContainerFile,
    ];

    /// The name in databases and journals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Batch => "batch",
            Self::Response => "response",
            Self::Item => "item",
            Self::Conversation => "conversation",
            Self::Container => "container",
            Self::ContainerFile => "container_file",
        }
    }

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// Something of which an answer says that the provider now stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What it is.
    pub kind: ObjectKind,
    /// The provider's id of it.
    pub id: String,
}
