//! The ledger beside counters that several replicas share: what it asks and tells them, and what it takes over.
//!
//! What a caller is granted is written down here by the task that speaks to them, before it listens to anything else. So
//! this ledger and what it has told are always the same, but for what stands in the queue between them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::counter::{Held, bucket_of};
use super::ledger::{Ledger, amount};
use super::link::{Ask, Granted, Link, Offer, Op, Own, Standing, Want};
use super::reservation::{Entry, Reservation};
use super::state::State;
use super::{Bucket, Estimate, LimitId, Refusal, Subject};

/// What came of the first look at a call, or at more for one that is under way.
pub(crate) enum First<T> {
    /// It is decided.
    Decided(T),
    /// The shared counters are asked.
    Asked(Word),
}

/// The word of the shared counters, on its way.
pub(crate) struct Word {
    ledger: Ledger,
    answer: oneshot::Receiver<Offer>,
    deadline: Duration,
}

impl Word {
    /// Waits for it; none where it did not come in time, and this replica decides alone.
    pub(crate) async fn come(self) -> Option<Offer> {
        match timeout(self.deadline, self.answer).await {
            Ok(Ok(offer)) => return Some(offer),
            // The line broke, and whoever held it knows.
            Ok(Err(_)) => {}
            Err(_) => {
                if self.ledger.part() {
                    tracing::warn!(deadline = ?self.deadline, "the shared counters did not answer in time; limits are divided");
                }
            }
        }
        None
    }
}

impl Ledger {
    /// Takes `estimate` from every limit that applies to `subject`, or from none. Where limits are shared with other
    /// replicas that takes one round trip, of at most the deadline; where there is no answer, or none is to be expected,
    /// this replica decides on its share.
    pub async fn admit(&self, now: i64, subject: &Subject<'_>, estimate: &Estimate) -> Result<Reservation, Refusal> {
        let word = match self.first(now, subject, estimate) {
            First::Decided(decided) => return decided,
            First::Asked(word) => word,
        };
        match word.come().await.and_then(Offer::take) {
            Some(word) => word,
            None => self.state().decide(self, now, subject, estimate, true),
        }
    }

    fn first(&self, now: i64, subject: &Subject<'_>, estimate: &Estimate) -> First<Result<Reservation, Refusal>> {
        let mut state = self.state();
        if state.standing() != Some(Standing::Together) {
            return First::Decided(state.decide(self, now, subject, estimate, true));
        }
        let now = state.clock(now);
        state.collect(subject);
        if state.applying.is_empty() || state.is_hopeless(estimate) {
            return First::Decided(state.decide(self, now, subject, estimate, false));
        }
        let wants = state.wants(now, estimate);
        First::Asked(state.ask(self, estimate, wants))
    }

    /// Connects this ledger with shared counters, which can't be asked yet.
    pub(super) fn link(&self, deadline: Duration, replicas: i64) -> mpsc::UnboundedReceiver<Op> {
        let (sender, inbox) = mpsc::unbounded_channel();
        let standing = Standing::Apart;
        self.state().link = Some(Box::new(Link { sender, standing, replicas, ahead: 0, outages: 1, deadline }));
        inbox
    }

    /// What time it is by the clock that windows follow, where this process says that it is `now`: by that of the shared
    /// counters, as it was heard last, where there are any.
    pub fn clock(&self, now: i64) -> i64 {
        self.state().clock(now)
    }

    /// How it stands to the shared counters; none where it has none.
    pub fn standing(&self) -> Option<Standing> {
        self.state().standing()
    }

    /// Decides alone from now on. Whether the shared counters decided until now.
    pub(super) fn part(&self) -> bool {
        self.state().link.as_mut().is_some_and(|link| link.part())
    }

    /// Begins to tell everything, from all that it holds now on. What waited to be told is part of that.
    pub(super) fn join(&self, now: i64, ahead: i64, inbox: &mut mpsc::UnboundedReceiver<Op>) -> Vec<Own> {
        let mut state = self.state();
        // Who waits for an answer decides on its share.
        while inbox.try_recv().is_ok() {}
        if let Some(link) = &mut state.link {
            link.ahead = ahead;
            link.standing = Standing::Joining;
        }
        let now = state.clock(now);
        let mut own = Vec::new();
        for slot in state.slots.iter_mut().flatten() {
            slot.advance(now);
            let buckets = slot.counter.buckets();
            if !buckets.is_empty() {
                let part = slot.limit.spec.window.part().unwrap_or(0);
                own.push(Own { limit: slot.name(), part, buckets });
            }
        }
        own
    }

