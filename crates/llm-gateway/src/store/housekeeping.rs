//! What is done to the database now and then: counters of windows that are over and requests that need not be known any
//! longer go, days that are over are summed, partitions are made before they are needed, and calls and the gateway's own
//! responses go once they are older than they are to be kept.

use std::time::Duration;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::days::sum_days;
use super::{Db, Query, partitions, query, sessions};
use crate::record::CallId;

const FORGET_REQUESTS: &str = "DELETE FROM idempotency WHERE expires_at <= $1";
const PRUNE_COUNTERS: &str = "DELETE FROM counters WHERE until <= $1";
/// A few at a time, so that nobody waits long for the tables.
const DROP_CALLS: &str = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE id < $1 ORDER BY id LIMIT 1000)";
/// Google forgets an upload that nobody goes on with after some days.
const FORGET_UPLOADS: &str = "DELETE FROM objects WHERE kind = 'upload' AND made_at < $1";
const UPLOADS_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const DROP_RESPONSES: &str = "
    DELETE FROM objects WHERE (key, id) IN (
        SELECT key, id FROM objects WHERE kind IN ('own_response', 'own_item') AND made_at < $1
        ORDER BY made_at LIMIT 1000)";
/// The most that one round deletes; the rest is deleted by later ones.
const MOST: u64 = 100_000;

/// The longest that it may take to make or drop partitions, as far as nobody is waited for.
const PARTITIONS: Duration = Duration::from_secs(60);

/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// For how long things are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// Single calls; for ever where none is said.
    pub calls: Option<Duration>,
    /// Responses that the gateway keeps itself; for ever where none is said.
    pub responses: Option<Duration>,
}

/// The task that does it. Dropping it stops the task.
#[derive(Debug)]
pub struct Housekeeping(JoinHandle<()>);

impl Housekeeping {
    /// Begins at once, and goes on until the database is closed.
    pub fn start(db: Db, retention: Retention) -> Self {
        Self(tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !db.is_closed() {
                ticks.tick().await;
                if let Err(error) = tidy(&db, retention, Timestamp::now()).await {
                    tracing::warn!(?error, "the database can't be tidied; that is tried again");
                }
            }
        }))
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does all of it, as of `now`. Sums are kept for ever.
pub(super) async fn tidy(db: &Db, retention: Retention, now: Timestamp) -> Result<()> {
    for statement in [PRUNE_COUNTERS, FORGET_REQUESTS] {
        query(statement).bind(now.as_millisecond()).execute(db).await?;
    }
    sessions::prune(db, now).await?;
    if let Db::Postgres(pool) = db {
        within(PARTITIONS, partitions::make_ahead(pool, now)).await?;
    }
    let before = |kept: Option<Duration>| kept.and_then(|kept| now.checked_sub(kept).ok());
    if let Some(oldest) = before(Some(UPLOADS_FOR)) {
        query(FORGET_UPLOADS).bind(oldest.as_millisecond()).execute(db).await?;
    }
    if let Some(oldest) = before(retention.responses) {
        drop_all(db, || query(DROP_RESPONSES).bind(oldest.as_millisecond())).await?;
    }
    if let Some(oldest) = before(retention.calls) {
        drop_calls(db, oldest).await?;
    }
    sum_days(db, now).await
}

/// Drops what came before `oldest`. In PostgreSQL whole months are dropped at once, which costs nothing.
async fn drop_calls(db: &Db, oldest: Timestamp) -> Result<()> {
    if let Db::Postgres(pool) = db {
        within(PARTITIONS, partitions::drop_before(pool, oldest)).await?;
    }
    drop_all(db, || query(DROP_CALLS).bind(CallId::before(oldest).as_uuid())).await
}

/// Deletes a few at a time, until there are none left or the round has done enough.
async fn drop_all(db: &Db, few: impl Fn() -> Query) -> Result<()> {
    let mut dropped = 0;
    while dropped < MOST {
        let now = few().execute(db).await?;
        if now == 0 {
            break;
        }
        dropped += now;
    }
    Ok(())
}

async fn within(patience: Duration, work: impl Future<Output = Result<()>>) -> Result<()> {
    let silent = |_| Error::new(ErrorKind::Internal, "the database does not answer");
    tokio::time::timeout(patience, work).await.map_err(silent)?
}

#[cfg(test)]
mod tests;
