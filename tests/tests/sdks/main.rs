//! The official `openai` and `anthropic` SDKs for Python against a real gateway, before a provider of every protocol.
//!
//! The programs in `tests/python` make the calls and print what their SDK made of the answers; here stands what that
//! must be, and what must have arrived at the provider.

mod anthropic;
mod around;
mod errors;
mod openai;
mod requests;
mod scene;
mod wrong;
