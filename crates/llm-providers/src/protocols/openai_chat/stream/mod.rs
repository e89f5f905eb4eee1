//! Streamed answers.
//!
//! A chunk keeps its event's unknown members at three levels: the event's in the chunk's native, the choice's in the
//! choice's native with what is left of the delta under `delta`, and what is left of a tool call's piece or of a
//! reasoning detail in the native of the change.

mod choice;
mod decode;
mod encode;
mod plain;
#[cfg(test)]
mod tests;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;
