//! The `llm-gateway` command, run as people run it: status, standard output and standard error.

#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod attacks;
mod command;
mod configured;
mod import;
mod keys;
mod login;
mod reports;
mod running;
mod serve;
mod start;
mod tenants;
