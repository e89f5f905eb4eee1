//! Waiting until a record is in the kernel, together with the records of other calls.

use std::pin::Pin;
use std::task::{Context, Poll};

use llm_core::Result;

use super::Journal;
use super::pending::Closed;

/// A record that was taken in. Done when it is in the kernel; dropped, it is written on the spot.
///
/// Where other calls are under way, those that are ready run first: their records then leave in the same write.
#[derive(Debug)]
#[must_use = "a record must be in the kernel before the call goes on"]
pub struct Written {
    journal: Journal,
    ticket: u64,
    /// The call itself, where the shipper must read it from the file.
    kept: Option<Closed>,
    waited: bool,
    done: bool,
}

impl Written {
    pub(super) fn new(journal: Journal, ticket: u64, kept: Option<Closed>) -> Self {
        Self { journal, ticket, kept, waited: false, done: false }
    }

    /// Writes without waiting for others.
    pub(super) fn now(mut self) -> Result<()> {
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        self.done = true;
        let written = self.journal.write_up_to(self.ticket);
        if let (Err(_), Some(kept)) = (&written, self.kept.take()) {
            self.journal.keep(kept);
        }
        written
    }
}

impl Future for Written {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !self.waited && self.journal.is_shared() {
            self.waited = true;
            // A task that wakes itself comes behind all that are ready.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.write())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // The caller has gone, so nobody is there to be told.
        if !self.done
            && let Err(error) = self.write()
        {
            tracing::error!(%error, "a record can't be written to the journal");
        }
    }
}
