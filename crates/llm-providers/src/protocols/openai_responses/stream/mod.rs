//! Streamed answers, read from providers and written to callers.

mod decode;
mod encode;
mod items;
#[cfg(test)]
mod tests;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;

/// In a chunk: the mark with which some hosts end their streams, though the protocol has none.
const DONE: &str = "(done)";
/// In a chunk: the name of its event, where that is not its type. Some hosts leave it out.
const NAME: &str = "(name)";
