//! One change of keys, limits or whom they belong to: a transaction, and what the audit log says of it.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use llm_core::Result;
use tokio::sync::MutexGuard;

use crate::keys::{Keys, logged, rows};
use crate::once;
use crate::store::{AuditEntry, AuditTarget, On, Transaction, query};

/// What triggers have noted in this transaction.
const NOTED: &str = "SELECT DISTINCT kind, id FROM changes WHERE seq > $1";
const NEWEST: &str = "SELECT coalesce(max(seq), 0) FROM changes";
/// How many notes are kept at least; see the triggers of `changes`.
const KEPT: i64 = 9_000;

/// The kinds and ids of things.
type Things = BTreeSet<(String, String)>;

/// A transaction that changes what is held in memory. Dropped, it has not happened.
pub(super) struct Change<'a> {
    tx: Transaction,
    /// Held from before the first statement until the change is in force, so what is in memory is what was there
    /// before. Always taken before a connection is, here and in [`Keys::refresh`].
    seen: MutexGuard<'a, i64>,
}

impl Deref for Change<'_> {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.tx
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.tx
    }
}

impl<'a> From<&'a mut Change<'_>> for On<'a> {
    fn from(change: &'a mut Change<'_>) -> Self {
        Self::Transaction(&mut change.tx)
    }
}

impl Keys {
    /// Begins a change. Nobody else writes until it is committed or dropped.
    pub(super) async fn begin(&self) -> Result<Change<'_>> {
        let mut seen = self.seen.lock().await;
        let mut tx = self.db.write().await?;
        self.catch_up(&mut tx, &mut seen).await?;
        once::take(&mut tx).await?;
        Ok(Change { tx, seen })
    }

    /// Makes a change last, with what the audit log says of it, and puts it in force.
    pub(super) async fn commit(&self, change: Change<'_>) -> Result<()> {
        let Change { mut tx, mut seen } = change;
        for (kind, id) in self.noted(&mut tx, *seen).await? {
            let before = self.logged(&kind, &id)?;
            let after = logged::of_row(&mut tx, &kind, &id, |limit| self.in_zone(limit)).await?;
            if let Some(entry) = AuditEntry::new(AuditTarget { kind, id }, before, after) {
                entry.write(&mut tx).await?;
            }
        }
        tx.commit().await?;
        self.changed.notify_one();
        let mut tx = self.db.read().await?;
        self.catch_up(&mut tx, &mut seen).await
    }

    /// Everything that was changed after `seen`.
    async fn noted(&self, tx: &mut Transaction, seen: i64) -> Result<Things> {
        let (newest,): (i64,) = query(NEWEST).one(&mut *tx).await?;
        if newest.saturating_sub(seen) <= KEPT {
            let noted: Vec<(String, String)> = query(NOTED).bind(seen).all(tx).await?;
            return Ok(noted.into_iter().collect());
        }
        // Some notes of so large a change are gone, so it is looked for among all that there is and was.
        let mut changed = Things::new();
        for (kind, id) in self.everything_logged(tx).await? {
            let after = logged::of_row(tx, &kind, &id, |limit| self.in_zone(limit)).await?;
            if self.logged(&kind, &id)? != after {
                changed.insert((kind, id));
            }
        }
        Ok(changed)
    }

    /// All that there is and was. Settings are left out: no large change is one of them.
    async fn everything_logged(&self, tx: &mut Transaction) -> Result<Things> {
        let mut all = Things::new();
        let mut add = |kind: &str, id: &str| _ = all.insert((kind.to_owned(), id.to_owned()));
        rows::organizations(tx, None).await?.iter().for_each(|row| add("organization", row.id.as_str()));
        rows::teams(tx, None).await?.iter().for_each(|row| add("team", row.team.id.as_str()));
        rows::users(tx, None).await?.iter().for_each(|row| add("user", row.id.as_str()));
        rows::keys(tx, None).await?.iter().for_each(|row| add("key", row.key.id.as_str()));
        rows::limits(tx, None).await?.iter().for_each(|limit| add("limit", limit.id.as_str()));
        let index = self.index();
        index.organizations(None).for_each(|found| add("organization", found.id.as_str()));
        index.teams(None).for_each(|found| add("team", found.id.as_str()));
        index.users(None).for_each(|found| add("user", found.id.as_str()));
        index.key_ids().for_each(|id| add("key", id.as_str()));
        index.limit_ids().for_each(|id| add("limit", id.as_str()));
        drop(index);
        Ok(all)
    }
}
