//! All limits and what they have counted, in memory, behind one lock that is held for well under a microsecond.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::link::{Link, Op, Outage, Standing};
use super::refusal::Why;
use super::reservation::{Entry, Reservation};
use super::slot::Slot;
use super::{
    Bucket, Charge, Estimate, Limit, LimitError, LimitId, LimitMeter, OutputBound, Refusal, Scope, ScopeKind, Subject,
};

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

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    generation: u64,
    by_id: HashMap<LimitId, u32>,
    /// By kind of scope, then by its id.
    by_scope: [HashMap<Arc<str>, Vec<u32>>; ScopeKind::ALL.len()],
    /// The limits that apply to the call that is looked at; kept for its memory.
    pub(super) applying: Vec<u32>,
    /// The line to the counters that replicas share, where there are any.
    pub(super) link: Option<Box<Link>>,
}

/// A wait; the past is no wait.
pub(super) fn millis(wait: i64) -> Duration {
    Duration::from_millis(u64::try_from(wait).unwrap_or(0))
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
        let mut state = self.state();
        if let Some(slot) = state.slot_of(&limit.id)
            && slot.limit.scope == limit.scope
            && slot.limit.spec.counts_like(&limit.spec)
        {
            slot.limit = Arc::new(limit);
            return Ok(());
        }
        state.remove(&limit.id);
        state.insert(limit);
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
        if let Some(slot) = state.slot_of(id) {
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
            let Some(&index) = state.by_id.get(&charge.limit) else { continue };
            let Some(slot) = state.slot(index) else { continue };
            slot.advance(now);
            let generation = slot.generation;
            let Some(slot) = state.count(index, generation, charge.bucket, (0, charge.amount)) else { continue };
            entries.push(Entry::new(index, slot, charge.bucket, charge.amount));
        }
        drop(guard);
        Reservation::new(self.clone(), entries, estimate)
    }

    /// What the limits that apply to `subject` say of the answer's length. Asked before the estimate is made.
    pub fn output_bound(&self, now: i64, subject: &Subject<'_>) -> OutputBound {
        let mut guard = self.state();
        let state = &mut *guard;
        let now = state.clock(now);
        state.collect(subject);
        let mut bound = OutputBound::default();
        for &index in &state.applying {
            let Some(slot) = state.slots.get_mut(index as usize).and_then(Option::as_mut) else { continue };
            let spec = &slot.limit.spec;
            bound.assume_output = bound.assume_output.max(spec.assume_output);
            bound.strict |= spec.strict;
            if spec.meter == LimitMeter::OutputTokens {
                slot.advance(now);
                let left = u64::try_from(slot.remaining()).unwrap_or(0);
                bound.headroom = Some(bound.headroom.map_or(left, |tightest| tightest.min(left)));
            }
        }
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
        let slots = state.scope(scope.kind, &scope.id).to_vec();
        slots.into_iter().filter_map(|slot| Some(state.slot(slot)?.status(now))).collect()
    }

    /// How many limits are in force.
    pub fn len(&self) -> usize {
        self.state().by_id.len()
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

impl State {
    pub(super) fn slot(&mut self, index: u32) -> Option<&mut Slot> {
        self.slots.get_mut(index as usize)?.as_mut()
    }

    /// Adds to what the limit in a slot holds, and tells those who share it. None where another limit has the slot now.
    pub(super) fn count(&mut self, index: u32, generation: u64, bucket: Bucket, add: (i64, i64)) -> Option<&mut Slot> {
        let is_linked = self.is_linked();
        let slot = self.slots.get_mut(index as usize)?.as_mut().filter(|slot| slot.generation == generation)?;
        slot.counter.add(bucket.start, add.0, add.1);
        if is_linked && add != (0, 0) {
            let change = slot.change(bucket, add.0, add.1);
            self.tell(Op::Change(change));
        }
        self.slot(index)
    }

    /// What the limits are decided by: none while the shared counters are asked, or there are none to be asked.
    pub(super) fn outage(&self) -> Option<Outage> {
        self.link.as_ref().filter(|link| link.standing != Standing::Together).map(|link| link.outage())
    }

    /// Decides on what this replica knows. `collect`: the limits that apply must be found first.
    pub(super) fn decide(
        &mut self,
        ledger: &Ledger,
        now: i64,
        subject: &Subject<'_>,
        estimate: &Estimate,
        collect: bool,
    ) -> Result<Reservation, Refusal> {
        let now = if collect { self.clock(now) } else { now };
        if collect {
            self.collect(subject);
        }
        let outage = self.outage();
        let mut refusal: Option<Refusal> = None;
        for &index in &self.applying {
            let Some(slot) = self.slots.get_mut(index as usize).and_then(Option::as_mut) else { continue };
            slot.advance(now);
            let why = match amount(slot.limit.spec.meter, estimate) {
                Some(needed) => slot.refuses(now, needed, outage),
                None => Some(Why::NotPriced),
            };
            if let Some(why) = why {
                refusal = Some(Refusal::graver(refusal, Refusal::new(Arc::clone(&slot.limit), why)));
            }
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let is_linked = self.is_linked();
        let mut entries = Vec::with_capacity(self.applying.len());
        for &index in &self.applying {
            let Some(slot) = self.slots.get_mut(index as usize).and_then(Option::as_mut) else { continue };
            let reserved = amount(slot.limit.spec.meter, estimate).unwrap_or(0);
            let bucket = slot.counter.bucket();
            slot.counter.add(bucket.start, 0, reserved);
            entries.push(Entry::new(index, slot, bucket, reserved));
            if is_linked && reserved != 0 {
                let change = slot.change(bucket, 0, reserved);
                self.tell(Op::Change(change));
            }
        }
        Ok(Reservation::new(ledger.clone(), entries, *estimate))
    }

    pub(super) fn slot_of(&mut self, id: &LimitId) -> Option<&mut Slot> {
        let index = *self.by_id.get(id)?;
        self.slot(index)
    }

    fn scope(&self, kind: ScopeKind, id: &str) -> &[u32] {
        self.by_scope.get(kind as usize).and_then(|scopes| scopes.get(id)).map_or(&[], Vec::as_slice)
    }

    fn insert(&mut self, limit: Limit) {
        self.generation += 1;
        let limit = Arc::new(limit);
        let slot = Slot::new(Arc::clone(&limit), self.generation);
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(None);
                // Four billion limits do not fit into memory.
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(place) = self.slots.get_mut(index as usize) {
            *place = Some(slot);
        }
        self.by_id.insert(limit.id.clone(), index);
        if let Some(scopes) = self.by_scope.get_mut(limit.scope.kind as usize) {
            scopes.entry(Arc::clone(&limit.scope.id)).or_default().push(index);
        }
    }

    /// Takes a limit out, for all who share it.
    fn take_out(&mut self, id: &LimitId) -> bool {
        if self.is_linked()
            && let Some(name) = self.slot_of(id).map(|slot| slot.name())
        {
            self.tell(Op::Forget(name));
        }
        self.remove(id)
    }

    fn remove(&mut self, id: &LimitId) -> bool {
        let Some(index) = self.by_id.remove(id) else { return false };
        let Some(slot) = self.slots.get_mut(index as usize).and_then(Option::take) else { return false };
        let scope = &slot.limit.scope;
        if let Some(scopes) = self.by_scope.get_mut(scope.kind as usize)
            && let Some(slots) = scopes.get_mut(&scope.id)
        {
            slots.retain(|&other| other != index);
            if slots.is_empty() {
                scopes.remove(&scope.id);
            }
        }
        self.free.push(index);
        true
    }

    /// Finds the limits that apply to a call.
    pub(super) fn collect(&mut self, subject: &Subject<'_>) {
        let mut applying = std::mem::take(&mut self.applying);
        applying.clear();
        let mut scope = |kind: ScopeKind, id: Option<&str>| {
            let Some(id) = id else { return };
            for &index in self.scope(kind, id) {
                if let Some(Some(slot)) = self.slots.get(index as usize) {
                    let models = &slot.limit.spec.models;
                    let meant = |name: &&str| models.iter().any(|pattern| pattern.matches(name));
                    if models.is_empty() || subject.models.iter().any(meant) {
                        applying.push(index);
                    }
                }
            }
        };
        scope(ScopeKind::Organization, subject.organization);
        scope(ScopeKind::Team, subject.team);
        scope(ScopeKind::User, subject.user);
        scope(ScopeKind::Key, Some(subject.key));
        scope(ScopeKind::EndUser, subject.end_user);
        for (place, tag) in subject.tags.iter().enumerate() {
            let said_before = subject.tags.iter().take(place).any(|other| other == tag);
            if !said_before {
                scope(ScopeKind::Tag, Some(tag));
            }
        }
        self.applying = applying;
    }
}

#[cfg(test)]
mod tests;
