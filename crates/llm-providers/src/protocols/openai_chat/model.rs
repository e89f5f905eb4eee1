//! What a name of OpenAI's models says of them. Names that say nothing are other hosts' or a deployment's.

/// How thinking of a model is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocols) enum Off {
    /// By the effort `none`.
    Word,
    /// It never thinks.
    Needless,
    /// Not at all, or in a way that is not known.
    Unknown,
}

/// How thinking of `model` is switched off: `none` came with GPT-5.1, and GPT-4 and its like do not think.
pub(in crate::protocols) fn off(model: &str) -> Off {
    match version_of(model) {
        Some(version) if version >= (5, 1) && !model.contains("-pro") => Off::Word,
        Some(version) if version < (5, 0) => Off::Needless,
        _ => Off::Unknown,
    }
}

/// Whether `model` takes breakpoints of a cache: GPT-5.6 and later do. A name that says nothing is taken for the newest.
pub(in crate::protocols) fn takes_breakpoints(model: &str) -> bool {
    let is_o = name_of(model).strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !is_o && version_of(model).is_none_or(|version| version >= (5, 6))
}

/// The version in a name of the form `gpt-MAJOR[.MINOR][…]`.
fn version_of(model: &str) -> Option<(u32, u32)> {
    let name = name_of(model);
    let rest = name.strip_prefix("gpt-").or_else(|| name.strip_prefix("chatgpt-"))?;
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let major = digits(rest);
    let minor = rest.strip_prefix(&major)?.strip_prefix('.').map(digits);
    Some((major.parse().ok()?, minor.and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

/// The name without whose it is: of a host with many (`openai/gpt-5`), or of a fine-tuned model (`ft:gpt-4.1:…`).
fn name_of(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    name.strip_prefix("ft:").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Off, off, takes_breakpoints};

    #[test]
    fn names_say_whether_thinking_stops_and_caches_are_marked() {
        let cases = [
            ("gpt-4o-mini", Off::Needless, false),
            ("ft:gpt-4.1-nano:org::x", Off::Needless, false),
            ("chatgpt-4o-latest", Off::Needless, false),
            ("gpt-5-mini", Off::Unknown, false),
            ("gpt-5.1", Off::Word, false),
            ("openai/gpt-5.6-sol", Off::Word, true),
            ("gpt-5.6-pro", Off::Unknown, true),
            ("gpt-6", Off::Word, true),
            ("o4-mini", Off::Unknown, false),
            ("gpt-oss-120b", Off::Unknown, true),
            ("llama-3.3", Off::Unknown, true),
        ];
        for (model, how, marks) in cases {
            assert_eq!((off(model), takes_breakpoints(model)), (how, marks), "{model}");
        }
    }
}
