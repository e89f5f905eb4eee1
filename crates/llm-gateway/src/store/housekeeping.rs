//! What is done to the database now and then: counters of windows that are over go, partitions are made before they are
//! needed, and calls go once they are older than they are to be kept.

use std::time::Duration;

use jiff::Timestamp;
use llm_core::Result;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::{Db, partitions, query};
use crate::record::CallId;

const PRUNE_COUNTERS: &str = "DELETE FROM counters WHERE until <= $1";
/// A few at a time, so that nobody waits long for the tables.
const DROP_CALLS: &str = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE id < $1 ORDER BY id LIMIT 1000)";
/// The most that one round deletes; the rest is deleted by later ones.
const MOST: u64 = 100_000;

/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// The task that does it. Dropping it stops the task.
#[derive(Debug)]
pub struct Housekeeping(JoinHandle<()>);

impl Housekeeping {
    /// Begins at once, and goes on until the database is closed. Single calls are kept for `retention`, or for ever.
    pub fn start(db: Db, retention: Option<Duration>) -> Self {
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

/// Does all of it, as of `now`. Hourly sums are kept for ever; single calls for as long as `retention` says, or for
/// ever where it is none. In PostgreSQL whole months are dropped at once, which costs nothing.
pub(super) async fn tidy(db: &Db, retention: Option<Duration>, now: Timestamp) -> Result<()> {
    query(PRUNE_COUNTERS).bind(now.as_millisecond()).execute(db).await?;
    if let Db::Postgres(pool) = db {
        partitions::make_ahead(pool, now).await?;
    }
    let Some(oldest) = retention.and_then(|retention| now.checked_sub(retention).ok()) else { return Ok(()) };
    if let Db::Postgres(pool) = db {
        partitions::drop_before(pool, oldest).await?;
    }
    let mut dropped = 0;
    while dropped < MOST {
        let now = query(DROP_CALLS).bind(CallId::before(oldest).as_uuid()).execute(db).await?;
        if now == 0 {
            break;
        }
        dropped += now;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
