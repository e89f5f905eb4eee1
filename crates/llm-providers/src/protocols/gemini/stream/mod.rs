//! Streams: events in, chunks out, and back. Every event is one chunk, and a chunk of this protocol is the event again.
//!
//! Texts and thoughts grow from event to event; what carries a signature grows no further. Function calls are whole,
//! unless their arguments were asked for bit by bit.

mod decode;
mod encode;
mod held;
mod partial;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;
