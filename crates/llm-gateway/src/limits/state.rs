//! The limits in force, by id and by scope, and the decision on a call by what this replica knows.

use std::collections::HashMap;
use std::sync::Arc;

use super::ledger::amount;
use super::link::{Link, Op, Outage, Standing};
use super::refusal::Why;
use super::reservation::{Entry, Reservation};
use super::slot::Slot;
use super::{Bucket, Crossing, Estimate, Ledger, Limit, LimitId, ModelPattern, Refusal, ScopeKind, Subject};

/// The id in a scope that means each end user, or each tag, by itself.
pub(super) const EVERY: &str = "*";

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    generation: u64,
    by_id: HashMap<LimitId, u32>,
    /// By kind of scope, then by its id.
    by_scope: [HashMap<Arc<str>, Vec<u32>>; ScopeKind::ALL.len()],
    /// By a limit on each, the slots of those that have called of late.
    pub(super) each: HashMap<u32, HashMap<Arc<str>, u32>>,
    /// Whether those that have counted anything stay in memory.
    pub(super) keeps_each: bool,
    /// Shares of limits that were crossed and that nobody has been told of yet.
    pub(super) crossed: Vec<Crossing>,
    /// Whether what an earlier process left crossed was looked for.
    was_looked_at: bool,
    /// When the first call came, in milliseconds since 1970.
    pub(super) since: Option<i64>,
    /// The limits that apply to the call that is looked at; kept for its memory.
    pub(super) applying: Vec<u32>,
    /// The line to the counters that replicas share, where there are any.
    pub(super) link: Option<Box<Link>>,
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
                refusal = Some(Refusal::graver(refusal, Refusal::new(slot, why, now)));
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

    pub(super) fn index_of(&self, id: &LimitId) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(super) fn slot_of(&mut self, id: &LimitId) -> Option<&mut Slot> {
        let index = self.index_of(id)?;
        self.slot(index)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn scope(&self, kind: ScopeKind, id: &str) -> &[u32] {
        self.by_scope.get(kind as usize).and_then(|scopes| scopes.get(id)).map_or(&[], Vec::as_slice)
    }

    /// Puts a limit in force, or changes the one of the same id, which goes on from what it has counted if it counts
    /// the same.
    pub(super) fn put(&mut self, limit: Limit) {
        let Some(index) = self.index_of(&limit.id) else { return self.insert(limit) };
        let Some(slot) = self.slot(index) else { return };
        if slot.limit.scope == limit.scope && slot.limit.spec.counts_like(&limit.spec) {
            slot.limit = Arc::new(limit);
            return self.change_each(index);
        }
        self.remove(&limit.id.clone());
        self.insert(limit);
    }

    fn insert(&mut self, limit: Limit) {
        let limit = Arc::new(limit);
        let index = self.insert_slot(Arc::clone(&limit));
        self.by_id.insert(limit.id.clone(), index);
        if let Some(scopes) = self.by_scope.get_mut(limit.scope.kind as usize) {
            scopes.entry(Arc::clone(&limit.scope.id)).or_default().push(index);
        }
    }

    pub(super) fn insert_slot(&mut self, limit: Arc<Limit>) -> u32 {
        self.generation += 1;
        let slot = Slot::new(limit, self.generation);
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
        index
    }

    pub(super) fn remove_slot(&mut self, index: u32) -> Option<Slot> {
        let slot = self.slots.get_mut(index as usize).and_then(Option::take)?;
        self.free.push(index);
        Some(slot)
    }

    /// Takes a limit out, for all who share it.
    pub(super) fn take_out(&mut self, id: &LimitId) -> bool {
        if let Some(index) = self.index_of(id).filter(|_| self.is_linked()) {
            let parts = self.each.get(&index).into_iter().flat_map(|each| each.values().copied());
            let all: Vec<u32> = parts.chain([index]).collect();
            for index in all {
                if let Some(name) = self.slot(index).map(|slot| slot.name()) {
                    self.tell(Op::Forget(name));
                }
            }
        }
        self.remove(id)
    }

    fn remove(&mut self, id: &LimitId) -> bool {
        let Some(index) = self.by_id.remove(id) else { return false };
        for each in self.each.remove(&index).unwrap_or_default().into_values() {
            self.remove_slot(each);
        }
        let Some(slot) = self.remove_slot(index) else { return false };
        let scope = &slot.limit.scope;
        if let Some(scopes) = self.by_scope.get_mut(scope.kind as usize)
            && let Some(slots) = scopes.get_mut(&scope.id)
        {
            slots.retain(|&other| other != index);
            if slots.is_empty() {
                scopes.remove(&scope.id);
            }
        }
        true
    }

    /// At the first look, what an earlier process left crossed: it may have ended before it could say so.
    pub(super) fn look_for_crossed(&mut self, now: i64) -> Vec<Crossing> {
        if std::mem::replace(&mut self.was_looked_at, true) {
            return Vec::new();
        }
        let mut crossed = Vec::new();
        for slot in self.slots.iter_mut().flatten() {
            slot.advance(now);
            // What is not used at all was not crossed, even where the amount is 0.
            if slot.held().used > 0 {
                crossed.extend(slot.crossed());
            }
        }
        crossed
    }

    /// Finds the limits that apply to a call.
    pub(super) fn collect(&mut self, subject: &Subject<'_>) {
        let mut applying = std::mem::take(&mut self.applying);
        applying.clear();
        subject.scopes(|kind, id| {
            // Whoever is called like the sign for each is one of them.
            if id != EVERY || !kind.has_each() {
                applying.extend(self.scope(kind, id).iter().filter(|&&index| self.means(index, subject.models)));
            }
            if kind.has_each() {
                for template in self.templates(kind, subject.models) {
                    applying.extend(self.slot_of_each(template, id));
                }
            }
        });
        self.applying = applying;
    }

    /// The limits on each of a kind that apply to some models.
    pub(super) fn templates(&self, kind: ScopeKind, models: &[&str]) -> Vec<u32> {
        self.scope(kind, EVERY).iter().copied().filter(|&index| self.means(index, models)).collect()
    }

    /// Whether a limit is meant for a call of one of `models`.
    fn means(&self, index: u32, models: &[&str]) -> bool {
        let Some(Some(slot)) = self.slots.get(index as usize) else { return false };
        let meant = |pattern: &ModelPattern| models.iter().any(|name| pattern.matches(name));
        slot.limit.spec.models.is_empty() || slot.limit.spec.models.iter().any(meant)
    }
}

impl Subject<'_> {
    /// Every scope that a call is in; each tag once.
    pub(super) fn scopes(&self, mut visit: impl FnMut(ScopeKind, &str)) {
        let ids = [
            (ScopeKind::Organization, self.organization),
            (ScopeKind::Team, self.team),
            (ScopeKind::User, self.user),
            (ScopeKind::Key, Some(self.key)),
            (ScopeKind::EndUser, self.end_user),
        ];
        for (kind, id) in ids {
            if let Some(id) = id {
                visit(kind, id);
            }
        }
        for (place, tag) in self.tags.iter().enumerate() {
            let said_before = self.tags.iter().take(place).any(|other| other == tag);
            if !said_before {
                visit(ScopeKind::Tag, tag);
            }
        }
    }
}

impl ScopeKind {
    /// Whether a limit can be one for each of the kind by itself.
    pub(super) fn has_each(self) -> bool {
        matches!(self, Self::EndUser | Self::Tag)
    }
}
