//! Streams: events in, chunks out, and back.
//!
//! | event | chunk |
//! | --- | --- |
//! | `messageStart` | the role, and the model that was asked |
//! | `contentBlockStart`, `…Delta`, `…Stop` | one change of one part; texts and thoughts begin with their first piece |
//! | `messageStop` | the reason |
//! | `metadata` | the usage, and what the whole answer has of it |
//! | an exception | an error |
//! | any other, or one that does not fit | the whole event as native |
//!
//! A stream is whole when it has said why it stopped and what it used.

mod decode;
mod encode;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;

/// The member with the number of a block.
const INDEX: &str = "contentBlockIndex";

#[cfg(test)]
mod tests;
