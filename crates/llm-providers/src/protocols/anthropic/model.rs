//! What a model's name says of it.

/// Whether `model` still takes thinking budgets. Models after 4.6 think by effort only; a name that says no version is
/// given the benefit of the doubt, and the provider decides.
pub(crate) fn takes_budget(model: &str) -> bool {
    version_of(model).is_none_or(|version| version <= (4, 6))
}

/// The version in a name of the form `claude-FAMILY-MAJOR[-MINOR][-DATE]`, with whatever host's decoration around it.
/// Names of the third generation (`claude-3-7-sonnet-…`) have it before the family.
fn version_of(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once("claude-")?;
    let mut words = name.split(['-', '@', ':']).map(number).skip_while(Option::is_none);
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
    use super::takes_budget;

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
