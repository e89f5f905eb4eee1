//! Limits that several replicas share: counters in Redis (or Valkey) beside the ledger in memory.
//!
//! One mechanism serves one process and many. Each replica's [`Ledger`] holds what its own journal has used and holds,
//! to the bucket; the shared counters are the sum of those over all replicas, and hold of every replica just that: *what
//! it says of itself*. So nothing in them is anybody's only copy. They are wrong for a while, never for ever: whatever was
//! lost or done twice is put right when its owner says again what it holds, and for owners that are gone SQL does, which
//! keeps what has been charged by journal.
//!
//! - **A call** asks for all limits that apply to it in one script and one round trip, by the server's clock; all is
//!   taken or nothing. Windows move on there by the arithmetic of [`Window`](super::Window), and calendars are computed
//!   here only.
//! - **What happens else** (settlements, top-ups) is told in the order in which it happens, off the caller's path.
//! - **A session** is one connection. It begins by saying all that this replica holds, and a script of an earlier session
//!   is refused, so a command that was late or lost changes nothing.
//! - **A replica that is not heard** for ten seconds is given up by the others: what it had reserved counts as used, as its
//!   journal will say when it starts again. When it comes back it says what it truly holds.
//! - **An epoch** is one run of the server with data in it. A server that is empty, or was started anew, is trusted only
//!   when every replica that lives has said what it holds, and SQL what those have used that don't.
//! - **Without the server** each replica goes on with its copy of what the others had, and spends its share of the rest.
//!   The line broken, a call waits no longer than its deadline, and the next ones not at all.

mod notice;
mod presence;
mod reply;
mod script;
mod server;
mod session;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use llm_core::Result;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Ledger, Standing};
use crate::config::Secret;
use crate::keys::Keys;

/// After how long a replica that is not heard is given up.
const LEASE: Duration = Duration::from_secs(10);
/// How often a replica is heard, and asks what changed.
const TICK: Duration = Duration::from_millis(100);
/// Within which time a replica that is there was heard.
const FRESH: Duration = Duration::from_secs(1);

/// What connecting takes at most, and any step that no call waits for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The server that holds the shared counters.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Its address.
    pub url: &'a Secret,
    /// The file of the authorities that vouch for it, where it is not one that the machine trusts.
    pub ca: Option<&'a Path>,
}

impl Server<'_> {
    /// Refuses what can't be one. The address is not repeated, since it may hold a password.
    pub fn check(self) -> Result<()> {
        server::client(self.url, self.ca).map(drop)
    }
}

/// The tasks that keep this replica together with the others. Dropping it stops them.
#[derive(Debug)]
pub struct Shared {
    stop: CancellationToken,
    session: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    ledger: Ledger,
}

impl Shared {
    /// Starts to share the limits of `ledger` by `server`. `me` names this replica: the id of its journal. A call waits
    /// for `deadline` at most.
    pub async fn start(
        server: Server<'_>,
        deadline: Duration,
        ledger: &Ledger,
        keys: &Arc<Keys>,
        me: &str,
    ) -> Result<Self> {
        let client = server::client(server.url, server.ca)?;
        server::refuse_unfit(&client, PATIENCE).await?;
        let stop = CancellationToken::new();
        let replicas = presence::announce(keys.db(), me).await;
        let inbox = ledger.link(deadline, replicas);
        let task = session::Task {
            client: client.clone(),
            ledger: ledger.clone(),
            db: keys.db().clone(),
            me: me.to_owned(),
            deadline,
            inbox,
            stop: stop.clone(),
        };
        let others = vec![
            tokio::spawn(presence::keep(keys.db().clone(), ledger.clone(), me.to_owned())),
            tokio::spawn(notice::tell(client.clone(), keys.clone())),
            tokio::spawn(notice::hear(client, Arc::downgrade(keys))),
        ];
        Ok(Self { stop, session: tokio::spawn(task.run()), others, ledger: ledger.clone() })
    }

    /// Waits until the shared counters decide, at most `patience`; whether they do.
    pub async fn together(&self, patience: Duration) -> bool {
        let joined = async {
            while self.ledger.standing() != Some(Standing::Together) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(patience, joined).await.is_ok()
    }

    /// Says what is left to be said, and leaves; at most `patience`.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(patience, &mut self.session).await.is_err() {
            tracing::warn!("the shared counters are slow; they learn from the others that this replica has left");
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.session.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
}
