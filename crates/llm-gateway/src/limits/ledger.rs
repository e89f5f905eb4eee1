//! All limits and what they have counted, in memory, behind one lock that is held for well under a microsecond.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::reservation::{Entry, Reservation};
use super::state::State;
use super::{Charge, Estimate, Limit, LimitError, LimitId, LimitMeter, OutputBound, Refusal, Scope, Subject};

/// The limits of one process. Cheap to clone; every clone is the same ledger. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<State>>);

/// What one limit has counted.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitStatus {
    /// The limit.
    pub limit: Arc<Limit>,
    /// What settled calls have used in the present window, in the limit's unit.
    pub used: i64,
    /// What is held for calls under way.
    pub reserved: i64,
    /// What is left. Never negative.
    pub remaining: i64,
    /// When all that is held now stops counting; none for `total`, or while a sliding window is empty.
    pub resets_at: Option<i64>,
}

/// A wait; the past is no wait.
pub(super) fn millis(wait: i64) -> Duration {
    Duration::from_millis(u64::try_from(wait).unwrap_or(0))
}

/// A share of a limit, at which someone wants to be told (`notify_at`), that was crossed. Each share is crossed once,
/// until the window has let go of so much that it is crossed anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// The limit.
    pub limit: Arc<Limit>,
    /// The share, in percent of the amount.
    pub percent: u8,
    /// What was used by then, in the limit's unit.
    pub used: i64,
    /// When the window begins; the same for all crossings of one window.
    pub window: i64,
}

impl Ledger {
    /// A ledger without limits.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics half-way through a change, so what a poisoned lock guards is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a limit in force, or changes the one of the same id. What it has counted is kept as long as meter,
    /// window, zone, models and scope stay the same; else it starts from nothing.
    pub fn put(&self, limit: Limit) -> Result<(), LimitError> {
        limit.spec.check()?;
        self.state().put(limit);
        Ok(())
    }

    /// Takes a limit out of force. Calls under way that hold something of it go on.
    pub fn remove(&self, id: &LimitId) -> bool {
        self.state().take_out(id)
    }

    /// Takes every limit of one scope out of force: its key, team or user is gone.
    pub fn remove_scope(&self, scope: &Scope) {
        let mut state = self.state();
        let slots = state.scope(scope.kind, &scope.id).to_vec();
        let ids: Vec<LimitId> = slots.iter().filter_map(|&slot| Some(state.slot(slot)?.limit.id.clone())).collect();
        for id in ids {
            state.take_out(&id);
        }
    }

    /// Adds what was counted before this process started. Of no effect where the limit is unknown or the bucket no
    /// longer counts.
    pub fn seed(&self, now: i64, id: &LimitId, bucket: i64, amount: i64) {
        let mut state = self.state();
        let now = state.clock(now);
        let Some(index) = state.index_or_part(id) else { return };
        if let Some(slot) = state.slot(index) {
            slot.advance(now);
            slot.counter.add(bucket, amount, 0);
        }
    }

    /// Takes `estimate` from every limit that applies to `subject`, or from none, by what this replica knows.
    pub fn reserve(&self, now: i64, subject: &Subject<'_>, estimate: &Estimate) -> Result<Reservation, Refusal> {
        self.state().decide(self, now, subject, estimate, true)
    }

    /// Takes again what an earlier process held, as its [`Reservation::charges`] say. Nothing is asked: it was granted
    /// then. A limit that is no longer in force, and a bucket that no longer counts, hold nothing.
    pub fn hold(&self, now: i64, charges: &[Charge], estimate: Estimate) -> Reservation {
        let mut entries = Vec::with_capacity(charges.len());
        let mut guard = self.state();
        let state = &mut *guard;
        let now = state.clock(now);
        for charge in charges {
            let Some(index) = state.index_or_part(&charge.limit) else { continue };
            let Some(slot) = state.slot(index) else { continue };
            slot.advance(now);
            let generation = slot.generation;
            let Some(slot) = state.count(index, generation, charge.bucket, (0, charge.amount)) else { continue };
            entries.push(Entry::new(index, slot, charge.bucket, charge.amount));
        }
        drop(guard);
        Reservation::new(self.clone(), entries, estimate)
    }

    /// What the limits that apply to `subject` say of how much a call may use. Asked before the estimate is made.
    pub fn output_bound(&self, now: i64, subject: &Subject<'_>) -> OutputBound {
        let mut guard = self.state();
        let state = &mut *guard;
        let now = state.clock(now);
        state.collect(subject);
        let applying = std::mem::take(&mut state.applying);
        let mut bound = OutputBound::default();
        for &index in &applying {
            let Some(slot) = state.slot(index) else { continue };
            let spec = &slot.limit.spec;
            bound.assume_output = bound.assume_output.max(spec.assume_output);
            // What does not count the answer is exact without a cap.
            bound.strict |= spec.strict && spec.meter.counts_output();
            bound.strict_input |= spec.strict && spec.meter.counts_input();
            if spec.meter == LimitMeter::OutputTokens {
                slot.advance(now);
                let left = u64::try_from(slot.remaining()).unwrap_or(0);
                bound.headroom = Some(bound.headroom.map_or(left, |tightest| tightest.min(left)));
            }
        }
        state.applying = applying;
        bound
    }

    /// What one limit has counted; none where no limit has the id.
    pub fn status(&self, now: i64, id: &LimitId) -> Option<LimitStatus> {
        let mut state = self.state();
        let now = state.clock(now);
        Some(state.slot_of(id)?.status(now))
    }

    /// What the limits of one scope have counted, in the order they were put in force.
    pub fn statuses(&self, now: i64, scope: &Scope) -> Vec<LimitStatus> {
        let mut state = self.state();
        let now = state.clock(now);
        let mut slots = state.scope(scope.kind, &scope.id).to_vec();
        slots.extend(state.parts_of(scope));
        slots.into_iter().filter_map(|slot| Some(state.slot(slot)?.status(now))).collect()
    }

    /// The shares that were crossed since the last time. Those that were crossed before the process began are among them
    /// at the first time.
    pub fn crossed(&self, now: i64) -> Vec<Crossing> {
        let mut state = self.state();
        let now = state.clock(now);
        let mut crossed = state.look_for_crossed(now);
        crossed.append(&mut state.crossed);
        crossed
    }

    /// How many limits are in force.
    pub fn len(&self) -> usize {
        self.state().len()
    }

    /// Whether no limit is in force.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a call is to take from a limit on `meter`; none for money that has no price.
pub(super) fn amount(meter: LimitMeter, estimate: &Estimate) -> Option<i64> {
    let clamp = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    Some(match meter {
        LimitMeter::Spend => estimate.spend?.0.max(0),
        LimitMeter::Tokens => clamp(estimate.input_tokens.saturating_add(estimate.output_tokens)),
        LimitMeter::InputTokens => clamp(estimate.input_tokens),
        LimitMeter::OutputTokens => clamp(estimate.output_tokens),
        LimitMeter::Requests | LimitMeter::Concurrency => 1,
    })
}

#[cfg(test)]
mod tests;
