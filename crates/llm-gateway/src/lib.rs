//! A metered gateway around `llm-providers`: keys, limits, exact spend, routing.
//!
//! | module | holds |
//! | --- | --- |
//! | [`admin_key`] | the administrator's key |
//! | [`author`] | by whom things are changed |
//! | `batches` | batches of calls that providers answer later, each held, settled and recorded by itself |
//! | `call` | one call, from the application's bytes to its answer |
//! | [`cli`] | the `llm-gateway` command |
//! | [`config`] | the configuration: one struct per concern, read from TOML and checked |
//! | `errand` | the way of what reaches a provider and costs nothing |
//! | `files` | files that providers keep |
//! | [`gateway`] | [`Gateway`]: all of the below in one place, with or without a server |
//! | [`journal`] | the append-only file that a call's cost is never lost from |
//! | [`keys`] | virtual keys and teams: the index that calls are looked up in, and the rows behind it |
//! | [`limits`] | limits, windows, reservations: the ledger in memory |
//! | [`litellm`] | coming from LiteLLM: its configuration and database, said in the words of this gateway |
//! | [`named`] | enums of names, as configuration and API spell them |
//! | `notify` | telling the configured places how far limits are used up |
//! | `oidc` | tokens of identity providers in the place of keys |
//! | `once` | requests that are named by an `Idempotency-Key`, done once |
//! | [`record`] | what is kept of a call |
//! | [`router`] | every route, with the rule by which it is metered |
//! | [`routing`] | from the model that is asked for to the deployments that serve it |
//! | [`routes`] | what is no call: administration, health, a key about itself |
//! | `schema` | the schema of what several routes show alike |
//! | [`server`] | listening, and stopping without losing a call |
//! | [`store`] | what is kept in SQL: calls, sums, counters, keys |
//! | `testing` | databases for tests |

pub mod admin_key;
pub mod author;
mod azure;
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
pub mod named;
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
