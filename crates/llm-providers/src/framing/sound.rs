//! Sound: no frames at all. Each piece is one as it arrives, named after its media type.

use llm_core::Result;
use llm_core::codec::Frame;

use super::{Framer, RawFrame};
use crate::protocols::sound::EVENT;

/// Hands bytes on as they come.
#[derive(Debug)]
pub struct SoundFramer {
    event: String,
    piece: Vec<u8>,
    given: bool,
}

impl SoundFramer {
    /// For a body of this `content-type`.
    pub fn new(content_type: &str) -> Self {
        Self { event: format!("{EVENT}{content_type}"), piece: Vec::new(), given: false }
    }
}

impl Framer for SoundFramer {
    fn push(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.given) {
            self.piece.clear();
        }
        self.piece.extend_from_slice(bytes);
    }

    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>> {
        if self.piece.is_empty() || std::mem::replace(&mut self.given, true) {
            return Ok(None);
        }
        let frame = Frame { event: &self.event, data: &self.piece, is_error: false };
        Ok(Some(RawFrame { frame, raw: &self.piece }))
    }

    fn finish(&mut self) -> Result<Option<RawFrame<'_>>> {
        self.next_frame()
    }
}
