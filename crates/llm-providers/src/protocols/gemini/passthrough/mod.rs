//! The way for bytes that need no translation: requests are looked at and edited in place, answers watched.

mod observe;
pub(super) mod skim;

use bytes::Bytes;
use llm_core::Result;
use llm_core::codec::{Edits, Encoded, Observed, Observer, Passthrough, RequestHead, Skim, Target};

use super::name::{GENERATION_CONFIG, MAX_OUTPUT_TOKENS, Name};
use super::path::{self, Method};
use super::{Gemini, part, request};
use crate::protocols::splice::Splice;

impl Passthrough for Gemini {
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        let (model, method) = path::read(head)?;
        let skim = skim::skim(body)?;
        Ok(Skim { model, stream: method == Method::Stream, include_usage: true, ..skim })
    }

    /// A stream as one JSON array can't pass, since providers are asked for events; nor can thoughts of other
    /// providers, which no provider of this protocol would understand.
    fn can_pass(&self, _: &Target<'_>, head: &RequestHead, body: &[u8]) -> bool {
        let is_array =
            matches!(path::read(head), Ok((_, Method::Stream))) && !path::wants_events(head.query.as_deref());
        !is_array && memchr::memmem::find(body, part::SEALED).is_none()
    }

    /// The model stands in the path, so only the output cap is a matter of the body.
    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        let Some(cap) = edits.cap_output else { return Ok(body.clone()) };
        let mut splice = Splice::new(body)?;
        match stated(&splice, GENERATION_CONFIG) {
            Some((config_name, config)) => {
                let mut config = Splice::new(config)?;
                let (name, tokens) = match stated(&config, MAX_OUTPUT_TOKENS) {
                    Some((name, tokens)) => (name, Some(serde_json::from_slice::<u64>(tokens))),
                    None => (MAX_OUTPUT_TOKENS.camel, None),
                };
                // What is no number is left for the provider to refuse.
                if tokens.is_none_or(|tokens| tokens.is_ok_and(|tokens| tokens > cap)) {
                    config.set(name, cap.to_string());
                    splice.set(config_name, config.finish());
                }
            }
            None => splice.set(GENERATION_CONFIG.camel, format!("{{\"maxOutputTokens\":{cap}}}")),
        }
        Ok(splice.finish())
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        request::address(target, Bytes::new())
    }

    fn observe(&self, body: &[u8]) -> Observed {
        observe::whole(body)
    }

    fn observe_stream(&self, _hide_usage: bool) -> Box<dyn Observer> {
        Box::<observe::Watch>::default()
    }
}

/// A member that is more than null, under the name that it has.
pub(super) fn stated<'a>(splice: &Splice<'a>, name: Name) -> Option<(&'static str, &'a [u8])> {
    let of = |name: &'static str| Some((name, splice.value(name).filter(|value| *value != b"null")?));
    of(name.camel).or_else(|| of(name.snake))
}

#[cfg(test)]
mod tests;
