//! The `llm` command, run as users run it: status, standard output and standard error.

#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]
mod ask;
mod attach;
#[cfg(feature = "aws")]
mod aws;
mod choose;
mod command;
mod keys;
mod lists;
mod server;
mod talk;
mod usage;
