//! What a model's name says of it.

/// How a generation of models is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Before 2.5: it does not think, or can't be told how much.
    Plain,
    /// 2.5: by a budget of tokens. `can_stop`: thinking can be switched off.
    Budget { can_stop: bool },
    /// 3 and later: by level. `has_minimal`: there is a level below `low`; `has_medium`: there is one between.
    Level { has_minimal: bool, has_medium: bool },
}

/// The generation of `model`. A name that says none is taken for the newest.
pub(super) fn generation(model: &str) -> Generation {
    let pro = model.contains("-pro");
    match version_of(model) {
        Some((..=1, _) | (2, ..=4)) => Generation::Plain,
        Some((2, _)) => Generation::Budget { can_stop: !pro },
        // The first preview of 3 Pro had two levels only.
        version => Generation::Level { has_minimal: !pro, has_medium: !(pro && version == Some((3, 0))) },
    }
}

/// Whether the model checks the signatures of function calls, and takes media in function responses.
pub(super) fn is_third_or_later(model: &str) -> bool {
    matches!(generation(model), Generation::Level { .. })
}

/// The version in a name of the form `gemini-MAJOR[.MINOR]-…`.
fn version_of(model: &str) -> Option<(u32, u32)> {
    let (_, rest) = model.rsplit_once("gemini-")?;
    let version = rest.split('-').next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Generation, generation};

    #[test]
    fn names_say_how_a_model_thinks() {
        let cases = [
            ("gemini-1.5-flash", Generation::Plain),
            ("gemini-2.0-flash-exp", Generation::Plain),
            ("gemini-2.5-flash-lite", Generation::Budget { can_stop: true }),
            ("models/gemini-2.5-pro", Generation::Budget { can_stop: false }),
            ("gemini-3-pro-preview", Generation::Level { has_minimal: false, has_medium: false }),
            ("gemini-3.1-pro", Generation::Level { has_minimal: false, has_medium: true }),
            ("gemini-3-flash-preview", Generation::Level { has_minimal: true, has_medium: true }),
            ("gemini-flash-latest", Generation::Level { has_minimal: true, has_medium: true }),
        ];
        for (model, want) in cases {
            assert_eq!(generation(model), want, "{model}");
        }
    }
}
