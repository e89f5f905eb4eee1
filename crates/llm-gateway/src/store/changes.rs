//! Waiting for what other processes change: PostgreSQL says when something did, and whoever can't hear it looks.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::{Instant, sleep_until, timeout};

use super::Db;

/// How often to look where nothing was heard: what another process changes is in force here within twice that, which
/// must be less than a second.
const EVERY: Duration = Duration::from_millis(400);
/// What is sent on when rows of `changes` are committed.
const CHANNEL: &str = "llm_gateway_changes";
/// How long it may take to begin to listen.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// The next moments at which something may have changed.
#[derive(Debug)]
pub struct Changes {
    db: Db,
    listener: Option<PgListener>,
    /// When to try to listen again.
    again: Instant,
    /// When to look, whatever was heard.
    look: Instant,
}

impl Changes {
    /// Of this database, from now on.
    pub fn of(db: Db) -> Self {
        let now = Instant::now();
        Self { db, listener: None, again: now, look: now }
    }

    /// Waits until something may have changed: at once when PostgreSQL says so, at the latest after 400 ms.
    pub async fn next(&mut self) {
        self.listen().await;
        let heard = match &mut self.listener {
            Some(listener) => tokio::select! {
                heard = listener.try_recv() => Some(heard),
                () = sleep_until(self.look) => None,
            },
            None => {
                sleep_until(self.look).await;
                None
            }
        };
        // Where the connection is gone, so may be what it would have said: it is made anew, and that is a reason to look.
        if matches!(heard, Some(Ok(None) | Err(_))) {
            self.listener = None;
        }
        self.look = Instant::now() + EVERY;
    }

    async fn listen(&mut self) {
        let Db::Postgres(pool) = &self.db else { return };
        if self.listener.is_some() || Instant::now() < self.again {
            return;
        }
        let begin = async {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match timeout(PATIENCE, begin).await {
            Ok(Ok(listener)) => self.listener = Some(listener),
            // Looking every now and then does as well.
            Ok(Err(error)) => tracing::debug!(%error, "changes can't be listened for"),
            Err(_) => tracing::debug!("changes can't be listened for in time"),
        }
        self.again = Instant::now() + PAUSE;
    }
}

#[cfg(test)]
mod tests;
