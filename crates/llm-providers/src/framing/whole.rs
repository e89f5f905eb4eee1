//! A body that is one whole where a stream was asked for: plain JSON, an error or the answer of a provider that does not
//! stream. It is one frame, which comes when the body has ended.

use llm_core::Result;
use llm_core::codec::Frame;

use super::{Framer, MAX_FRAME, RawFrame, too_long};

/// The name of a frame that is a whole body. No event of any framing can be named so, since a line ends in it.
pub const WHOLE: &str = "whole\n";

/// Hands out the body as one frame named [`WHOLE`].
#[derive(Debug, Default)]
pub struct WholeFramer {
    body: Vec<u8>,
    given: bool,
}

impl Framer for WholeFramer {
    fn push(&mut self, bytes: &[u8]) {
        // What is past the bound is an error in any case, so that not more than one read of it is kept.
        if self.body.len() <= MAX_FRAME {
            self.body.extend_from_slice(bytes);
        }
    }

    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>> {
        if self.body.len() > MAX_FRAME { Err(too_long(MAX_FRAME)) } else { Ok(None) }
    }

    fn finish(&mut self) -> Result<Option<RawFrame<'_>>> {
        self.next_frame()?;
        if self.body.is_empty() || std::mem::replace(&mut self.given, true) {
            return Ok(None);
        }
        let frame = Frame { event: WHOLE, data: &self.body, is_error: false };
        Ok(Some(RawFrame { frame, raw: &self.body }))
    }
}
