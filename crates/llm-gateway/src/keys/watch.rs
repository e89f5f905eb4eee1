//! Noticing what other processes change in the same database.

use std::sync::{Arc, Weak};

use tokio::task::JoinHandle;

use super::Keys;
use crate::store::Changes;

impl Keys {
    /// Looks for changes from now on, until the last handle on `self` is dropped. A database that does not answer is
    /// asked again; what is in memory stays in force meanwhile.
    pub fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let mut changes = Changes::of(self.db.clone());
        let keys: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut failing = false;
            loop {
                changes.next().await;
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
