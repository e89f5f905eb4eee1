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

#[cfg(test)]
mod tests;
