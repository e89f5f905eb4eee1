//! For whom a call is made, as the application says: its own user, and tags.

use std::sync::Arc;

use http::HeaderMap;
use llm_core::{Error, Result};

use crate::keys::is_tag;

/// The header that names the end user, where the protocol has no member for it. It wins over the member.
pub(super) const END_USER: &str = "x-llm-end-user";
/// The header of further tags, with commas between them.
pub(super) const TAGS: &str = "x-llm-tags";
/// The most tags that one call can name.
const MOST_TAGS: usize = 32;

/// The end user of a call: of the header, or else `named` in the body.
pub(crate) fn end_user(headers: &HeaderMap, named: Option<&str>) -> Result<Option<Arc<str>>> {
    let header = text(headers, END_USER)?.map(|text| (text.trim(), END_USER));
    let Some((user, source)) = header.or(named.map(|user| (user, "user"))).filter(|(user, _)| !user.is_empty()) else {
        return Ok(None);
    };
    if !is_tag(user) {
        let message = "an end user is named by at most 256 bytes without control characters";
        return Err(Error::invalid_request(format!("`{source}`: {message}")).with_param(source));
    }
    Ok(Some(user.into()))
}

/// The tags of a call: those of its key, and what the header adds. Each once.
pub(crate) fn tags(headers: &HeaderMap, own: &[Arc<str>]) -> Result<Vec<Arc<str>>> {
    let mut tags = own.to_vec();
    let Some(said) = text(headers, TAGS)? else { return Ok(tags) };
    let said = said.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    for (count, tag) in said.enumerate() {
        if count >= MOST_TAGS || !is_tag(tag) {
            let message = format!("`{TAGS}` takes at most {MOST_TAGS} tags of at most 256 bytes");
            return Err(Error::invalid_request(message).with_param(TAGS));
        }
        if !tags.iter().any(|other| **other == *tag) {
            tags.push(tag.into());
        }
    }
    Ok(tags)
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>> {
    let wrong = |_| Error::invalid_request(format!("`{name}` is not readable text")).with_param(name);
    headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()).map_err(wrong)).transpose()
}
