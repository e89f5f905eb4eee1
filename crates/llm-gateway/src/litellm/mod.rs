//! Coming from LiteLLM: its configuration and its database, read and said again in the words of this gateway.
//!
//! [`Plan`] is what its `config.yaml` comes to; [`import`] takes over what stands in its PostgreSQL. What became of every
//! setting that was met is noted in a [`Report`]: nothing is dropped in silence.

pub(crate) mod amount;
mod config;
mod database;
pub(crate) mod duration;
pub(crate) mod node;
mod report;
mod write;
mod yaml;

pub use config::Plan;
pub use database::import;
pub use report::{Finding, Outcome, Report};

#[cfg(test)]
mod tests;
