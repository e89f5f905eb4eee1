//! Counters of end users and tags that have left the memory, brought back when they are needed.

use std::time::Duration;

use llm_core::Result;

use super::{Db, query};
use crate::limits::{Ledger, LimitId};

const COUNTED: &str = "SELECT journal, bucket, amount FROM counters WHERE limit_id = $1 AND until > $2";

/// How long a call waits for what its end user had used before. Without an answer it counts from nothing: no outage of
/// the database stops calls, and what it says is looked at again once the end user has been idle.
const PATIENCE: Duration = Duration::from_millis(250);

/// Brings counters back into `ledger`, for the process of `journal`, before a call is admitted.
pub(crate) async fn recall(db: &Db, journal: &str, ledger: &Ledger, now: i64, ids: Vec<LimitId>) {
    match tokio::time::timeout(PATIENCE, restore_all(db, journal, ledger, now, &ids)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "what an end user or tag has used can't be read; it counts from nothing")
        }
        Err(_) => tracing::warn!("what an end user or tag has used is not read in time; it counts from nothing"),
    }
}

async fn restore_all(db: &Db, journal: &str, ledger: &Ledger, now: i64, ids: &[LimitId]) -> Result<()> {
    for id in ids {
        restore(db, journal, ledger, now, id).await?;
    }
    Ok(())
}

/// Brings one counter back. Of no effect where it is in memory.
pub(crate) async fn restore(db: &Db, journal: &str, ledger: &Ledger, now: i64, id: &LimitId) -> Result<()> {
    let rows: Vec<(String, i64, i64)> = query(COUNTED).bind(id.as_str()).bind(now).all(db).await?;
    let counted = rows.into_iter().map(|(by, bucket, amount)| (bucket, amount, by == journal));
    ledger.restore(now, id, &counted.collect::<Vec<_>>());
    Ok(())
}
