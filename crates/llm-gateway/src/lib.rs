//! A metered gateway around `llm-providers`: keys, limits, exact spend, routing.
//!
//! | module | holds |
//! | --- | --- |
//! | [`store`] | what is kept in SQL: calls, sums, counters, keys |

pub mod store;
