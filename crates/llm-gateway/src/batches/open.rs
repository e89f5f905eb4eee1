//! The batches whose results this process waits for, and what their calls hold.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llm_core::Result;
use tokio::task::AbortHandle;

use super::rows::{self, Prices, Saved};
use crate::journal::Journal;
use crate::limits::{Ledger, Reservation};
use crate::record::CallRecord;
use crate::store::{Books, Db, restore};

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct OpenBatches {
    open: Mutex<HashMap<Arc<str>, Arc<OpenBatch>>>,
    /// The task that looks for results.
    watch: Mutex<Option<AbortHandle>>,
}

/// One batch whose results are waited for.
#[derive(Debug)]
pub(super) struct OpenBatch {
    /// Our own id of it.
    pub(super) id: Arc<str>,
    /// The key that made it.
    pub(super) key: Arc<str>,
    /// The provider's id of it.
    pub(super) object: Arc<str>,
    /// What each deployment charges.
    pub(super) prices: Prices,
    /// What its calls hold that are not settled, by their custom id.
    held: Mutex<HashMap<String, Reservation>>,
    /// Held by whoever settles it.
    pub(super) settling: tokio::sync::Mutex<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics half-way through a change, so what a poisoned lock guards is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenBatch {
    pub(super) fn new(saved: Saved, object: &str, held: HashMap<String, Reservation>) -> Self {
        Self {
            id: saved.id.into(),
            key: saved.key.into(),
            object: object.into(),
            prices: saved.prices,
            held: Mutex::new(held),
            settling: tokio::sync::Mutex::default(),
        }
    }

    /// What a call holds; none where it is settled, or is none of this batch.
    pub(super) fn take(&self, custom_id: &str) -> Option<Reservation> {
        locked(&self.held).remove(custom_id)
    }

    /// Whether a call is not settled.
    pub(super) fn holds(&self, custom_id: &str) -> bool {
        locked(&self.held).contains_key(custom_id)
    }

    /// The calls that are not settled.
    pub(super) fn unsettled(&self) -> Vec<String> {
        locked(&self.held).keys().cloned().collect()
    }
}

impl OpenBatches {
    /// The batches that an earlier process waited for. One of which it is not known whether it was made is charged as it
    /// was held.
    pub(crate) async fn recover(db: &Db, books: &Books, ledger: &Ledger, now: i64) -> Result<Self> {
        let batches = Self::default();
        let saved = rows::open(db, books.journal.id()).await?;
        if saved.is_empty() {
            return Ok(batches);
        }
        // What was settled last may stand in the journal alone.
        books.shipper.flush().await?;
        rows::remove_settled(db).await?;
        for batch in saved {
            let lines = rows::lines(db, &batch.id).await?;
            let charges = lines.iter().flat_map(|(_, open)| &open.charges);
            // However long it takes: what is held keeps a counter in memory, so nothing would bring it back later.
            let parts: HashSet<_> = charges.map(|charge| &charge.limit).filter(|limit| limit.is_of_each()).collect();
            for part in parts {
                restore(db, books.journal.id(), ledger, now, part).await?;
            }
            let Some(object) = batch.object.clone() else {
                for (_, open) in lines {
                    drop(ledger.hold(now, &open.charges, open.reserved));
                    books.journal.close(CallRecord::interrupted(open))?;
                }
                rows::remove(db, &batch.id).await?;
                continue;
            };
            let hold = |(custom_id, open): (String, crate::record::OpenRecord)| {
                (custom_id, ledger.hold(now, &open.charges, open.reserved))
            };
            batches.insert(OpenBatch::new(batch, &object, lines.into_iter().map(hold).collect()));
        }
        Ok(batches)
    }

    pub(super) fn insert(&self, batch: OpenBatch) {
        locked(&self.open).insert(batch.id.clone(), Arc::new(batch));
    }

    pub(super) fn remove(&self, id: &str) {
        locked(&self.open).remove(id);
    }

    /// The open batch that a key knows by the provider's id.
    pub(super) fn of(&self, key: &str, object: &str) -> Option<Arc<OpenBatch>> {
        let is_it = |batch: &&Arc<OpenBatch>| *batch.key == *key && *batch.object == *object;
        locked(&self.open).values().find(is_it).cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<OpenBatch>> {
        locked(&self.open).values().cloned().collect()
    }

    pub(super) fn watched_by(&self, task: AbortHandle) {
        if let Some(earlier) = locked(&self.watch).replace(task) {
            earlier.abort();
        }
    }

    /// No more results are looked for.
    pub(crate) fn stop(&self) {
        if let Some(task) = locked(&self.watch).take() {
            task.abort();
        }
    }
}

impl Drop for OpenBatches {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Records an ended call of a batch.
pub(super) fn close(journal: &Journal, record: CallRecord) {
    let id = record.id;
    if let Err(error) = journal.close(record) {
        // It is handed to the database all the same.
        tracing::error!(call = %id, %error, "a call of a batch could not be written to the journal");
    }
}

#[cfg(test)]
mod tests;
