//! What a model's name says of it.

use llm_core::chat::Effort;

/// Whether `model` still takes thinking budgets. Models after 4.6 think by effort only; a name that says no version is
/// given the benefit of the doubt, and the provider decides.
pub(crate) fn takes_budget(model: &str) -> bool {
    version_of(model).is_none_or(|version| version <= (4, 6))
}

/// Whether `model` thinks at all: models since 3.7 do, and so may one whose name says no version.
pub(crate) fn thinks(model: &str) -> bool {
    version_of(model).is_none_or(|version| version >= (3, 7))
}

/// Whether `model` thinks as much as it likes where it is told so, held to an effort: models since 4.6. Those before
/// know budgets only.
pub(crate) fn takes_adaptive(model: &str) -> bool {
    version_of(model).is_none_or(|version| version >= (4, 6))
}

/// The word of `model` for an effort, at or below what is asked: Opus 4.5 was the first with any, `max` came with 4.6,
/// and `xhigh` with 4.7. None where the model knows no effort.
pub(crate) fn word_of<'e>(model: &str, effort: &'e Effort) -> Option<&'e str> {
    let version = version_of(model);
    if version.is_some_and(|version| version < (4, 6) && !(version == (4, 5) && model.contains("opus"))) {
        return None;
    }
    match effort {
        // None at all is said by switching thinking off.
        Effort::None => None,
        // The lowest that there is.
        Effort::Minimal => Some("low"),
        Effort::XHigh if version.is_some_and(|version| version <= (4, 6)) => Some("high"),
        Effort::Max if version.is_some_and(|version| version < (4, 6)) => Some("high"),
        other => Some(other.as_str()),
    }
}

/// The version in a name of the form `claude-FAMILY-MAJOR[-MINOR][-DATE]`, with whatever host's decoration around it.
/// Names of the third generation (`claude-3-7-sonnet-…`) have it before the family.
fn version_of(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once("claude-")?;
    let mut words = name.split(['-', '.', '@', ':']).map(number).skip_while(Option::is_none);
    let major = words.next()??;
    let minor = words.next().flatten().unwrap_or(0);
    Some((major, minor))
}

/// A word that is a part of a version; dates are longer.
fn number(word: &str) -> Option<u32> {
    if word.len() <= 2 { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use llm_core::chat::Effort;

    use super::{takes_adaptive, takes_budget, thinks, word_of};

    #[test]
    fn thinking_began_with_3_7_and_became_adaptive_with_4_6() {
        for model in ["claude-3-5-haiku-20241022", "anthropic.claude-3-5-sonnet-20240620-v1:0", "claude-2.1"] {
            assert!(!thinks(model), "{model}");
        }
        for model in [
            "claude-3-7-sonnet-20250219",
            "claude-opus-4@20250514",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "claude-sonnet-4-5@20250929",
            "claude-sonnet-4.5",
        ] {
            assert!(thinks(model) && !takes_adaptive(model), "{model}");
            assert_eq!(word_of(model, &Effort::High), None, "{model}");
        }
        for model in ["claude-opus-4-6", "us.anthropic.claude-sonnet-4-6", "claude-sonnet-5", "claude-next", "glm-5"] {
            assert!(thinks(model) && takes_adaptive(model), "{model}");
        }
    }

    #[test]
    fn efforts_are_lowered_to_what_a_model_has() {
        let words = |model| {
            [Effort::Minimal, Effort::XHigh, Effort::Max].map(|effort| word_of(model, &effort).unwrap_or("").to_owned())
        };
        assert_eq!(words("claude-opus-4-5-20251101"), ["low", "high", "high"]);
        assert_eq!(words("claude-sonnet-4-6"), ["low", "high", "max"]);
        assert_eq!(words("claude-opus-4-7"), ["low", "xhigh", "max"]);
        assert_eq!(words("glm-5"), ["low", "xhigh", "max"]);
        assert_eq!(word_of("claude-opus-5", &Effort::None), None);
    }

    #[test]
    fn budgets_end_with_4_6() {
        for model in [
            "claude-3-7-sonnet-20250219",
            "claude-sonnet-4-20250514",
            "claude-haiku-4-5",
            "claude-haiku-4-5@20251001",
            "us.anthropic.claude-opus-4-6-v1",
            "claude-next",
            "glm-5",
        ] {
            assert!(takes_budget(model), "{model}");
        }
        for model in ["claude-opus-4-7", "claude-opus-5", "claude-sonnet-5-20260901", "us.anthropic.claude-opus-4-8"] {
            assert!(!takes_budget(model), "{model}");
        }
    }
}
