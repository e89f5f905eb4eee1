//! Requests, both ways.

mod decode;
mod encode;
mod options;
#[cfg(test)]
mod tests;

pub(super) use decode::decode;
pub(super) use encode::encode;
