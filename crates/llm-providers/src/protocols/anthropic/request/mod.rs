//! Requests, read from callers and written to providers.

mod decode;
mod encode;
mod messages;
mod options;
mod tools;

pub(super) use decode::decode;
pub(super) use encode::{address, encode};

/// A kept member of a request that is no member of its body: the caller's `anthropic-beta` header.
const BETA: &str = "anthropic-beta";
/// A kept member of a message that was a part of the wire message before it.
const JOINED: &str = "joined";
/// A kept member of a message that stood in the request's `system`, as the empty shape of it.
const SYSTEM: &str = "system";
