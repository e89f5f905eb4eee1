//! A metered gateway around `llm-providers`: keys, limits, exact spend, routing.
//!
//! | module | holds |
//! | --- | --- |
//! | [`admin_key`] | the administrator's key |
//! | [`author`] | by whom things are changed |
//! | [`cli`] | the `llm-gateway` command |
//! | [`config`] | the configuration: one struct per concern, read from TOML and checked |
//! | [`gateway`] | [`Gateway`]: all of the below in one place, with or without a server |
//! | [`journal`] | the append-only file that a call's cost is never lost from |
//! | [`keys`] | virtual keys and teams: the index that calls are looked up in, and the rows behind it |
//! | [`limits`] | limits, windows, reservations: the ledger in memory |
//! | [`litellm`] | coming from LiteLLM: its configuration and database, said in the words of this gateway |
//! | `oidc` | tokens of identity providers in the place of keys |
//! | [`record`] | what is kept of a call |
//! | [`router`] | every route, with the rule by which it is metered |
//! | [`routing`] | from the model that is asked for to the deployments that serve it |
//! | [`routes`] | what is no call: administration, health, a key about itself |
//! | [`server`] | listening, and stopping without losing a call |
//! | [`store`] | what is kept in SQL: calls, sums, counters, keys |
//! | `testing` | databases for tests |

pub mod admin_key;
pub mod author;
mod batches;
mod call;
pub mod cli;
pub mod config;
mod errand;
mod files;
pub mod gateway;
pub mod journal;
pub mod keys;
pub mod limits;
pub mod litellm;
mod notify;
mod oidc;
mod once;
pub mod record;
pub mod router;
pub mod routes;
pub mod routing;
mod schema;
#[cfg(test)]
mod served;
pub mod server;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use gateway::Gateway;
