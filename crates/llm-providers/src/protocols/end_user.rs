//! The end user of a request, under whatever name.

use std::borrow::Cow;

use llm_core::chat::ChatRequest;
use llm_core::codec::Unsupported;
use llm_core::{Protocol, Result};
use sha2::{Digest, Sha256};

/// What took the place of `user` in both of OpenAI's protocols.
pub(super) const SAFETY_IDENTIFIER: &str = "safety_identifier";
/// The longest name that OpenAI takes. Others take twice as much, or more.
const LONGEST: usize = 64;

/// The end user, for a protocol with one member for it.
pub(super) fn of(request: &ChatRequest) -> Option<&str> {
    let newer = |protocol| request.native.get(protocol, SAFETY_IDENTIFIER)?.as_str();
    newer(Protocol::OpenAiChat).or_else(|| newer(Protocol::OpenAiResponses)).or(request.user.as_deref())
}

/// A name as OpenAI takes it. Names of other protocols may be longer; their SHA-256 is as long as is allowed, and tells
/// users apart as well as they do.
pub(super) fn fitting(user: &str, is_foreign: bool) -> Cow<'_, str> {
    if !is_foreign || user.chars().count() <= LONGEST {
        return Cow::Borrowed(user);
    }
    Cow::Owned(Sha256::digest(user).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether nobody asked for the end user to be named: Anthropic's agents put a name into every request. Who says it in
/// another protocol means it.
pub(super) fn is_unasked(request: &ChatRequest) -> bool {
    request.native.is_from(Protocol::Anthropic)
}

/// Says that a protocol has no member for the end user, if `request` names one.
pub(super) fn lack(request: &ChatRequest, unsupported: &mut Unsupported<'_>, why: &str) -> Result<()> {
    match of(request) {
        Some(_) => unsupported.hint("user", is_unasked(request), why),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn only_long_names_of_other_protocols_are_changed() {
        let long = "u".repeat(65);
        assert_eq!(fitting("ann", true), "ann");
        assert_eq!(fitting(&long, false), long);
        let short = fitting(&long, true);
        assert_eq!(short, fitting(&long, true));
        assert_eq!((short.len(), short.bytes().all(|byte| byte.is_ascii_hexdigit())), (64, true));
        assert_ne!(short, fitting(&"v".repeat(65), true));
        assert_eq!(fitting(&"é".repeat(64), true), "é".repeat(64));
    }
}
