//! What is said to make or change a key or whom it belongs to. Only the members named here can be set by anyone.

mod key;
mod organization;
mod price;
mod team;
mod user;

use llm_core::{Error, Result};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::limits::{LimitSpec, ModelPattern};

pub use key::{KeyDraft, KeyPatch};
pub use organization::{OrganizationDraft, OrganizationPatch};
pub use price::PriceDraft;
pub use team::{TeamDraft, TeamPatch};
pub use user::{MembershipDraft, UserDraft, UserPatch};

/// The longest name, in bytes.
const MAX_NAME: usize = 256;
/// The most tags of a key, and the longest of them in bytes.
const MAX_TAGS: usize = 64;
/// The most patterns of models.
const MAX_MODELS: usize = 1_000;
/// The most limits that are made beside a key, team, user or organization.
const MAX_LIMITS: usize = 64;
/// The largest metadata, in bytes of JSON.
const MAX_METADATA: usize = 16 * 1024;

/// Tells a member that is null from one that is not there.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn wrong(param: &str, message: impl std::fmt::Display) -> Error {
    Error::invalid_request(format!("`{param}` {message}")).with_param(param)
}

/// Checks what can be said of every organization, team and user, as far as it is said.
fn check_tenant(
    name: Option<&str>,
    models: Option<&[ModelPattern]>,
    limits: Option<&[LimitSpec]>,
    metadata: Option<&Map<String, Value>>,
) -> Result<()> {
    name.map_or(Ok(()), check_name)?;
    check_models(models)?;
    check_limits(limits)?;
    metadata.map_or(Ok(()), check_metadata)
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

fn check_tags(tags: &[impl AsRef<str>]) -> Result<()> {
    if tags.len() > MAX_TAGS || !tags.iter().all(|tag| is_tag(tag.as_ref())) {
        return Err(wrong("tags", format_args!("takes at most {MAX_TAGS} texts of 1 to {MAX_NAME} bytes")));
    }
    Ok(())
}

/// Whether a text can be a tag, or name an end user.
pub(crate) fn is_tag(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

fn check_metadata(metadata: &Map<String, Value>) -> Result<()> {
    let size = serde_json::to_vec(metadata).map_or(0, |json| json.len());
    if size > MAX_METADATA {
        return Err(wrong("metadata", format_args!("is larger than {MAX_METADATA} bytes of JSON")));
    }
    Ok(())
}