    /// Lets the shared counters decide from now on; unless they were lost meanwhile.
    pub(super) fn trust(&self) -> bool {
        let mut state = self.state();
        let Some(link) = state.link.as_mut().filter(|link| link.standing == Standing::Joining) else { return false };
        link.standing = Standing::Together;
        true
    }

    /// Notes how many replicas the shared counters know of, and what time it is for them. As long as they do not decide
    /// they may not know of all.
    pub(super) fn heard(&self, replicas: i64, ahead: Option<i64>) {
        if let Some(link) = &mut self.state().link {
            let least = if link.standing == Standing::Together { 1 } else { link.replicas };
            link.replicas = replicas.max(least);
            link.ahead = ahead.unwrap_or(link.ahead);
        }
    }

    /// Notes how many replicas the database knows of, which is of use while the shared counters can't be asked.
    pub(super) fn heard_apart(&self, replicas: i64) {
        if let Some(link) = self.state().link.as_mut().filter(|link| link.standing != Standing::Together) {
            link.replicas = link.replicas.max(replicas);
        }
    }

    /// Takes over what others have counted under a limit's shared name.
    pub(super) fn mirror(&self, now: i64, name: &str, others: &[(i64, Held)]) {
        let mut state = self.state();
        let now = state.clock(now);
        let Some(id) = id_in(name) else { return };
        // Of one end user or tag that has not called here, only what counts is worth a place.
        let is_known = state.is_known(&id);
        if !is_known && others.is_empty() {
            return;
        }
        if let Some(index) = state.index_or_part(&id)
            && let Some(slot) = state.slot(index).filter(|slot| *slot.name() == *name)
        {
            slot.set_others(now, others);
        }
    }

    /// Forgets what was known of others under all shared names but those.
    pub(super) fn mirror_nothing_but(&self, now: i64, counted: &HashSet<String>) {
        let mut state = self.state();
        let now = state.clock(now);
        for slot in state.slots.iter_mut().flatten() {
            if slot.has_others() && !counted.contains(&*slot.name()) {
                slot.set_others(now, &[]);
            }
        }
    }

    /// Notes how much of a bucket was counted in all before it came here, and tells it to all who share the limit. Said
    /// again it changes nothing.
    pub fn carry(&self, now: i64, id: &LimitId, bucket: Bucket, amount: i64) {
        let mut state = self.state();
        let now = state.clock(now);
        let Some(index) = state.index_or_part(id) else { return };
        let Some(slot) = state.slot(index) else { return };
        slot.carry(now, bucket.start, amount);
        let change = slot.change(bucket, amount, 0);
        if state.is_linked() {
            state.tell(Op::Carry(change));
        }
    }

    /// Adds what was counted by others before this process started.
    pub fn seed_others(&self, now: i64, id: &LimitId, bucket: i64, amount: i64) {
        let mut state = self.state();
        let now = state.clock(now);
        if let Some(index) = state.index_or_part(id)
            && let Some(slot) = state.slot(index)
        {
            slot.add_others(now, bucket, amount);
        }
    }

    /// What calls of this replica have used and hold of a limit, and what those of all others, as far as it is known
    /// here. None where no limit has the id.
    pub fn own_and_others(&self, now: i64, id: &LimitId) -> Option<(i64, i64)> {
        let mut state = self.state();
        let now = state.clock(now);
        let index = state.index_or_part(id)?;
        let slot = state.slot(index)?;
        slot.advance(now);
        let own = slot.counter.held().sum();
        Some((own, slot.held().sum().saturating_sub(own)))
    }

