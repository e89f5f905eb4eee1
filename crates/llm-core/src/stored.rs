//! What providers store for whoever made it, and how answers tell of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// A response that the gateway keeps itself, since its provider keeps none.
    OwnResponse,
    /// An item of such a response.
    OwnItem,
    /// A file of Google's on its way up in pieces; its id is the hash of the secret that lets a piece in.
    Upload,
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
        Self::OwnResponse,
        Self::OwnItem,
        Self::Upload,
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
            Self::OwnResponse => "own_response",
            Self::OwnItem => "own_item",
            Self::Upload => "upload",
        }
    }

    /// Whether the gateway keeps it itself, so that no provider knows its id.
    pub fn is_own(self) -> bool {
        matches!(self, Self::OwnResponse | Self::OwnItem | Self::Upload)
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

/// Kinds of objects in OpenAI Responses that tell of a file which a provider's tool has made or found. Whatever else has
/// a kind and names a file hands it over.
const TELLS_OF_FILE: [&str; 3] = ["container_file_citation", "file_citation", "file_path"];

/// Whether an object of OpenAI Responses that names a file hands that file over, by the object's `type`. One without a
/// type is a result of a search.
pub fn hands_file_over(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| !TELLS_OF_FILE.contains(&kind))
}

/// Whether an item of OpenAI Responses stands for a stored one, by its `type` and by whether it has both `role` and
/// `content`: the type of such a reference may be left out, and is a message's only where there is a message.
pub fn is_reference(kind: Option<&str>, is_message: bool) -> bool {
    kind.map_or(!is_message, |kind| kind == "item_reference")
}

/// The id of the stored item that an item of OpenAI Responses stands for; none where it is an item itself.
pub fn referred_item(item: &Value) -> Option<&str> {
    let says = |name: &str| item.get(name).is_some_and(|value| !value.is_null());
    let kind = item.get("type").and_then(Value::as_str);
    let id = item.get("id").and_then(Value::as_str)?;
    is_reference(kind, says("role") && says("content")).then_some(id)
}

/// The id of a file of Google's Files API, where `uri` is its address or its name (`files/abc`).
pub fn google_file(uri: &str) -> Option<&str> {
    let id = match uri.split_once("://") {
        Some((_, place)) => {
            // Whatever the version: each of them names the same files.
            let (before, id) = place.split(['?', '#']).next()?.trim_end_matches('/').rsplit_once("/files/")?;
            before.rsplit_once('/').filter(|(_, version)| version.starts_with("v1"))?;
            id
        }
        None => uri.strip_prefix("files/")?,
    };
    let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (!id.is_empty() && is_id(id)).then_some(id)
}

#[cfg(test)]
mod tests;
