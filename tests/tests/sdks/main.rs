//! The official `openai`, `anthropic` and `google-genai` SDKs for Python against a real gateway, before a provider of every protocol.
//!
//! The programs in `tests/python` make the calls and print what their SDK made of the answers; here stands what that
//! must be, and what must have arrived at the provider.
#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail loudly")]

mod anthropic;
mod around;
mod errors;
mod google;
mod openai;
mod requests;
mod responses;
mod scene;
mod wrong;
