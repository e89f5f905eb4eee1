//! The replicas as the database knows them: the second source of how many there are, and who must be heard before shared
//! counters are trusted that were lost.

use std::time::Duration;

use jiff::Timestamp;

use super::LEASE;
use crate::limits::Ledger;
use crate::store::{Db, replicas};

/// How often this replica says in the database that it is there.
const EVERY: Duration = Duration::from_secs(3);

/// Says that this replica is there, and how many are. It counts itself where the database can't be asked.
pub(super) async fn announce(db: &Db, me: &str) -> i64 {
    match beat(db, me).await {
        Ok(others) => i64::try_from(others.len()).unwrap_or(i64::MAX).saturating_add(1),
        Err(error) => {
            tracing::debug!(%error, "the other replicas can't be counted");
            1
        }
    }
}

/// Says so again and again.
pub(super) async fn keep(db: Db, ledger: Ledger, me: String) {
    loop {
        tokio::time::sleep(EVERY).await;
        if db.is_closed() {
            return;
        }
        ledger.heard_apart(announce(&db, &me).await);
    }
}

async fn beat(db: &Db, me: &str) -> llm_core::Result<Vec<String>> {
    replicas::beat(db, me, Timestamp::now().as_millisecond()).await?;
    others(db, me).await
}

/// The other replicas that were there lately.
pub(super) async fn others(db: &Db, me: &str) -> llm_core::Result<Vec<String>> {
    let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    let mut live = replicas::live(db, Timestamp::now().as_millisecond().saturating_sub(lease)).await?;
    live.retain(|id| id != me);
    Ok(live)
}
