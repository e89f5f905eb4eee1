//! Requests, read from callers and written to providers.

mod decode;
mod encode;
mod format;
mod input_in;
mod input_out;
mod options;
mod tools;

#[cfg(test)]
mod tests;

pub(super) use decode::decode;
pub(super) use encode::{PATH, encode};
pub(super) use tools::read_tool;

/// The instructions, which are the first of all messages.
const INSTRUCTIONS: &str = "instructions";
/// The conversation.
const INPUT: &str = "input";
