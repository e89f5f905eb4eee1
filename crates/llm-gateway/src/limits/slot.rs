//! One limit in the ledger: what this replica has counted, and what it knows of the others.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::counter::{Counter, Held};
use super::ledger::{LimitStatus, millis};
use super::link::{Change, Outage, Want};
use super::refusal::{SHORT_WAIT, Why};
use super::{Bucket, Crossing, Fail, Limit, LimitMeter};

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) limit: Arc<Limit>,
    /// What calls of this replica's journal have used and hold.
    pub(super) counter: Counter,
    /// What those of all others have and hold, as far as it is known; made when there is any.
    others: Option<Box<Counter>>,
    /// What of that was counted before it came here, by the begin of the bucket.
    carried: Vec<(i64, i64)>,
    /// What this replica had counted when an outage of the shared counters was first felt here.
    before: Option<Box<Before>>,
    /// Tells a limit from the one that had its slot before.
    pub(super) generation: u64,
    /// How many entries of reservations are held of it.
    pub(super) holders: u32,
    /// Whether it was used since the last sweep.
    pub(super) touched: bool,
    /// The highest of the limit's `notify_at` that is crossed; 0 for none.
    notified: u8,
}

#[derive(Debug)]
struct Before {
    outage: u64,
    own: Counter,
}

impl Slot {
    pub(super) fn new(limit: Arc<Limit>, generation: u64) -> Self {
        let counter = empty(&limit);
        Self {
            limit,
            counter,
            others: None,
            carried: Vec::new(),
            before: None,
            generation,
            holders: 0,
            touched: true,
            notified: 0,
        }
    }

    /// Notes that an entry of a reservation is held of it.
    pub(super) fn grasp(&mut self) {
        self.holders += 1;
        self.touched = true;
    }

    /// Notes that one is no longer.
    pub(super) fn let_go(&mut self) {
        self.holders = self.holders.saturating_sub(1);
        self.touched = true;
    }

    /// Moves the window on to `now`.
    pub(super) fn advance(&mut self, now: i64) {
        self.counter.advance(now);
        if let Some(others) = &mut self.others {
            others.advance(now);
        }
    }

    /// What the window holds, of all replicas together.
    pub(super) fn held(&self) -> Held {
        let own = self.counter.held();
        match &self.others {
            Some(others) => own + others.held(),
            None => own,
        }
    }

    pub(super) fn remaining(&self) -> i64 {
        self.limit.spec.amount.saturating_sub(self.held().sum()).max(0)
    }

    /// Adds to what others have counted. Of no effect on a bucket that no longer counts.
    pub(super) fn add_others(&mut self, now: i64, bucket: i64, used: i64) {
        let limit = &self.limit;
        let others = self.others.get_or_insert_with(|| Box::new(empty(limit)));
        others.advance(now);
        others.add(bucket, used, 0);
    }

    /// Whether anything is known of others.
    pub(super) fn has_others(&self) -> bool {
        self.others.is_some()
    }

    /// Notes how much of a bucket was counted in all before it came here. Said again it changes nothing.
    pub(super) fn carry(&mut self, now: i64, bucket: i64, amount: i64) {
        let known = match self.carried.iter_mut().find(|(start, _)| *start == bucket) {
            Some((_, known)) => known,
            None => &mut self.carried.push_mut((bucket, 0)).1,
        };
        let more = amount.saturating_sub(*known).max(0);
        *known = known.saturating_add(more);
        if more > 0 {
            self.add_others(now, bucket, more);
        }
    }

    /// Puts what others have counted in the place of what was known of them.
    pub(super) fn set_others(&mut self, now: i64, buckets: &[(i64, Held)]) {
        if buckets.is_empty() {
            self.others = None;
            return;
        }
        let mut others = Box::new(empty(&self.limit));
        // The clock of the shared counters may be a little ahead.
        let newest = buckets.iter().map(|&(start, _)| start).max().unwrap_or(now);
        self.counter.advance(now.max(newest));
        others.advance(now.max(newest));
        for &(start, held) in buckets {
            others.add(start, held.used, held.reserved);
        }
        self.others = Some(others);
    }

    /// The same for one bucket, which counts now.
    pub(super) fn set_others_in(&mut self, bucket: Bucket, held: Held) {
        if self.others.is_none() && held == Held::default() {
            return;
        }
        let limit = &self.limit;
        let others = self.others.get_or_insert_with(|| Box::new(empty(limit)));
        others.advance(bucket.start);
        others.set(bucket.start, held);
    }

