//! Batches: many calls that a provider answers later, mostly at half the price.
//!
//! Every call of a batch is read, checked and priced as it would be by itself, and holds what it may cost of every limit
//! that applies until its result is seen. What is held stands in SQL before the batch is made, so that a restart neither
//! settles nor frees it. Results are looked for by a task of the gateway's own, and whenever a caller asks; each call is
//! settled once, with a record of its own.
//!
//! **Invariant:** a call of a batch has exactly one record, whose id was drawn when the call was held; what a record
//! with that id says twice, the store takes once.

mod answer;
mod input;
mod make;
mod open;
mod price;
mod results;
mod rows;
mod settle;
mod watch;

pub(crate) use answer::{answer, seen_results};
pub(crate) use input::{Input, read_input};
pub(crate) use open::OpenBatches;
pub(crate) use watch::watch;
