//! Service tiers, in the words of Chat Completions. OpenAI's SDKs know a closed list of them.

/// The word for a tier that an answer of another protocol names; none where there is no such word.
pub(in crate::protocols) fn of_answer(tier: &str) -> Option<&str> {
    match tier {
        "standard" => Some("default"),
        "auto" | "default" | "fast" | "flex" | "priority" | "scale" => Some(tier),
        _ => None,
    }
}

/// The word for a tier that a request of another protocol asks for: Anthropic's callers can ask for no other than the
/// standard one, and Google's name it.
pub(in crate::protocols) fn of_request(tier: &str) -> &str {
    if matches!(tier, "standard" | "standard_only") { "default" } else { tier }
}

/// Whether a request asks for what holds where nothing is said, in the words of any protocol.
pub(in crate::protocols) fn is_default(tier: &str) -> bool {
    matches!(tier, "auto" | "default" | "standard" | "standard_only")
}

#[cfg(test)]
mod tests {
    #[test]
    fn anthropics_standard_tier_is_openais_default() {
        assert_eq!(super::of_answer("standard"), Some("default"));
        assert_eq!(super::of_answer("priority"), Some("priority"));
        assert_eq!(super::of_answer("batch"), None);
        assert_eq!(super::of_request("standard_only"), "default");
        assert_eq!(super::of_request("standard"), "default");
        assert_eq!(super::of_request("flex"), "flex");
    }
}
