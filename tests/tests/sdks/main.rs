//! Real clients against a real gateway, before a provider of every protocol: the official `openai`, `anthropic`
//! and `google-genai` SDKs for Python in depth, and what people build on them in breadth.
//!
//! The programs in `tests/python` and `tests/node` make the calls and print what their client made of the answers; here
//! stands what that must be, and what must have arrived at the provider.
#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail loudly")]

mod anthropic;
mod around;
mod clients;
mod errors;
mod google;
mod google_operations;
mod openai;
mod operations;
mod requests;
mod responses;
mod scene;
mod stored;
mod wrong;
