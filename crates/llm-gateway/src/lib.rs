//! A metered gateway around `llm-providers`: keys, limits, exact spend, routing.
//!
//! | module | holds |
//! | --- | --- |
//! | [`admin_key`] | the administrator's key
//! | [`config`] | the configuration: one struct per concern, read from TOML and checked
//! | [`keys`] | virtual keys and teams: the index that calls are looked up in, and the rows behind it
//! | [`config`] | the configuration: one struct per concern, read from TOML and checked |
//! | [`limits`] | limits, windows, reservations: the ledger in memory |
//! | [`journal`] | the append-only file that a call's cost is never lost from |
//! | [`record`] | what is kept of a call |
//! | [`store`] | what is kept in SQL: calls, sums, counters, keys |

pub mod admin_key;
pub mod config;
pub mod journal;
pub mod keys;
pub mod limits;
pub mod record;
pub mod store;
