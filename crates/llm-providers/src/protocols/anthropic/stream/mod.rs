//! Streams: events in, chunks out, and back.
//!
//! | event | chunk |
//! | --- | --- |
//! | `message_start` | id, model, usage; the message's other members are the chunk's native |
//! | `content_block_start`, `_delta`, `_stop` | one change of one part |
//! | `message_delta` | the stop reason and the usage so far |
//! | `message_stop` | none: the end of the chunks |
//! | `error` | an error |
//! | any other, or one that does not fit | the whole event as native |

mod decode;
mod encode;
mod order;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;

#[cfg(test)]
mod tests;
