//! Streamed answers: an event a change, a chunk an event.
//!
//! A chunk keeps in its native what is left of its event, so that it becomes the same event again.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;
