//! What the environment says of providers: every variable that this crate reads.

use llm_core::{Error, ErrorKind, Result};
use url::Url;

use crate::registry::ProviderRow;
use crate::transport::Secret;

/// The gateway that every call goes to, with or without the key in it (`https://sk-…@gateway.example`).
pub const LLM_GATEWAY_URL: &str = "LLM_GATEWAY_URL";
/// The virtual key for that gateway, where the URL holds none.
pub const LLM_GATEWAY_KEY: &str = "LLM_GATEWAY_KEY";

/// A variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The gateway to call, if one is set: its URL without the key, and the key.
pub(crate) fn gateway() -> Result<Option<(String, Option<Secret>)>> {
    let Some(text) = variable(LLM_GATEWAY_URL) else { return Ok(None) };
    let bad = || Error::new(ErrorKind::InvalidRequest, format!("`{LLM_GATEWAY_URL}` is not an http or https URL"));
    let mut url = Url::parse(&text).map_err(|_| bad())?;
    let in_url = match (url.username(), url.password()) {
        ("", None) => None,
        ("", Some(key)) | (key, _) => Some(key.to_owned()),
    };
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| bad())?;
    let key = in_url.or_else(|| variable(LLM_GATEWAY_KEY)).map(Secret::new);
    Ok(Some((url.as_str().trim_end_matches('/').to_owned(), key)))
}

/// A row as the environment completes it, and its key; none where something it needs is not set.
pub fn configured(row: &ProviderRow) -> Option<(ProviderRow, Option<Secret>)> {
    let mut row = row.clone();
    if let Some(url) = row.base_url_env.iter().find_map(|name| variable(name)) {
        row.move_to(&url);
    }
    row.base_url.as_ref()?;
    let key = row.key_env.iter().find_map(|name| variable(name)).map(Secret::new);
    if key.is_none() && !row.key_optional { None } else { Some((row, key)) }
}
