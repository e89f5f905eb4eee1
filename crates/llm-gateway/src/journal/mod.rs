//! The append-only file in which every reservation stands before a byte goes upstream, and every settlement before
//! the caller sees the end of its answer.
//!
//! A journal is a folder of numbered segments, owned by one process. A record is in the kernel when the call that
//! wrote it goes on, so it outlives the process; it is forced to the disk a moment later, off the path, so a power cut
//! may lose that moment. Where a write fails, as on a full disk, what was written of it is taken back, no call is taken,
//! and it is tried again until it succeeds. Records that are ready together share one write ([`Written`]). What has ended is handed to the
//! [shipper](crate::store::Shipper), in memory as long as that keeps up, else it is read from the file again.

mod disk;
mod entry;
mod file;
mod folder;
mod line;
mod made;
mod pending;
mod recover;
mod segment;
mod written;

pub use entry::Entry;
pub use file::{Journal, Sizes};
pub use folder::Folder;
pub(crate) use pending::{Closed, Taken};
pub use recover::Recovered;
pub(crate) use recover::replay;
pub use segment::Place;
pub use written::Written;

use llm_core::{Error, ErrorKind};

/// What callers are told while nothing can be recorded.
fn unavailable() -> Error {
    Error::new(ErrorKind::JournalUnavailable, "spend can't be recorded at the moment, so no call is taken")
}

/// A failure at start, when there is no caller yet.
fn broken(what: String, source: std::io::Error) -> Error {
    Error::new(ErrorKind::JournalUnavailable, what).with_source(source)
}

#[cfg(test)]
mod tests;
