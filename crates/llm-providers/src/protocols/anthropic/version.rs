//! The API versions, and what differs between them in a request.

use llm_core::chat::ChatRequest;
use llm_core::codec::{Host, Target};

use super::model;

/// The version that every client sent until October 2026, and ours where none is said and the request samples.
pub const CLASSIC: &str = "2023-06-01";
/// The version that the official SDK sends now, and ours where none is said otherwise.
pub const LATEST: &str = "2026-10-21";

/// What models up to 4.6 are told in Bedrock.
const BEDROCK: &str = "bedrock-2023-05-31";

/// What they are told in Vertex.
const VERTEX: &str = "vertex-2023-10-16";

/// The version that is spoken to `target`.
pub(super) fn of<'a>(target: &Target<'a>) -> &'a str {
    match target.version.filter(|version| !version.is_empty()) {
        Some(version) => version,
        None => match target.quirks.host {
            Host::Bedrock if model::takes_budget(target.model) => BEDROCK,
            Host::Vertex if model::takes_budget(target.model) => VERTEX,
            Host::Own | Host::Bedrock | Host::Vertex => LATEST,
        },
    }
}

/// The target of `request`. Where nobody has said a version, one is chosen that takes all that the request asks for:
/// only the older one lets a caller set how the model samples.
pub(super) fn chosen<'a>(target: &Target<'a>, request: &ChatRequest) -> Target<'a> {
    let samples = request.temperature.is_some() || request.top_p.is_some() || request.top_k.is_some();
    let is_open = target.version.is_none_or(str::is_empty) && target.quirks.host == Host::Own;
    if samples && is_open { Target { version: Some(CLASSIC), ..*target } } else { *target }
}

/// Whether `version` is 2026-10-21 or later: no `temperature`, `top_p` and `top_k` even at their defaults, no
/// documents in assistant turns, no citations in user text.
pub(super) fn is_strict(version: &str) -> bool {
    // Hosts other than Anthropic put their name before the date (`bedrock-2023-05-31`).
    let date = version.get(version.len().saturating_sub(LATEST.len())..).unwrap_or(version);
    date >= LATEST
}

#[cfg(test)]
mod tests {
    use super::{CLASSIC, LATEST, is_strict};

    #[test]
    fn only_the_newer_version_is_strict() {
        assert!(is_strict(LATEST));
        assert!(is_strict("2027-01-01"));
        for version in [CLASSIC, "bedrock-2023-05-31", "vertex-2023-10-16"] {
            assert!(!is_strict(version), "{version}");
        }
    }
}
