//! Counting tokens, for the second look at a call that its byte bound would refuse and for streams that were cut.
//! Never on the request path: the vocabulary takes a quarter of a second to load and counting runs at tens of
//! megabytes a second, so both happen on the runtime's threads for blocking work.

/// Tokens of `text` in the vocabulary of OpenAI's newer models. Other providers' differ by some tens of percent.
pub(crate) fn count(text: &str) -> u64 {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len() as u64
}
