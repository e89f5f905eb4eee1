//! The same dialect on both sides: the bytes pass.

mod observe;
mod skim;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use llm_core::Result;
use llm_core::codec::{DecodeContext, Edits, Encoded, Observed, Observer, Passthrough, RequestHead, Skim, Target};
use serde_json::json;

use super::{OpenAiResponses, request};
use crate::protocols::seal;
use crate::protocols::splice::Splice;
pub(super) use skim::named_in_items;

impl Passthrough for OpenAiResponses {
    fn skim(&self, _: &RequestHead, body: &[u8]) -> Result<Skim> {
        skim::skim(body)
    }

    /// Not where a thought is sent back whose proof is another provider's: it must not reach this one.
    fn can_pass(&self, _: &Target<'_>, _: &RequestHead, body: &[u8]) -> bool {
        !seal::is_in(body)
    }

    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        // Usage comes unasked.
        if edits.model.is_none() && edits.cap_output.is_none() {
            return Ok(body.clone());
        }
        let mut splice = Splice::new(body)?;
        if let Some(model) = &edits.model {
            splice.set("model", json!(model).to_string());
        }
        if let Some(cap) = edits.cap_output {
            let name = "max_output_tokens";
            let stated = splice.value(name).and_then(|stated| serde_json::from_slice::<u64>(stated).ok());
            if stated.is_none_or(|stated| stated > cap) {
                splice.set(name, cap.to_string());
            }
        }
        Ok(splice.finish())
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        Ok(Encoded::post(request::PATH, Bytes::new(), DecodeContext::new(target)))
    }

    fn observe(&self, body: &[u8]) -> Observed {
        observe::whole(body)
    }

    fn observe_stream(&self, _hide_usage: bool) -> Box<dyn Observer> {
        Box::<observe::Watch>::default()
    }
}
