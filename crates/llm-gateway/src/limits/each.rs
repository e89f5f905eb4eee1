//! Limits for each end user, or each tag, by itself (`"id":"*"`): a counter for each of them, made when it first calls.
//!
//! Applications name whomever they like, so these counters come and go: one that nobody used for a while leaves the
//! memory, and what it had counted stands in the database. When its end user or tag calls again, it is
//! [absent](Ledger::absent), and whoever asks the ledger brings it [back](Ledger::restore) first.

use std::sync::Arc;

use super::state::{EVERY, State};
use super::{Ledger, Limit, LimitId, LimitMeter, Scope, Subject, Window};

/// How long a window of a minute counts, in milliseconds, rounded up.
const MINUTE: i64 = 62_000;

impl LimitId {
    /// The id under which a limit on each counts for one of them.
    fn of_each(&self, id: &str) -> Self {
        Self::new(format!("{self}/{id}"))
    }

    /// The limit on each, and the one of them, if this is such an id. Ids of limits that were made have no `/`.
    fn split_each(&self) -> Option<(Self, &str)> {
        let (template, id) = self.as_str().split_once('/')?;
        template.starts_with("limit_").then(|| (Self::new(template), id))
    }

    /// Whether it names the part of one end user or tag.
    pub fn is_of_each(&self) -> bool {
        self.split_each().is_some()
    }
}

impl Scope {
    /// Whether it means each end user, or each tag, by itself.
    pub fn is_each(&self) -> bool {
        self.kind.has_each() && &*self.id == EVERY
    }
}

impl State {
    /// The slot of one of those that a limit on each is for, made where there is none.
    pub(super) fn slot_of_each(&mut self, template: u32, id: &str) -> Option<u32> {
        if let Some(index) = self.each.get(&template).and_then(|each| each.get(id)) {
            return Some(*index);
        }
        let limit = Arc::new(part(&self.slot(template)?.limit, id));
        let id = Arc::clone(&limit.scope.id);
        let index = self.insert_slot(limit);
        self.each.entry(template).or_default().insert(id, index);
        Some(index)
    }

    /// Whether there is a slot of that id, whole or part.
    pub(super) fn is_known(&self, id: &LimitId) -> bool {
        let is_part = || {
            let (template, id) = self.named_each(id)?;
            self.each.get(&template)?.get(id)
        };
        self.index_of(id).is_some() || is_part().is_some()
    }

    /// The slot of a limit, or of the part of one that is on each.
    pub(super) fn index_or_part(&mut self, id: &LimitId) -> Option<u32> {
        if let Some(index) = self.index_of(id) {
            return Some(index);
        }
        let (template, id) = self.named_each(id)?;
        self.slot_of_each(template, id)
    }

    /// The slots of one of those whom limits on each are for, as far as they are in memory.
    pub(super) fn parts_of(&self, scope: &Scope) -> Vec<u32> {
        if !scope.kind.has_each() {
            return Vec::new();
        }
        let templates = self.scope(scope.kind, EVERY).iter();
        templates.filter_map(|template| self.each.get(template)?.get(&scope.id).copied()).collect()
    }

    /// Has the parts of a limit on each follow a change of it.
    pub(super) fn change_each(&mut self, template: u32) {
        let Some(limit) = self.slot(template).map(|slot| Arc::clone(&slot.limit)) else { return };
        let parts: Vec<(Arc<str>, u32)> =
            self.each.get(&template).into_iter().flatten().map(|(id, index)| (Arc::clone(id), *index)).collect();
        for (id, index) in parts {
            if let Some(slot) = self.slot(index) {
                slot.limit = Arc::new(part(&limit, &id));
            }
        }
    }

    /// The limit on each and the one of them that an id names, if the limit stands.
    fn named_each<'a>(&self, id: &'a LimitId) -> Option<(u32, &'a str)> {
        let (template, id) = id.split_each()?;
        Some((self.index_of(&template)?, id))
    }
}

/// The part of a limit on each for one of them.
fn part(template: &Limit, id: &str) -> Limit {
    let scope = Scope::new(template.scope.kind, id);
    Limit { id: template.id.of_each(id), scope, spec: template.spec.clone() }
}

impl Ledger {
    /// The counters of a call's end user and tags that may have counted before and are not in memory. They must be
    /// brought [back](Self::restore) before anything is reserved.
    pub fn absent(&self, now: i64, subject: &Subject<'_>) -> Vec<LimitId> {
        let mut state = self.state();
        let since = *state.since.get_or_insert(now);
        let mut absent = Vec::new();
        if state.keeps_each {
            return absent;
        }
        subject.scopes(|kind, id| {
            if !kind.has_each() {
                return;
            }
            for template in state.templates(kind, subject.models) {
                if state.each.get(&template).is_some_and(|each| each.contains_key(id)) {
                    continue;
                }
                let Some(slot) = state.slot(template) else { continue };
                let spec = &slot.limit.spec;
                let counts_elsewhere = match spec.window {
                    // What is idle for as long as it counts has nothing to remember; only an earlier process may.
                    Window::Minute => now < since.saturating_add(MINUTE),
                    _ => spec.meter != LimitMeter::Concurrency,
                };
                if counts_elsewhere {
                    absent.push(slot.limit.id.of_each(id));
                }
            }
        });
        absent
    }

    /// Has the counters of end users and tags stay in memory as long as they count, whether they are idle or not. So it
    /// must be where limits are shared: each replica says of itself what it has counted.
    pub fn keep_each(&self) {
        self.state().keeps_each = true;
    }

    /// Whether they stay.
    pub fn keeps_each(&self) -> bool {
        self.state().keeps_each
    }

    /// Brings a counter back, with what it has counted in which bucket, and whether it was this process's own journal
    /// that said so. Of no effect where it is in memory already: then that is the newer one.
    pub fn restore(&self, now: i64, id: &LimitId, counted: &[(i64, i64, bool)]) {
        let mut state = self.state();
        let Some((template, id)) = state.named_each(id) else { return };
        if state.each.get(&template).is_some_and(|each| each.contains_key(id)) {
            return;
        }
        let Some(slot) = state.slot_of_each(template, id).and_then(|index| state.slot(index)) else { return };
        slot.advance(now);
        for &(bucket, amount, is_own) in counted {
            if is_own {
                slot.counter.add(bucket, amount, 0);
            } else {
                slot.add_others(now, bucket, amount);
            }
        }
    }

    /// Whether there are counters of single end users and tags.
    pub fn has_each(&self) -> bool {
        !self.state().each.is_empty()
    }

    /// Lets go of the counters of end users and tags that no call has used since the last sweep. Everything that was
    /// settled before that must be in the database by now. Says how many are left.
    pub fn sweep(&self, now: i64) -> usize {
        let mut state = self.state();
        let (now, keeps_each) = (state.clock(now), state.keeps_each);
        let parts: Vec<(u32, Arc<str>, u32)> = state
            .each
            .iter()
            .flat_map(|(template, each)| each.iter().map(|(id, index)| (*template, Arc::clone(id), *index)))
            .collect();
        let mut left = 0;
        for (template, id, index) in parts {
            let Some(slot) = state.slot(index) else { continue };
            slot.advance(now);
            let counts = slot.held().sum() != 0;
            if slot.holders > 0 || std::mem::take(&mut slot.touched) || (keeps_each && counts) {
                left += 1;
                continue;
            }
            state.remove_slot(index);
            if let Some(each) = state.each.get_mut(&template) {
                each.remove(&id);
            }
        }
        left
    }
}

#[cfg(test)]
mod tests;
