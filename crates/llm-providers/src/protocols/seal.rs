//! Proofs of thoughts on their way through callers whose protocol has no place for the name of who thought.
//!
//! Callers send thoughts back with the proof that they came with. A proof that another protocol's provider made is shown
//! to them with that provider's name before it, so that it comes back to its maker and reaches no other.

use std::sync::LazyLock;

use llm_core::chat::Reasoning;
use memchr::memmem::Finder;

/// What begins a proof that is another protocol's.
const MARK: &str = "llm:";

/// A proof, by what it is to its maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof<'a> {
    /// Of thoughts in words.
    Signature(&'a str),
    /// Of thoughts that are hidden: themselves, encrypted.
    Encrypted(&'a str),
}

impl Proof<'_> {
    /// The proof with its maker's name before it.
    pub(crate) fn seal(self, provider: &str) -> String {
        let (kind, proof) = match self {
            Self::Signature(text) => ("s", text),
            Self::Encrypted(text) => ("e", text),
        };
        format!("{MARK}{kind}:{provider}:{proof}")
    }
}

/// The thoughts as a caller is shown them. Those of which nobody knows who thought them stay as they are.
pub(crate) fn sealed(reasoning: &Reasoning) -> Reasoning {
    let mut shown = reasoning.clone();
    if let Some(provider) = &reasoning.provider {
        shown.signature = reasoning.signature.as_ref().map(|text| Proof::Signature(text).seal(provider));
        shown.encrypted = reasoning.encrypted.as_ref().map(|text| Proof::Encrypted(text).seal(provider));
    }
    shown
}

/// Whether some text in a body begins as a sealed proof does. Rather too often than not at all: such a body is
/// translated, which takes the seal off or leaves the thought out.
pub(crate) fn is_in(body: &[u8]) -> bool {
    static SEALED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"llm:"));
    SEALED.find(body).is_some()
}

/// Whose a proof is that a caller sent back, and the proof; none for one of the caller's own protocol.
pub(crate) fn unseal(text: &str) -> Option<(&str, Proof<'_>)> {
    let (kind, rest) = text.strip_prefix(MARK)?.split_once(':')?;
    let (provider, proof) = rest.split_once(':')?;
    match kind {
        "s" => Some((provider, Proof::Signature(proof))),
        "e" => Some((provider, Proof::Encrypted(proof))),
        _ => None,
    }
}

/// Takes the seal off thoughts that a caller sent back.
pub(crate) fn unsealed(mut reasoning: Reasoning) -> Reasoning {
    for text in [reasoning.signature.take(), reasoning.encrypted.take()].into_iter().enumerate() {
        let (place, Some(text)) = text else { continue };
        match (unseal(&text), place) {
            (Some((provider, proof)), _) => {
                reasoning.provider = Some(provider.to_owned());
                match proof {
                    Proof::Signature(text) => reasoning.signature = Some(text.to_owned()),
                    Proof::Encrypted(text) => reasoning.encrypted = Some(text.to_owned()),
                }
            }
            (None, 0) => reasoning.signature = Some(text),
            (None, _) => reasoning.encrypted = Some(text),
        }
    }
    reasoning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_comes_back_to_its_maker() {
        let reasoning = Reasoning {
            text: "hm".into(),
            signature: Some("a:b==".into()),
            encrypted: Some("llm:".into()),
            provider: Some("bedrock".into()),
            id: None,
        };
        let shown = sealed(&reasoning);
        assert_eq!(shown.signature.as_deref(), Some("llm:s:bedrock:a:b=="));
        let back = Reasoning { provider: None, ..shown };
        assert_eq!(unsealed(back), reasoning);
        let nobodys = Reasoning { provider: None, ..reasoning };
        assert_eq!(sealed(&nobodys), nobodys);
        assert_eq!(unsealed(nobodys.clone()), nobodys);
        assert_eq!((unseal("llm:x:a:b"), unseal("EqQBCgIYAhIM")), (None, None));
    }
}