    /// The length of the buckets of a limit whose window slides, 0 for others; and its shared name. None where no limit
    /// has the id.
    pub(super) fn shape(&self, id: &LimitId) -> Option<(i64, Arc<str>)> {
        let mut state = self.state();
        let index = state.index_or_part(id)?;
        let slot = state.slot(index)?;
        Some((slot.limit.spec.window.part().unwrap_or(0), slot.name()))
    }

    /// Writes down what the shared counters have granted, and from which buckets they have taken it.
    pub(super) fn grant(&self, ask: &Ask, granted: &[Granted]) -> Reservation {
        let mut state = self.state();
        let mut entries = Vec::with_capacity(ask.wants.len());
        for (want, granted) in ask.wants.iter().zip(granted) {
            let Some(slot) = state.slot(want.slot).filter(|slot| slot.generation == want.generation) else { continue };
            let bucket = bucket_of(slot.limit.spec.window, granted.start, granted.until);
            slot.advance(bucket.start);
            slot.set_others_in(bucket, granted.others);
            slot.counter.add(bucket.start, 0, want.need);
            entries.push(Entry::new(want.slot, slot, bucket, want.need));
        }
        drop(state);
        Reservation::new(self.clone(), entries, ask.estimate)
    }

    /// Says why, where the shared counters have refused: for each limit that had no room, by its place among those that
    /// were wanted, what others have counted. `now` is what their clock says.
    pub(super) fn refuse(&self, now: i64, ask: &Ask, full: &[(usize, Vec<(i64, Held)>)]) -> Option<Refusal> {
        let mut state = self.state();
        let mut refusal: Option<Refusal> = None;
        for (place, others) in full {
            let Some(want) = ask.wants.get(*place) else { continue };
            let Some(slot) = state.slot(want.slot).filter(|slot| slot.generation == want.generation) else { continue };
            slot.advance(now);
            slot.set_others(now, others);
            let why = slot.refuses(now, want.need, None).unwrap_or_else(|| slot.used_up(want.need));
            let next = Refusal::new(slot, why, now);
            refusal = Some(Refusal::graver(refusal, next));
        }
        refusal
    }
}

/// The id in a limit's shared name, `meter/window/id`.
fn id_in(name: &str) -> Option<LimitId> {
    name.splitn(3, '/').nth(2).map(LimitId::new)
}

impl State {
    /// The time by the clock of the shared counters, where there are any.
    pub(super) fn clock(&self, now: i64) -> i64 {
        self.link.as_ref().map_or(now, |link| now.saturating_add(link.ahead))
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        self.link.as_ref().map(|link| link.standing)
    }

    /// Asks the shared counters, which decide.
    pub(super) fn ask(&self, ledger: &Ledger, estimate: &Estimate, wants: Vec<Want>) -> Word {
        let (reply, answer) = oneshot::channel();
        self.tell(Op::Ask(Ask { estimate: *estimate, wants, reply }));
        let deadline = self.link.as_ref().map_or(Duration::ZERO, |link| link.deadline);
        Word { ledger: ledger.clone(), answer, deadline }
    }

    pub(super) fn is_linked(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.standing != Standing::Apart)
    }

    /// Tells the shared counters, unless they can't be reached: then they are told all when they can.
    pub(super) fn tell(&self, op: Op) {
        if let Some(link) = &self.link
            && link.standing != Standing::Apart
        {
            // Who listened is gone only while the gateway is being closed.
            let _ = link.sender.send(op);
        }
    }

    /// Whether no counter has to be looked at to refuse the call.
    fn is_hopeless(&self, estimate: &Estimate) -> bool {
        let slots = self.applying.iter().filter_map(|&index| self.slots.get(index as usize)?.as_ref());
        slots.into_iter().any(|slot| {
            let spec = &slot.limit.spec;
            amount(spec.meter, estimate).is_none_or(|needed| needed > spec.amount)
        })
    }

    fn wants(&mut self, now: i64, estimate: &Estimate) -> Vec<Want> {
        let mut wants = Vec::with_capacity(self.applying.len());
        for &index in &self.applying {
            let Some(slot) = self.slots.get_mut(index as usize).and_then(Option::as_mut) else { continue };
            let need = amount(slot.limit.spec.meter, estimate).unwrap_or(0);
            wants.push(slot.want(index, now, need));
        }
        wants
    }
}
