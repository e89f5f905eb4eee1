//! Moves ended calls from the journal into the database, off every call's way.

use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::insert::{insert, leave_out_known};
use super::{Db, is_taken};
use crate::journal::{Closed, Journal, Place, Taken, replay};

/// How long calls are gathered for one transaction. A finished call is visible within 250 ms.
const GATHER: Duration = Duration::from_millis(80);
/// The most calls of one transaction.
const BATCH: usize = 1024;
/// The first wait after a failed transaction, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How long PostgreSQL may take for a transaction before it is tried anew on another connection: one that went silent
/// never ends. Twice as long the next time, since it may as well be slow; and the longest.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(320));

/// The task that moves calls into the database. Dropping it stops the task, and what was not moved is moved by the
/// next process.
#[derive(Debug)]
pub struct Shipper {
    flush: mpsc::UnboundedSender<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Shipper {
    /// Starts to move what stands in `journal` behind `shipped`.
    pub fn start(db: Db, journal: Journal, shipped: Place) -> Self {
        let (flush, asked) = mpsc::unbounded_channel();
        let work = Work { db, journal, place: shipped, patience: PATIENCE.0 };
        Self { flush, task: tokio::spawn(work.run(asked)) }
    }

    /// Waits until every call that has ended so far is in the database. While that is down this waits too, or while
    /// some of them can't be written to the journal to be read again; so give it a time-out.
    pub async fn flush(&self) -> Result<()> {
        let gone = || Error::new(ErrorKind::Internal, "the shipper has stopped");
        let (done, reply) = oneshot::channel();
        self.flush.send(done).map_err(|_| gone())?;
        reply.await.map_err(|_| gone())
    }

    /// Moves what has ended so far and stops. What the database does not take within `patience` is moved by the next
    /// process.
    pub async fn stop(mut self, patience: Duration) {
        if timeout(patience, self.flush()).await.is_err() {
            tracing::warn!("the database is slow; calls stay in the journal until the next start");
        }
        self.task.abort();
        // Waits until the journal is let go of. A task that was told to stop ends with an error.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Work {
    db: Db,
    journal: Journal,
    /// Everything before it is in the database.
    place: Place,
    /// How long a transaction may take now.
    patience: Duration,
}

impl Work {
    async fn run(mut self, mut asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
        // Who asked before what is moved now, and is told when all of it was.
        let mut waiting = Vec::new();
        loop {
            if self.ship().await {
                for reply in waiting.drain(..) {
                    // Whoever asked may have stopped waiting.
                    let _ = oneshot::Sender::send(reply, ());
                }
            }
            let mut done = None;
            tokio::select! {
                // Also when the journal could not be written, and can be again.
                () = self.journal.ended() => tokio::select! {
                    () = tokio::time::sleep(GATHER) => {}
                    reply = asked.recv() => done = Some(reply),
                },
                reply = asked.recv() => done = Some(reply),
            }
            match done {
                Some(Some(reply)) => waiting.push(reply),
                Some(None) => return,
                None => {}
            }
        }
    }

    /// Moves all that there is; whether it could. It can't where something waits for the journal to be written.
    async fn ship(&mut self) -> bool {
        loop {
            match self.journal.take(self.place, BATCH) {
                Ok(Taken::Calls(calls)) if calls.is_empty() => return true,
                Ok(Taken::Calls(calls)) => {
                    let place = calls.iter().rev().find_map(|call| call.after).unwrap_or(self.place);
                    self.store(calls, place).await;
                }
                Ok(Taken::Replay(to)) => self.replay(to).await,
                Err(error) => {
                    tracing::warn!(%error, "calls can't be moved before the journal can be written again");
                    return false;
                }
            }
        }
    }

    /// Moves what stands in the file up to `to`.
    async fn replay(&mut self, to: Place) {
        while self.place < to {
            let (journal, from) = (self.journal.clone(), self.place);
            let read = move || replay(journal.folder(), from, to, BATCH);
            match tokio::task::spawn_blocking(read).await {
                Ok(Ok((calls, place))) if calls.is_empty() => self.place = place,
                Ok(Ok((calls, place))) => self.store(calls, place).await,
                Ok(Err(error)) => {
                    tracing::error!(%error, "the journal can't be read back");
                    tokio::time::sleep(BACK_OFF.1).await;
                }
                // The runtime is going down, and this with it: what comes behind must not be moved before.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// Moves `calls`, which end at `place`, however often it takes.
    async fn store(&mut self, mut calls: Vec<Closed>, place: Place) {
        let (mut wait, longest) = BACK_OFF;
        let has_made = |call: &&Closed| !call.record.objects.is_empty();
        let made: Vec<_> =
            calls.iter().filter(has_made).map(|call| (call.record.id, call.record.objects.clone())).collect();
        loop {
            let error = match self.insert(&calls, place).await {
                Ok(()) => break,
                Err(error) => error,
            };
            if is_taken(&error) && leave_out_known(&self.db, &mut calls).await.is_ok() {
                continue;
            }
            tracing::warn!(?error, calls = calls.len(), "calls can't be moved into the database yet");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
        for (id, objects) in made {
            self.journal.shipped_objects(id, &objects);
        }
        self.place = place;
        self.journal.shipped(place);
    }

    /// Moves `calls` in one transaction, or says that it took too long. It may have happened all the same; then the next
    /// one finds them there.
    async fn insert(&mut self, calls: &[Closed], place: Place) -> Result<()> {
        let moved = insert(&self.db, self.journal.id(), calls, place);
        let Db::Postgres(_) = self.db else { return moved.await };
        let begin = Instant::now();
        let Ok(moved) = timeout(self.patience, moved).await else {
            let message = format!("the database does not answer within {:?}", self.patience);
            self.patience = (self.patience * 2).min(PATIENCE.1);
            return Err(Error::new(ErrorKind::Internal, message));
        };
        if moved.is_ok() && begin.elapsed() < PATIENCE.0 {
            self.patience = PATIENCE.0;
        }
        moved
    }
}

#[cfg(test)]
mod tests;
