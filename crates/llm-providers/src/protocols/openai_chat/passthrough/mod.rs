//! The same dialect on both sides: the bytes pass.

mod edit;
mod observe;
mod skim;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use llm_core::Result;
use llm_core::codec::{DecodeContext, Edits, Encoded, Observed, Observer, Passthrough, RequestHead, Skim, Target};

use super::{OpenAiChat, request};

impl Passthrough for OpenAiChat {
    fn skim(&self, _: &RequestHead, body: &[u8]) -> Result<Skim> {
        skim::skim(body)
    }

    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        edit::edit(body, edits)
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        Ok(Encoded::post(request::PATH, Bytes::new(), DecodeContext::new(target)))
    }

    fn observe(&self, body: &[u8]) -> Observed {
        observe::whole(body)
    }

    fn observe_stream(&self, hide_usage: bool) -> Box<dyn Observer> {
        Box::new(observe::StreamObserver::new(hide_usage))
    }
}
