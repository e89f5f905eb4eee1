//! The replicas that share limits, and what each has charged: the truth behind counters that are shared elsewhere.

use llm_core::Result;

use super::{Db, query};
use crate::limits::{Bucket, LimitId};

const BEAT: &str = "INSERT INTO replicas (journal, seen_at) VALUES ($1, $2)
    ON CONFLICT (journal) DO UPDATE SET seen_at = excluded.seen_at";
const LIVE: &str = "SELECT journal FROM replicas WHERE seen_at > $1";
const LEAVE: &str = "DELETE FROM replicas WHERE journal = $1";
const COUNTERS: &str =
    "SELECT journal, limit_id, bucket, until, amount FROM counters WHERE journal <> $1 AND until > $2";

/// What the calls of one journal have added to one bucket of a limit's window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The journal; empty for what was counted before journals were told apart.
    pub journal: String,
    /// The limit.
    pub limit: LimitId,
    /// The bucket.
    pub bucket: Bucket,
    /// How much, in the limit's unit.
    pub amount: i64,
}

/// Says that the replica of a journal is there at `now`, in milliseconds since 1970.
pub async fn beat(db: &Db, journal: &str, now: i64) -> Result<()> {
    query(BEAT).bind(journal).bind(now).execute(db).await.map(drop)
}

/// The journals whose replicas were there after `since`.
pub async fn live(db: &Db, since: i64) -> Result<Vec<String>> {
    Ok(query(LIVE).bind(since).all::<(String,)>(db).await?.into_iter().map(|(journal,)| journal).collect())
}

/// Says that the replica of a journal has ended.
pub async fn leave(db: &Db, journal: &str) -> Result<()> {
    query(LEAVE).bind(journal).execute(db).await.map(drop)
}

/// What all journals but `journal` have charged, in buckets that count at `now`.
pub async fn counters(db: &Db, journal: &str, now: i64) -> Result<Vec<Counted>> {
    let rows = query(COUNTERS).bind(journal).bind(now).all(db).await?;
    let counted = |(journal, limit, start, until, amount): (String, String, i64, i64, i64)| Counted {
        journal,
        limit: LimitId::new(limit),
        bucket: Bucket { start, until },
        amount,
    };
    Ok(rows.into_iter().map(counted).collect())
}
