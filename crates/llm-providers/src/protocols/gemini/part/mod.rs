//! Parts: the pieces of requests and answers alike.
//!
//! A part is one of several members (`text`, `functionCall`, `inlineData`, …) with others beside it (`thought`,
//! `thoughtSignature`). What was understood is taken out, the rest rides in the part's native.
//!
//! A signature that stands on a function call is of worth to whoever sends the call back, whatever protocol they speak.
//! It becomes the signature of the thoughts before the call, or of thoughts without words where there are none.

mod call;
mod media;
mod read;
mod signature;
mod write;

use llm_core::Native;
use llm_core::chat::{Content, Part};
use serde_json::{Map, Value};

pub(super) use call::Ids;
pub(super) use media::write as write_media;
pub(super) use read::{of_caller, of_provider};
pub(super) use signature::SEALED;
pub(super) use write::{Asking, Parts, Place, answer, request};

use super::{ANY_PROVIDER, ME};

/// Marks thoughts that are only the signature of the function call behind them.
pub(super) const SIGNATURE_ONLY: &str = "signatureOnly";
/// Marks a function call or response whose id is ours.
pub(super) const MADE_ID: &str = "madeId";
/// Holds the whole part of a piece of a function call that arrives bit by bit.
pub(super) const PIECE: &str = "piece";
/// Holds what was left of the content that begins with a part, where several contents are one message.
pub(super) const CONTENT: &str = "content";
/// Kept members that are our own notes and reach no wire.
const NOTES: [&str; 4] = [SIGNATURE_ONLY, MADE_ID, PIECE, CONTENT];

/// An object that begins with what the part's own protocol kept.
pub(super) fn object(native: &Native) -> Map<String, Value> {
    let mut object = native.object(ME);
    for note in NOTES {
        object.shift_remove(note);
    }
    object
}

/// Appends a part that was read. The signature of a function call goes to the thoughts before it, where there are some
/// without one.
pub(super) fn append(part: Part, parts: &mut Vec<Part>) {
    let only_signature = part.native.get(ME, SIGNATURE_ONLY).is_some();
    if let (Content::Reasoning(signed), Some(last)) = (&part.content, parts.last_mut())
        && let Content::Reasoning(thoughts) = &mut last.content
        && thoughts.signature.is_none()
        && last.native.is_from(ME)
        && last.native.get(ME, SIGNATURE_ONLY).is_none()
    {
        if only_signature && signed.provider == thoughts.provider {
            thoughts.signature.clone_from(&signed.signature);
            return;
        }
        // Thoughts of another protocol's provider come back in the pieces in which they were streamed.
        let is_foreign = signed.provider.as_deref() != Some(ANY_PROVIDER);
        if is_foreign && thoughts.provider.as_deref() == Some(ANY_PROVIDER) && !only_signature {
            let mut whole = signed.clone();
            whole.text.insert_str(0, &thoughts.text);
            *last = Part { content: Content::Reasoning(whole), ..part };
            take_in_pieces(parts);
            return;
        }
    }
    parts.push(part);
}

/// Takes the pieces of thoughts in front of the last part into it.
fn take_in_pieces(parts: &mut Vec<Part>) {
    while let [.., before, last] = parts.as_mut_slice() {
        let (Content::Reasoning(piece), Content::Reasoning(whole)) = (&before.content, &mut last.content) else {
            return;
        };
        if piece.signature.is_some() || piece.provider.as_deref() != Some(ANY_PROVIDER) {
            return;
        }
        whole.text.insert_str(0, &piece.text);
        let place = parts.len() - 2;
        parts.remove(place);
    }
}
