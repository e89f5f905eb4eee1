//! The open record of one call, which must be closed.

use llm_core::Result;

use super::{Journal, Written};
use crate::limits::{Charge, Estimate};
use crate::record::{Attempt, CallRecord, Object, OpenRecord, Outcome};

/// A call that stands open in the journal. [`close`](Self::close) it with how it ended; one that is dropped is closed
/// as interrupted, at its reservation, so that every admitted call has exactly one record.
#[derive(Debug)]
#[must_use = "a dropped entry is closed as interrupted"]
pub struct Entry {
    journal: Journal,
    /// Taken when the entry is closed.
    open: Option<OpenRecord>,
    /// The line of the open record.
    ticket: u64,
}

impl Entry {
    pub(super) fn new(journal: Journal, open: OpenRecord, ticket: u64) -> Self {
        Self { journal, open: Some(open), ticket }
    }

    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }

    /// Done when the open record is in the kernel; nothing may be sent before.
    pub fn written(&self) -> Written {
        Written::new(self.journal.clone(), self.ticket, None)
    }

    /// Records that the reservation was topped up. What stands in the journal is what is charged should the process
    /// end, so this comes before the dearer candidate is sent to.
    pub fn amend(&mut self, reserved: Estimate, charges: Vec<Charge>) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.reserved = reserved;
        open.charges = charges;
        self.journal.append_open(open)
    }

    /// Records what a provider now stores for the call, before its end: the caller of a stream sees ids early. When this
    /// returns, the record is in the kernel and the caller may see them.
    pub fn made(&mut self, objects: Vec<Object>) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        // What was known before may be known better now.
        open.objects.retain(|old| !objects.iter().any(|new| new.id == old.id));
        open.objects.extend(objects);
        self.journal.append_open(open)
    }

    /// Says that the answer goes on being made elsewhere: the next process is to wait for it, not to take it for
    /// interrupted. What a provider stores for it is recorded with that, and what `attempts` before it came to.
    pub fn park(&mut self, objects: Vec<Object>, attempts: &[Attempt]) -> Result<()> {
        if let Some(open) = &mut self.open {
            open.parked = true;
            open.attempts = attempts.to_vec();
        }
        self.made(objects)
    }

    /// Leaves a parked call open for the next process.
    pub fn leave(mut self) {
        self.open = None;
    }

    /// What stands in the journal of it.
    pub fn record(&self) -> Option<&OpenRecord> {
        self.open.as_ref()
    }

    /// Records how the call ended. When this returns, the record is in the kernel and the caller may see the end of its
    /// answer. After an error the call is still handed to the database.
    pub fn close(self, outcome: Outcome) -> Result<()> {
        self.end(outcome).map_or(Ok(()), Written::now)
    }

    /// The same, but the record is not in the kernel before the future is done. None where there is nothing to wait
    /// for.
    pub fn end(mut self, outcome: Outcome) -> Option<Written> {
        self.open.take().map(|open| self.journal.end(CallRecord::new(open, outcome)))
    }

    /// The open record could not be written: the call was never admitted, and nothing is recorded of it.
    pub fn forget(mut self) {
        if let Some(open) = self.open.take() {
            self.journal.take_back(open.id);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(open) = self.open.take()
            && let Err(error) = self.journal.close(CallRecord::interrupted(open))
        {
            tracing::error!(%error, "an interrupted call can't be recorded");
        }
    }
}
