//! Noticing what other processes change in the same database.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Keys;

/// How often the database is asked: a key that is revoked by another process is dead here within twice that, which
/// must be less than a second.
const EVERY: Duration = Duration::from_millis(400);

impl Keys {
    /// Looks for changes from now on, until the last handle on `self` is dropped. A database that does not answer is
    /// asked again; what is in memory stays in force meanwhile.
    pub fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let keys: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                ticks.tick().await;
                let Some(keys) = keys.upgrade() else { return };
                match keys.refresh().await {
                    Ok(()) => failing = false,
                    // The gateway is being closed.
                    Err(_) if keys.db.is_closed() => return,
                    // Said once, not twice a second.
                    Err(error) if !failing => {
                        failing = true;
                        tracing::warn!(%error, "changes of keys and limits can't be read");
                    }
                    Err(_) => {}
                }
            }
        })
    }
}
