//! What is kept in SQL: finished calls, hourly sums, counters of limits, keys, and what providers store for
//! whom.
//!
//! Nothing here is on a call's way: the [journal](crate::journal) is what a call waits for, and the [`Shipper`] moves
//! its records here. Two engines take the same [`Query`]s; `sqlite.rs`, `postgres.rs`, `insert/` and `partitions.rs`
//! hold what differs.

mod audit;
mod books;
mod calls;
mod changes;
mod column;
mod csv;
mod days;
mod db;
mod history;
mod housekeeping;
mod insert;
mod migrations;
mod objects;
mod partitions;
mod postgres;
mod query;
mod recall;
pub mod replicas;
pub(crate) mod sessions;
mod shipper;
mod sqlite;
mod sums;
mod transaction;
mod usage;

pub use audit::{AuditAction, AuditEntry, AuditFilter, AuditPage, AuditTarget, audit};
pub use books::Books;
pub(crate) use books::seed_from_counters;
pub use calls::{CallFilter, CallPage, call, calls};
pub use changes::Changes;
pub use csv::usage_csv;
pub use db::{Db, database_error, is_taken, journal_folder};
pub(crate) use history::{add_history, history};
pub use housekeeping::{Housekeeping, Retention};
pub use migrations::version;
pub use objects::{ObjectPage, Objects, Order};
pub use query::{On, Query, Read, Row, Value, query};
pub(crate) use recall::{recall, restore};
pub use shipper::Shipper;
pub(crate) use sums::{Group as SumGroup, Totals as SumTotals};
pub use transaction::Transaction;
pub use usage::{UsageFilter, UsageGroup, UsageRow, usage};
