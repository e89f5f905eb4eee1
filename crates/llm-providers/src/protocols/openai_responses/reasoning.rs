//! Thoughts: an item with a summary, sometimes the words themselves, and encrypted content.
//!
//! Both lists stay in the part's `native`; its text is what they say. Proofs of other providers' thoughts travel to
//! callers as encrypted content that names whose it is, and come back so.

use llm_core::chat::{Content, Part, Reasoning};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::PROTOCOL;
use crate::protocols::seal::{Proof, unseal};

const ENCRYPTED: &str = "encrypted_content";

/// Reads the rest of a reasoning item. `provider`: who thought; none in a caller's request.
pub(super) fn read(mut item: Fields, provider: Option<&str>) -> Part {
    let mut reasoning = Reasoning {
        text: text_of(|name| item.get(name)),
        id: item.take_nonempty("id"),
        provider: provider.map(str::to_owned),
        ..Reasoning::default()
    };
    if let Some(data) = item.take_nonempty(ENCRYPTED) {
        match (provider, unseal(&data)) {
            (None, Some((whose, proof))) => {
                reasoning.provider = Some(whose.to_owned());
                match proof {
                    Proof::Signature(text) => reasoning.signature = Some(text.to_owned()),
                    Proof::Encrypted(text) => reasoning.encrypted = Some(text.to_owned()),
                }
            }
            _ => reasoning.encrypted = Some(data),
        }
    }
    Part::from(reasoning).with_native(item.into_native(PROTOCOL))
}

/// The words of the thought, or the summary's where there are none.
fn text_of<'a>(get: impl Fn(&str) -> Option<&'a Value>) -> String {
    let texts = |name: &str| -> Vec<&str> {
        let list = get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
    };
    let said = texts("content").concat();
    if said.is_empty() { texts("summary").join(SEPARATOR) } else { said }
}

/// What stands between the parts of a summary.
pub(super) const SEPARATOR: &str = "\n\n";

/// A reasoning item: over what is left of it, or in full.
pub(super) fn write(reasoning: &Reasoning, part: &Part) -> Map<String, Value> {
    let mut out = part.native.object(PROTOCOL);
    let own = part.native.is_from(PROTOCOL);
    if !own || text_of(|name| out.get(name)) != reasoning.text {
        out.insert("type".to_owned(), json!("reasoning"));
        out.remove("content");
        let summary = (!reasoning.text.is_empty()).then(|| json!({"type": "summary_text", "text": reasoning.text}));
        out.insert("summary".to_owned(), summary.into_iter().collect());
    }
    if let Some(id) = &reasoning.id {
        out.insert("id".to_owned(), json!(id));
    }
    // A proof of any name is sent to whoever made it.
    if let Some(proof) = reasoning.encrypted.as_ref().or(reasoning.signature.as_ref()) {
        out.insert(ENCRYPTED.to_owned(), json!(proof));
    }
    out
}

/// Whether a thought may be sent to `provider`: one of its own, with a proof, or one that a caller wrote in this protocol.
pub(super) fn is_of_worth(part: &Part, provider: &str) -> bool {
    let Content::Reasoning(reasoning) = &part.content else { return false };
    let proven = reasoning.encrypted.is_some() || reasoning.signature.is_some();
    part.proves_to(provider, PROTOCOL) && (proven || part.native.is_from(PROTOCOL))
}

/// The proof of another provider's thought, as callers carry it.
pub(super) fn seal(reasoning: &Reasoning) -> Option<String> {
    let proof = match (&reasoning.encrypted, &reasoning.signature) {
        (Some(data), _) => Proof::Encrypted(data),
        (None, Some(signature)) if !signature.is_empty() => Proof::Signature(signature),
        _ => return None,
    };
    Some(proof.seal(reasoning.provider.as_deref().unwrap_or_default()))
}

/// A reasoning item for a caller, of a thought that came in another protocol.
pub(super) fn for_caller(reasoning: &Reasoning, id: &str) -> Value {
    let summary = (!reasoning.text.is_empty()).then(|| json!({"type": "summary_text", "text": reasoning.text}));
    let summary: Vec<Value> = summary.into_iter().collect();
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let Some(proof) = seal(reasoning) {
        item[ENCRYPTED] = json!(proof);
    }
    item
}

#[cfg(test)]
mod tests;
