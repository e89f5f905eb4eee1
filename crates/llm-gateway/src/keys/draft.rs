//! What is said to make or change a key, team or limit. Only the members named here can be set by anyone.

use jiff::Timestamp;
use llm_core::{Error, Result};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::limits::{LimitSpec, ModelPattern};

/// The longest name, in bytes.
const MAX_NAME: usize = 256;
/// The most tags of a key, and the longest of them in bytes.
const MAX_TAGS: usize = 64;
/// The most patterns of models.
const MAX_MODELS: usize = 1_000;
/// The most limits of one key or team.
const MAX_LIMITS: usize = 64;
/// The largest metadata, in bytes of JSON.
const MAX_METADATA: usize = 16 * 1024;

/// A key to be made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDraft {
    /// What people call it.
    pub name: String,
    /// The id or name of its team.
    #[serde(default)]
    pub team: Option<String>,
    /// Which models it may call; all unless said.
    #[serde(default)]
    pub models: Option<Vec<ModelPattern>>,
    /// From when on it is refused.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Its limits; those of the configuration unless said. An empty list is none at all.
    #[serde(default)]
    pub limits: Option<Vec<LimitSpec>>,
    /// Tags of every call made with it.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What its owner wants to remember.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// A change of a key. A member that is not said stays; one that is said as null becomes nothing.
#[derive(Clone, Debug, Default, Deserialize)]
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
    /// Which models it may call; null for all.
    #[serde(default, deserialize_with = "said")]
    pub models: Option<Option<Vec<ModelPattern>>>,
    /// From when on it is refused; null for never.
    #[serde(default, deserialize_with = "said")]
    pub expires_at: Option<Option<Timestamp>>,
    /// Its limits, in the place of all that it has; null for those of the configuration.
    #[serde(default, deserialize_with = "said")]
    pub limits: Option<Option<Vec<LimitSpec>>>,
    /// Its tags, in the place of those it has.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// What is remembered, in the place of what was.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

/// A team to be made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamDraft {
    /// Its name; no other team may have it.
    pub name: String,
    /// Which models its keys may call; all unless said.
    #[serde(default)]
    pub models: Option<Vec<ModelPattern>>,
    /// Its limits.
    #[serde(default)]
    pub limits: Vec<LimitSpec>,
}

/// Tells a member that is null from one that is not there.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl KeyDraft {
    pub(super) fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        check_models(self.models.as_deref())?;
        check_limits(self.limits.as_deref())?;
        check_tags(&self.tags)?;
        check_metadata(&self.metadata)
    }
}

impl KeyPatch {
    pub(super) fn check(&self) -> Result<()> {
        self.name.as_deref().map_or(Ok(()), check_name)?;
        check_models(self.models.as_ref().and_then(Option::as_deref))?;
        check_limits(self.limits.as_ref().and_then(Option::as_deref))?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        self.metadata.as_ref().map_or(Ok(()), check_metadata)
    }
}

impl TeamDraft {
    pub(super) fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        check_models(self.models.as_deref())?;
        check_limits(Some(&self.limits))
    }
}

fn wrong(param: &str, message: impl std::fmt::Display) -> Error {
    Error::invalid_request(format!("`{param}` {message}")).with_param(param)
}

fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(wrong("name", "can't be empty"));
    }
    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(wrong("name", format_args!("can't be longer than {MAX_NAME} bytes or hold control characters")));
    }
    Ok(())
}

fn check_models(models: Option<&[ModelPattern]>) -> Result<()> {
    match models {
        None => Ok(()),
        Some([]) => Err(wrong("models", "is empty, so nothing could be called; leave it out to allow all models")),
        Some(models) if models.len() > MAX_MODELS => {
            Err(wrong("models", format_args!("has more than {MAX_MODELS} patterns")))
        }
        Some(models) if models.iter().any(|pattern| pattern.as_str().is_empty()) => {
            Err(wrong("models", "has an empty pattern"))
        }
        Some(_) => Ok(()),
    }
}

fn check_limits(limits: Option<&[LimitSpec]>) -> Result<()> {
    let limits = limits.unwrap_or_default();
    if limits.len() > MAX_LIMITS {
        return Err(wrong("limits", format_args!("has more than {MAX_LIMITS} entries")));
    }
    limits
        .iter()
        .try_for_each(|spec| spec.check().map_err(|error| wrong("limits", format_args!("can't be enforced: {error}"))))
}

fn check_tags(tags: &[String]) -> Result<()> {
    let bad = |tag: &String| tag.is_empty() || tag.len() > MAX_NAME || tag.chars().any(char::is_control);
    if tags.len() > MAX_TAGS || tags.iter().any(bad) {
        return Err(wrong("tags", format_args!("takes at most {MAX_TAGS} texts of 1 to {MAX_NAME} bytes")));
    }
    Ok(())
}

fn check_metadata(metadata: &Map<String, Value>) -> Result<()> {
    let size = serde_json::to_vec(metadata).map_or(0, |json| json.len());
    if size > MAX_METADATA {
        return Err(wrong("metadata", format_args!("is larger than {MAX_METADATA} bytes of JSON")));
    }
    Ok(())
}
