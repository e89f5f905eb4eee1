//! Requests, read from callers and written to providers.

mod decode;
mod encode;
mod messages;
mod options;
mod tools;

pub(super) use decode::decode;
pub(super) use encode::encode;

/// A kept member of a message that was a part of the wire message before it.
const JOINED: &str = "joined";
/// A kept member of a message that stood in the request's `system`, as the empty shape of it.
const SYSTEM: &str = "system";
