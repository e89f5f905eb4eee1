//! Call any language model: codecs, provider table, transport and [`Client`](client::Client).
//!
//! | module | holds |
//! | --- | --- |
//! | [`protocols`] | a folder of pure codecs per wire format, and the table of them |
//! | [`framing`] | how a body is cut into events; pure |
#![warn(missing_docs)]

pub mod framing;
pub mod protocols;

pub use llm_core::{self as core, chat, codec, *};
