//! Requests: read from callers, written to providers.

mod config;
mod contents;
mod decode;
mod encode;
mod thinking;
mod tools;

pub(super) use decode::decode;
pub(super) use encode::{address, encode};
