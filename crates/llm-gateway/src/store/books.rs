//! Starting where the last process ended: its open calls closed, its unshipped ones shipped, limits counted on.

use std::path::PathBuf;

use llm_core::Result;
use uuid::Uuid;

use super::recall::restore;
use super::{Db, Shipper, query};
use crate::journal::{Entry, Folder, Journal, Place, Sizes};
use crate::limits::{Bucket, Ledger, LimitId};
use crate::record::{CallId, CallRecord, OpenRecord};

/// The journal and what moves it into the database.
#[derive(Debug)]
pub struct Books {
    /// Where calls are recorded.
    pub journal: Journal,
    /// What moves them on.
    pub shipper: Shipper,
    /// Calls that the last process left open; they are recorded as interrupted.
    pub interrupted: u64,
    /// Calls that the last process left open on purpose: their answers are made elsewhere. Dropped, they are recorded
    /// as interrupted.
    pub parked: Vec<Entry>,
    /// Calls that had ended but were not in the database; they are on their way.
    pub unshipped: u64,
}

const PLACE: &str = "SELECT segment, place FROM journals WHERE id = $1";
const COUNTERS: &str = "SELECT journal, limit_id, bucket, until, amount FROM counters WHERE until > $1";
/// All but those of single end users and tags (`limit_…/…`), which come back when they are needed.
const COUNTERS_OF_ALL: &str =
    "SELECT journal, limit_id, bucket, until, amount FROM counters WHERE until > $1 AND limit_id NOT LIKE 'limit_%/%'";
const KNOWN: &str = "SELECT id FROM calls WHERE id = $1";

impl Books {
    /// Takes hold of the journal in `folder`, closes what was left open there, and counts into `ledger` (which has its
    /// limits already) what was counted before. Reads the counters and the unshipped tail, never history. `now` is in
    /// milliseconds since 1970.
    pub async fn open(db: &Db, folder: impl Into<PathBuf>, sizes: Sizes, ledger: &Ledger, now: i64) -> Result<Self> {
        let folder = Folder::lock(folder)?;
        let shipped = place(db, folder.id()).await?;
        let (journal, recovered) = folder.open(shipped, sizes)?;
        if recovered.damaged > 0 {
            tracing::warn!(lines = recovered.damaged, "lines of the journal were torn or damaged and are left out");
        }
        seed_from_counters(db, Some(journal.id()), ledger, now).await?;
        // Before what is not shipped is counted on top of it, and shipped.
        let open = recovered.unclosed.iter().flat_map(|open| open.charges.iter().map(|charge| &charge.limit));
        let unshipped = recovered.charges.keys().map(|(limit, _)| limit);
        for limit in unshipped.chain(open).filter(|limit| limit.is_of_each()) {
            restore(db, journal.id(), ledger, now, limit).await?;
        }
        for ((limit, bucket), amount) in &recovered.charges {
            ledger.seed(now, limit, *bucket, *amount);
        }
        let mut interrupted = 0;
        let mut parked = Vec::new();
        for open in recovered.unclosed {
            if open.parked && !is_known(db, open.id).await? {
                parked.push(journal.resume(open));
                continue;
            }
            interrupted += u64::from(interrupt(db, &journal, ledger, now, open).await?);
        }
        if interrupted > 0 || recovered.unshipped > 0 {
            tracing::info!(interrupted, unshipped = recovered.unshipped, "calls of an earlier process were recovered");
        }
        let shipper = Shipper::start(db.clone(), journal.clone(), shipped);
        Ok(Self { journal, shipper, interrupted, parked, unshipped: recovered.unshipped })
    }
}

async fn place(db: &Db, journal: &str) -> Result<Place> {
    let place: Option<(i64, i64)> = query(PLACE).bind(journal).optional(db).await?;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(place
        .map_or_else(Place::default, |(segment, offset)| Place { segment: number(segment), offset: number(offset) }))
}

/// Counts into `ledger`, which has its limits already, what the database says was counted: as its own what the calls of
/// `journal` have used, where it has one, and the rest as that of others.
pub(crate) async fn seed_from_counters(db: &Db, journal: Option<&str>, ledger: &Ledger, now: i64) -> Result<()> {
    let sql = if ledger.keeps_each() { COUNTERS } else { COUNTERS_OF_ALL };
    let rows = query(sql).bind(now).all::<(String, String, i64, i64, i64)>(db).await?;
    for (charged_by, limit, bucket, until, amount) in rows {
        let limit = LimitId::new(limit);
        if charged_by.is_empty() {
            ledger.carry(now, &limit, Bucket { start: bucket, until }, amount);
        } else if Some(&*charged_by) == journal {
            ledger.seed(now, &limit, bucket, amount);
        } else {
            ledger.seed_others(now, &limit, bucket, amount);
        }
    }
    Ok(())
}

/// Closes a call that an earlier process left open. Not where the database knows its end: then the journal could not
/// be written when it came.
async fn interrupt(db: &Db, journal: &Journal, ledger: &Ledger, now: i64, open: OpenRecord) -> Result<bool> {
    if is_known(db, open.id).await? {
        journal.forget(open.id);
        return Ok(false);
    }
    let record = CallRecord::interrupted(open);
    for charge in &record.charges {
        ledger.seed(now, &charge.limit, charge.bucket.start, charge.amount);
    }
    journal.close(record)?;
    Ok(true)
}

async fn is_known(db: &Db, id: CallId) -> Result<bool> {
    Ok(query(KNOWN).bind(id.as_uuid()).optional::<(Uuid,)>(db).await?.is_some())
}
