//! How a ledger stands to the counters that it shares with other replicas, and what it tells them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::counter::Held;
use super::{Bucket, Estimate, Refusal, Reservation};

/// How this replica's counters stand to the shared ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They can't be reached: this replica spends its share of what was left.
    Apart,
    /// They are told what happens here, and not trusted yet.
    Joining,
    /// They decide.
    Together,
}

/// The ledger's end of the line to the shared counters.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) sender: mpsc::UnboundedSender<Op>,
    pub(super) standing: Standing,
    /// How many replicas there were when last that was known, this one included.
    pub(super) replicas: i64,
    /// The milliseconds by which the clock of the shared counters is ahead of this machine's.
    pub(super) ahead: i64,
    /// How often the shared counters were lost.
    pub(super) outages: u64,
    /// How long a call waits for them.
    pub(super) deadline: Duration,
}

impl Link {
    pub(super) fn outage(&self) -> Outage {
        Outage { number: self.outages, replicas: self.replicas }
    }

    /// Decides alone from now on.
    pub(super) fn part(&mut self) -> bool {
        let was_together = self.standing == Standing::Together;
        if was_together {
            self.outages += 1;
        }
        self.standing = Standing::Apart;
        was_together
    }
}

/// A time during which the shared counters can't be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    /// Tells it from the others.
    pub(super) number: u64,
    /// Among how many the rest is shared.
    pub(super) replicas: i64,
}

/// What the shared counters are told, in the order in which it happens here.
#[derive(Debug)]
pub(super) enum Op {
    Change(Change),
    Ask(Ask),
    /// Something that was counted before it came here, in all.
    Carry(Change),
    /// The limit of this name is no more.
    Forget(Arc<str>),
}

/// Something that has happened, whatever they say.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) limit: Arc<str>,
    /// The length of the window's buckets where it slides, else 0.
    pub(super) part: i64,
    pub(super) bucket: Bucket,
    /// What is added.
    pub(super) held: Held,
}

/// A call that waits for their word.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) estimate: Estimate,
    pub(super) wants: Vec<Want>,
    pub(super) reply: oneshot::Sender<Offer>,
}

/// The word on a call, on its way to it. A reservation that nobody takes is given back.
#[derive(Debug)]
pub(crate) struct Offer(Option<Result<Reservation, Refusal>>);

impl Offer {
    pub(super) fn new(word: Result<Reservation, Refusal>) -> Self {
        Self(Some(word))
    }

    pub(super) fn take(mut self) -> Option<Result<Reservation, Refusal>> {
        self.0.take()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if let Some(Ok(reservation)) = self.0.take() {
            reservation.cancel();
        }
    }
}

/// What it wants of one limit.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) slot: u32,
    pub(super) generation: u64,
    pub(super) limit: Arc<str>,
    pub(super) part: i64,
    pub(super) bucket: Bucket,
    pub(super) need: i64,
    pub(super) amount: i64,
}

/// What a replica holds of one limit, by the begin and end of the window's buckets.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) limit: Arc<str>,
    pub(super) part: i64,
    pub(super) buckets: Vec<(Bucket, Held)>,
}

/// A bucket that the shared counters have taken something from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) start: i64,
    /// 0 where it never ends.
    pub(super) until: i64,
    /// What others have and hold in it.
    pub(super) others: Held,
}
