//! What is said to make or change a key.

use jiff::Timestamp;
use llm_core::Result;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{check_limits, check_metadata, check_models, check_name, check_tags, said, wrong};
use crate::keys::Role;
use crate::limits::{LimitSpec, ModelPattern};

/// A key to be made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyDraft {
    /// What people call it.
    pub name: String,
    /// The id or name of its team.
    #[serde(default)]
    pub team: Option<String>,
    /// The id or name of its user.
    #[serde(default)]
    pub user: Option<String>,
    /// What it may do beside calling models; nothing unless said.
    #[serde(default)]
    pub role: Option<Role>,
    /// Which models it may call; all unless said.
    #[serde(default)]
    pub models: Option<Vec<ModelPattern>>,
    /// From when on it is refused.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::Time>")]
    pub expires_at: Option<Timestamp>,
    /// Its limits; those of the configuration unless said. An empty list is none at all.
    #[serde(default)]
    pub limits: Option<Vec<LimitSpec>>,
    /// The tokens of answer that a call is reserved at which states no bound of its own.
    #[serde(default)]
    pub assume_output: Option<u64>,
    /// Tags of every call made with it.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What its owner wants to remember.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Whether the limits of the configuration hold even beside its own. Only who makes it for others says so.
    #[serde(skip)]
    pub keep_defaults: bool,
}

/// A change of a key. A member that is not said stays; one that is said as null becomes nothing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPatch {
    /// A new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is refused.
    #[serde(default)]
    pub blocked: Option<bool>,
    /// The id or name of another team; null for none.
    #[serde(default, deserialize_with = "said")]
    pub team: Option<Option<String>>,
    /// The id or name of another user; null for none.
    #[serde(default, deserialize_with = "said")]
    pub user: Option<Option<String>>,
    /// What it may do beside calling models; null for nothing.
    #[serde(default, deserialize_with = "said")]
    pub role: Option<Option<Role>>,
    /// Which models it may call; null for all.
    #[serde(default, deserialize_with = "said")]
    pub models: Option<Option<Vec<ModelPattern>>>,
    /// From when on it is refused; null for never.
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<Option<crate::schema::Time>>")]
    pub expires_at: Option<Option<Timestamp>>,
    /// Its limits, in the place of all that it has; null for those of the configuration.
    #[serde(default, deserialize_with = "said")]
    pub limits: Option<Option<Vec<LimitSpec>>>,
    /// The tokens of answer that a call is reserved at which states no bound of its own; null for what limits say.
    #[serde(default, deserialize_with = "said")]
    pub assume_output: Option<Option<u64>>,
    /// Its tags, in the place of those it has.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// What is remembered, in the place of what was.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// Whether the limits of the configuration go on to hold, if they do, whatever is said of its own.
    #[serde(skip)]
    pub keep_defaults: bool,
}

impl KeyDraft {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        check_models(self.models.as_deref())?;
        check_limits(self.limits.as_deref())?;
        check_assumed(self.assume_output)?;
        check_tags(&self.tags)?;
        check_metadata(&self.metadata)
    }
}

impl KeyPatch {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        self.name.as_deref().map_or(Ok(()), check_name)?;
        check_models(self.models.as_ref().and_then(Option::as_deref))?;
        check_limits(self.limits.as_ref().and_then(Option::as_deref))?;
        check_assumed(self.assume_output.flatten())?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        self.metadata.as_ref().map_or(Ok(()), check_metadata)
    }
}

fn check_assumed(tokens: Option<u64>) -> Result<()> {
    match tokens {
        Some(tokens) if tokens == 0 || i64::try_from(tokens).is_err() => {
            Err(wrong("assume_output", "is a number of tokens, 1 or more"))
        }
        _ => Ok(()),
    }
}
