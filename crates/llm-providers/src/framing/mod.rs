//! How a body is cut into events. Pure: bytes in, frames out.
//!
//! The framing is chosen by the answer's `content-type`, never by the protocol alone: an error often comes as plain
//! JSON where a stream was asked for.

use llm_core::Result;
use llm_core::codec::Frame;

/// A frame, and the very bytes it was cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The event.
    pub frame: Frame<'a>,
    /// Its bytes on the wire. All `raw` of a body, one behind the other, are exactly the body.
    pub raw: &'a [u8],
}

/// Cuts a body into frames, however its bytes are delivered.
pub trait Framer: Send {
    /// Takes in the next bytes of the body.
    fn push(&mut self, bytes: &[u8]);
    /// The next whole frame; none until more bytes are pushed. An error (a frame past its bound, a broken checksum)
    /// ends the body.
    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>>;
    /// The body has ended: the last frame, where it came without its end mark.
    fn finish(&mut self) -> Result<Option<RawFrame<'_>>>;
}
/// tmp
pub fn for_content_type(_: Option<&str>) -> Option<Box<dyn Framer>> {
    None
}
