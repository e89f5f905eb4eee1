//! The way for bytes that need no translation: requests are looked at and edited in place, answers watched.

mod observe;
mod skim;

use bytes::Bytes;
use llm_core::Result;
use llm_core::codec::{Edits, Encoded, Observed, Observer, Passthrough, RequestHead, Skim, Target};

use super::{Anthropic, host};
use crate::protocols::splice::Splice;

impl Passthrough for Anthropic {
    fn skim(&self, _head: &RequestHead, body: &[u8]) -> Result<Skim> {
        skim::skim(body)
    }

    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        if edits.model.is_none() && edits.cap_output.is_none() {
            // Usage comes unasked.
            return Ok(body.clone());
        }
        let mut splice = Splice::new(body)?;
        if let Some(model) = &edits.model {
            splice.set_text("model", model);
        }
        if let Some(cap) = edits.cap_output {
            let name = edits.cap_name.as_deref().unwrap_or("max_tokens");
            let stated = splice.value(name).map(serde_json::from_slice::<u64>);
            // What is no number is left for the provider to refuse.
            if stated.is_none_or(|stated| stated.is_ok_and(|stated| stated > cap)) {
                splice.set(name, cap.to_string());
            }
        }
        Ok(splice.finish())
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        host::address(target, None, Bytes::new())
    }

    fn observe(&self, body: &[u8]) -> Observed {
        observe::whole(body)
    }

    fn observe_stream(&self, _hide_usage: bool) -> Box<dyn Observer> {
        Box::<observe::Watch>::default()
    }
}

#[cfg(test)]
mod tests;
