//! A metered gateway around `llm-providers`: keys, limits, exact spend, routing.
//!
//! | module | holds |
//! | --- | --- |
//! | [`config`] | the configuration: one struct per concern, read from TOML and checked
//! | [`limits`] | limits, windows, reservations: the ledger in memory |
//! | [`record`] | what is kept of a call |
//! | [`store`] | what is kept in SQL: calls, sums, counters, keys |

pub mod config;
pub mod limits;
pub mod record;
pub mod store;
