//! What is kept in SQL: finished calls, hourly sums, counters of limits, keys, what
//! providers store for whom.
//!
//! Nothing here is on a call's way: the [journal](crate::journal) is what a call waits for, and the [`Shipper`] moves
//! its records here. SQL texts use `$1` and stand as constants, so that a second engine can share them.

mod books;
mod calls;
mod db;
mod insert;
mod migrations;
mod objects;
mod shipper;
mod sums;
mod usage;

pub use books::Books;
pub use calls::{CallFilter, CallPage, call, calls};
pub use db::{Db, database_error, journal_folder};
pub use objects::{ObjectPage, Objects, Order};
pub use shipper::Shipper;
pub use usage::{UsageFilter, UsageGroup, UsageRow, usage};
