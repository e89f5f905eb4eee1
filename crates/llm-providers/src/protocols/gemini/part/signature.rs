//! Thoughts of other providers on their way through callers who speak this protocol.
//!
//! Callers send thoughts back with the signature that they came with. Signatures of other protocols' providers travel
//! in an envelope that says whose they are, so that they reach no other.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use llm_core::chat::Reasoning;

/// What an envelope begins with.
const MARK: &[u8] = b"llm-reasoning:";

/// What every envelope begins with in base64, whatever is in it.
pub(in super::super) const SEALED: &[u8] = b"bGxtLXJlYXNvbmlu";

/// The envelope of thoughts, in base64 as signatures are; none for thoughts that nobody vouches for.
pub(super) fn seal(reasoning: &Reasoning) -> Option<String> {
    if reasoning.signature.is_none() && reasoning.encrypted.is_none() {
        return None;
    }
    let mut bytes = MARK.to_vec();
    let without_words = Reasoning { text: String::new(), ..reasoning.clone() };
    serde_json::to_writer(&mut bytes, &without_words).ok()?;
    Some(STANDARD.encode(bytes))
}

/// The thoughts in an envelope; none for a signature that is Google's own. SDKs may spell base64 in the other alphabet.
pub(super) fn open(signature: &str) -> Option<Reasoning> {
    let bytes = STANDARD_NO_PAD.decode(standard(signature).trim_end_matches('=')).ok()?;
    serde_json::from_slice(bytes.strip_prefix(MARK)?).ok()
}

/// Base64 in the standard alphabet.
pub(super) fn standard(text: &str) -> String {
    text.replace('-', "+").replace('_', "/")
}

#[cfg(test)]
mod tests {
    use llm_core::chat::Reasoning;

    use super::{open, seal};

    #[test]
    fn an_envelope_comes_back_in_either_alphabet() {
        let reasoning = Reasoning {
            text: "words stay outside".to_owned(),
            signature: Some("Zm9v???>>>".to_owned()),
            provider: Some("anthropic".to_owned()),
            ..Reasoning::default()
        };
        let sealed = seal(&reasoning).unwrap();
        assert!(sealed.as_bytes().starts_with(super::SEALED));
        let url_safe = sealed.replace('+', "-").replace('/', "_");
        let want = Reasoning { text: String::new(), ..reasoning };
        for text in [sealed.as_str(), url_safe.as_str(), sealed.trim_end_matches('=')] {
            assert_eq!(open(text), Some(want.clone()), "{text}");
        }
        assert_eq!(open("CuUBAXLI2ny28Xe0"), None);
        assert_eq!(open("no base64!"), None);
        assert_eq!(seal(&Reasoning::default()), None);
    }
}
