//! Requests, read from callers and written to providers.

mod decode;
mod encode;
mod format;
mod messages_in;
mod messages_out;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;

pub(super) use decode::decode;
pub(in crate::protocols) use encode::Dialect;
pub(super) use encode::{PATH, encode, encode_with};
pub(in crate::protocols) use thinking::{lacks_thinking, switch_off};
