//! Something that a provider stores, and whose it is (law 13).

use std::sync::Arc;

use jiff::Timestamp;
pub use llm_core::stored::ObjectKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that a provider stores for a key. Ids are looked up together with the key, so that no provider can make
/// one key's thing another's by giving an id out twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The id of the virtual key that made it, and that alone may use it. A key that is rotated keeps its id.
    pub key: Arc<str>,
    /// The id as the caller sees it.
    pub id: Arc<str>,
    /// What it is.
    pub kind: ObjectKind,
    /// The key's team when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Arc<str>>,
    /// The provider that stores it.
    pub provider: Arc<str>,
    /// The deployment that made it, `provider:model`; the provider alone where no model was named.
    pub deployment: Arc<str>,
    /// [`Deployment::account`](crate::routing::Deployment::account) of that deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
    /// The provider's own id, where the caller sees another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_id: Option<Arc<str>>,
    /// When it was made, to the millisecond.
    pub made_at: Timestamp,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// What else must be known of it. Small: it stands in memory, in the journal and in SQL.
    #[serde(default, skip_serializing_if = "Value::is_null", with = "as_text")]
    pub detail: Value,
}

impl Object {
    /// The id by which the provider knows it.
    pub fn native_id(&self) -> &str {
        self.native_id.as_deref().unwrap_or(&self.id)
    }

    /// The same, deleted at `now`, and nothing left of what it was.
    #[must_use]
    pub fn erased(&self, now: Timestamp) -> Self {
        Self { gone_at: Some(now), detail: Value::Null, ..self.clone() }
    }

    /// The same, deleted at `now`.
    #[must_use]
    pub fn gone(&self, now: Timestamp) -> Self {
        Self { gone_at: Some(now), ..self.clone() }
    }
}

/// What is known of a call's objects at its end; of one that was known before, what is known of it now.
pub(super) fn joined(before: Vec<Object>, now: Vec<Object>) -> Vec<Object> {
    let is_old = |old: &Object| !now.iter().any(|new| new.id == old.id);
    let mut all: Vec<Object> = before.into_iter().filter(is_old).collect();
    all.extend(now);
    all
}

/// Any JSON as a text: where a record is cut by its members, nothing in it may look like one of them.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(detail: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(detail)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}