    /// The share at which to notify that has been crossed since the last look, the highest if several.
    pub(super) fn crossed(&mut self) -> Option<Crossing> {
        let spec = &self.limit.spec;
        if spec.notify_at.is_empty() {
            return None;
        }
        let amount = self.held().used;
        let used = i128::from(amount) * 100;
        let is_crossed = |percent: &u8| used >= i128::from(spec.amount) * i128::from(*percent);
        let highest = spec.notify_at.iter().copied().filter(is_crossed).max().unwrap_or(0);
        let before = std::mem::replace(&mut self.notified, highest);
        (highest > before).then(|| Crossing {
            limit: Arc::clone(&self.limit),
            percent: highest,
            used: amount,
            window: spec.window.number(self.counter.bucket()),
        })
    }

    /// Why `needed` more does not fit; none where it does. During an `outage` of the shared counters, only this replica's
    /// share of what was left is there to be taken.
    pub(super) fn refuses(&mut self, now: i64, needed: i64, outage: Option<Outage>) -> Option<Why> {
        // What takes nothing can't exceed anything: a free model may be called on a spent budget.
        if needed == 0 {
            return None;
        }
        let amount = self.limit.spec.amount;
        let left = amount.saturating_sub(self.held().sum());
        if needed > amount {
            return Some(Why::TooLarge { needed, remaining: left.max(0) });
        }
        let room = match (outage, self.limit.spec.fail) {
            (None, _) | (Some(_), Some(Fail::Open)) => left,
            (Some(_), Some(Fail::Closed)) => return Some(Why::Unknown),
            (Some(outage), None) => self.share(now, outage).min(left),
        };
        if needed <= room {
            return None;
        }
        let retry_after = if self.limit.spec.meter == LimitMeter::Concurrency || needed <= left {
            Some(SHORT_WAIT)
        } else {
            self.frees_in(now, needed.saturating_sub(left))
        };
        Some(Why::UsedUp { needed, remaining: room.max(0), retry_after })
    }

    /// The refusal of who looked at the shared counters, where this replica's copy would say otherwise.
    pub(super) fn used_up(&self, needed: i64) -> Why {
        Why::UsedUp { needed, remaining: self.remaining().min(needed.saturating_sub(1)), retry_after: Some(SHORT_WAIT) }
    }

    fn frees_in(&self, now: i64, over: i64) -> Option<std::time::Duration> {
        self.counter.frees_at(self.others.as_deref(), over).map(|at| millis(at.saturating_sub(now)))
    }

    /// What this replica may still take: its part of what was left when the outage began, without what it has taken
    /// since. As windows move on, more is left to be shared.
    fn share(&mut self, now: i64, outage: Outage) -> i64 {
        if self.before.as_ref().is_none_or(|before| before.outage != outage.number) {
            self.before = Some(Box::new(Before { outage: outage.number, own: self.counter.clone() }));
        }
        let Some(before) = &mut self.before else { return 0 };
        before.own.advance(now);
        let before = before.own.held().sum();
        let others = self.others.as_ref().map_or(0, |others| others.held().sum());
        let left = self.limit.spec.amount.saturating_sub(others).saturating_sub(before).max(0);
        let since = self.counter.held().sum().saturating_sub(before);
        (left / outage.replicas.max(1)).saturating_sub(since)
    }

    /// What it has counted at `now`.
    pub(super) fn status(&mut self, now: i64) -> LimitStatus {
        self.advance(now);
        let held = self.held();
        LimitStatus {
            limit: Arc::clone(&self.limit),
            used: held.used,
            reserved: held.reserved,
            remaining: self.remaining(),
            resets_at: self.counter.resets_at(self.others.as_deref()),
        }
    }

    /// Its name among the shared counters. A limit that counts something else under the same id has another.
    pub(super) fn name(&self) -> Arc<str> {
        let Limit { id, spec, .. } = &*self.limit;
        format!("{}/{}/{id}", spec.meter, spec.window).into()
    }

    /// What the shared counters are asked for, where this is the limit at `index`.
    pub(super) fn want(&mut self, index: u32, now: i64, need: i64) -> Want {
        self.advance(now);
        // It stays in memory until the answer has come.
        self.touched = true;
        let spec = &self.limit.spec;
        Want {
            slot: index,
            generation: self.generation,
            limit: self.name(),
            part: spec.window.part().unwrap_or(0),
            bucket: self.counter.bucket(),
            need,
            amount: spec.amount,
        }
    }

    /// What the shared counters are told of a change.
    pub(super) fn change(&self, bucket: Bucket, used: i64, reserved: i64) -> Change {
        let part = self.limit.spec.window.part().unwrap_or(0);
        Change { limit: self.name(), part, bucket, held: Held { used, reserved } }
    }
}

fn empty(limit: &Limit) -> Counter {
    let zone = limit.spec.tz.as_ref().map_or(TimeZone::UTC, |zone| zone.get().clone());
    Counter::new(limit.spec.window, &zone)
}

#[cfg(test)]
mod tests;
