//! The replicas that share limits, and what each has charged: the truth behind counters that are shared elsewhere.

use llm_core::Result;

use super::{Db, query};
use crate::limits::{Bucket, LimitId};

const BEAT: &str = "INSERT INTO replicas (journal, seen_at) VALUES ($1, $2)
    ON CONFLICT (journal) DO UPDATE SET seen_at = excluded.seen_at";
const LIVE: &str = "SELECT journal FROM replicas WHERE seen_at > $1";
const LEAVE: &str = "DELETE FROM replicas WHERE journal = $1";
const COUNTERS: &str = "SELECT journal, limit_id, bucket, until, amount FROM counters
    WHERE journal <> $1 AND journal <> '' AND until > $2";
const CARRIED: &str = "SELECT journal, limit_id, bucket, until, amount FROM counters WHERE journal = '' AND until > $1";

/// What the calls of one journal have added to one bucket of a limit's window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The journal; empty for what was counted before it came here.
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
    Ok(query(COUNTERS).bind(journal).bind(now).all(db).await?.into_iter().map(counted).collect())
}

/// What is in no journal, because it was counted before it came here, in buckets that count at `now`.
pub async fn carried(db: &Db, now: i64) -> Result<Vec<Counted>> {
    Ok(query(CARRIED).bind(now).all(db).await?.into_iter().map(counted).collect())
}

fn counted((journal, limit, start, until, amount): (String, String, i64, i64, i64)) -> Counted {
    Counted { journal, limit: LimitId::new(limit), bucket: Bucket { start, until }, amount }
}
