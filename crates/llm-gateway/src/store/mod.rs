//! What is kept in SQL: finished calls, hourly sums, counters of limits, keys.
//!
//! Nothing here is on a call's way: the [journal](crate::journal) is what a call waits for, and the shipper moves
//! its records here. SQL texts use `$1` and stand as constants, so that a second engine can share them.

mod db;

pub use db::{Db, database_error, journal_folder};
