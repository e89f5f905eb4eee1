//! Deepgram's speech both ways: `POST /listen` and `POST /speak`, whose options stand in the query.
//!
//! What a transcript says lies deep (`results.channels[].alternatives[]`), so an answer is kept whole and looked at. A
//! model of speech is one voice, in one language: `aura-2-thalia-en`. Source: Deepgram's API reference.

mod error;
mod listen;
mod models;
mod query;
mod speak;
#[cfg(test)]
mod tests;

use llm_core::Protocol;

const ME: Protocol = Protocol::Deepgram;

/// The codec of Deepgram.
#[derive(Clone, Copy, Debug)]
pub struct Deepgram;
