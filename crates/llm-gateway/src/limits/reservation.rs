//! What a call holds of the limits that apply to it, from its admission to its settlement.

use std::time::Duration;

use llm_core::NanoUsd;
use serde::{Deserialize, Serialize};

use super::ledger::{amount, millis};
use super::link::{Offer, Standing};
use super::refusal::Why;
use super::slot::Slot;
use super::together::First;
use super::{Actual, Bucket, Estimate, Ledger, LimitId, LimitMeter, Refusal};

/// What a call holds, from every limit that applies to it.
///
/// [`settle`](Self::settle) it with what the call used, however the call ends. One that is dropped settles at what it
/// holds, so that no way out gives a call away; one that is [cancelled](Self::cancel) gives everything back.
#[derive(Debug)]
#[must_use = "a dropped reservation is settled at all that it holds"]
pub struct Reservation {
    ledger: Ledger,
    entries: Vec<Entry>,
    estimate: Estimate,
}

/// What is held of one limit in one bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    slot: u32,
    generation: u64,
    meter: LimitMeter,
    bucket: Bucket,
    reserved: i64,
}

impl Entry {
    /// What was just held of a limit's bucket.
    pub(super) fn new(index: u32, slot: &mut Slot, bucket: Bucket, reserved: i64) -> Self {
        slot.grasp();
        Self { slot: index, generation: slot.generation, meter: slot.limit.spec.meter, bucket, reserved }
    }

    fn same_limit(&self, other: &Self) -> bool {
        self.slot == other.slot && self.generation == other.generation
    }
}

/// What a settled call adds to one bucket of a limit, as it is kept beyond the process.
/// As JSON `[limit, bucket, until, amount]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(LimitId, i64, i64, i64)", into = "(LimitId, i64, i64, i64)")]
pub struct Charge {
    /// The limit.
    pub limit: LimitId,
    /// When the bucket begins and when it stops counting.
    pub bucket: Bucket,
    /// How much, in the limit's unit.
    pub amount: i64,
}

impl From<(LimitId, i64, i64, i64)> for Charge {
    fn from((limit, start, until, amount): (LimitId, i64, i64, i64)) -> Self {
        Self { limit, bucket: Bucket { start, until }, amount }
    }
}

impl From<Charge> for (LimitId, i64, i64, i64) {
    fn from(Charge { limit, bucket, amount }: Charge) -> Self {
        (limit, bucket.start, bucket.until, amount)
    }
}

/// What a settlement came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// What the call cost beyond what was reserved for it; zero where it stayed within.
    pub overrun: NanoUsd,
    /// What it added to which limit, for the call record.
    pub charges: Vec<Charge>,
}

/// What is left of one limit, for headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLeft {
    /// The limit's amount.
    pub limit: i64,
    /// What is left of it now.
    pub remaining: i64,
    /// When it is whole again; none where it never is.
    pub reset_after: Option<Duration>,
}

/// What `x-ratelimit-*` says: the tightest of the limits on requests, and of those on tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Of the limits on requests.
    pub requests: Option<RateLeft>,
    /// Of the limits on tokens of any kind.
    pub tokens: Option<RateLeft>,
}

impl Reservation {
    pub(super) fn new(ledger: Ledger, entries: Vec<Entry>, estimate: Estimate) -> Self {
        Self { ledger, entries, estimate }
    }

    /// What the call was estimated at, with every top-up.
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// What settling at the reservation would add to which limit: what the open record keeps, in case the process
    /// ends before the call does.
    pub fn charges(&self) -> Vec<Charge> {
        let mut state = self.ledger.state();
        let mut charges = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            if entry.meter != LimitMeter::Concurrency
                && let Some(slot) = state.slot(entry.slot).filter(|slot| slot.generation == entry.generation)
            {
                let limit = slot.limit.id.clone();
                charges.push(Charge { limit, bucket: entry.bucket, amount: entry.reserved });
            }
        }
        charges
    }

    /// Raises what is held to `to`, where that is more: a dearer candidate is tried. Every limit grants it, or nothing
    /// changes. A window that has rolled over meanwhile is charged with the increase only.
    pub fn top_up(&mut self, now: i64, to: &Estimate) -> Result<(), Refusal> {
        let mut state = self.ledger.state();
        let (now, outage) = (state.clock(now), state.outage());
        let firsts = self.first_entries();
        for entry in self.entries.iter().take(firsts) {
            let Some(slot) = state.slot(entry.slot).filter(|slot| slot.generation == entry.generation) else {
                continue;
            };
            slot.advance(now);
            let more = increase(entry.meter, &self.estimate, to);
            let why = match more {
                Some(more) => slot.refuses(now, more, outage),
                None => Some(Why::NotPriced),
            };
            if let Some(why) = why {
                return Err(Refusal::new(slot, why, now));
            }
        }
        for place in 0..firsts {
            let Some(&first) = self.entries.get(place) else { continue };
            let Some(more) = increase(first.meter, &self.estimate, to).filter(|&more| more > 0) else { continue };
            let Some(slot) = state.slot(first.slot).filter(|slot| slot.generation == first.generation) else {
                continue;
            };
            let bucket = slot.counter.bucket();
            let Some(slot) = state.count(first.slot, first.generation, bucket, (0, more)) else { continue };
            let same = |entry: &&mut Entry| entry.same_limit(&first) && entry.bucket == bucket;
            match self.entries.iter_mut().find(same) {
                Some(entry) => entry.reserved = entry.reserved.saturating_add(more),
                None => self.entries.push(Entry::new(first.slot, slot, bucket, more)),
            }
        }
        drop(state);
        self.raise_estimate(to);
        Ok(())
    }

    /// Does the same where limits are shared, by asking those who share them; the word is to be [taken](Self::take_more)
    /// when it has come.
    pub(crate) fn ask_more(&mut self, now: i64, to: &Estimate) -> First<Result<(), Refusal>> {
        let mut state = self.ledger.state();
        if state.standing() != Some(Standing::Together) {
            drop(state);
            return First::Decided(self.top_up(now, to));
        }
        let clock = state.clock(now);
        let (mut wants, mut is_hopeless) = (Vec::new(), false);
        for entry in self.entries.iter().take(self.first_entries()) {
            let Some(slot) = state.slot(entry.slot).filter(|slot| slot.generation == entry.generation) else {
                continue;
            };
            let more = increase(entry.meter, &self.estimate, to);
            is_hopeless |= more.is_none_or(|more| more > slot.limit.spec.amount);
            let need = more.filter(|&more| more > 0);
            wants.extend(need.map(|need| slot.want(entry.slot, clock, need)));
        }
        // Where nothing has to be asked, or nobody needs to be.
        if wants.is_empty() || is_hopeless {
            drop(state);
            return First::Decided(self.top_up(now, to));
        }
        First::Asked(state.ask(&self.ledger, to, wants))
    }

    /// Takes what was granted of it. Where no word came, this replica decides alone.
    pub(crate) fn take_more(&mut self, now: i64, to: &Estimate, word: Option<Offer>) -> Result<(), Refusal> {
        match word.and_then(Offer::take) {
            Some(Ok(more)) => self.absorb(more),
            Some(Err(refusal)) => return Err(refusal),
            None => return self.top_up(now, to),
        }
        self.raise_estimate(to);
        Ok(())
    }

    /// Holds what another holds, too.
    fn absorb(&mut self, mut other: Self) {
        let mut state = self.ledger.state();
        for more in std::mem::take(&mut other.entries) {
            let same = |entry: &&mut Entry| entry.same_limit(&more) && entry.bucket == more.bucket;
            match self.entries.iter_mut().find(same) {
                Some(entry) => {
                    entry.reserved = entry.reserved.saturating_add(more.reserved);
                    if let Some(slot) = state.slot(more.slot).filter(|slot| slot.generation == more.generation) {
                        slot.let_go();
                    }
                }
                None => self.entries.push(more),
            }
        }
    }

    fn raise_estimate(&mut self, to: &Estimate) {
        self.estimate = Estimate {
            spend: self.estimate.spend.max(to.spend),
            input_tokens: self.estimate.input_tokens.max(to.input_tokens),
            output_tokens: self.estimate.output_tokens.max(to.output_tokens),
        };
    }

    /// How many entries were made at admission: those before the first that a top-up added for a limit again.
    fn first_entries(&self) -> usize {
        let again =
            |(place, entry): (usize, &Entry)| self.entries.iter().take(place).any(|earlier| earlier.same_limit(entry));
        self.entries.iter().enumerate().position(again).unwrap_or(self.entries.len())
    }

    /// Gives the call's place under limits on concurrency back before it is settled: the caller is gone while the
    /// provider's answer is still read.
    pub fn release_concurrency(&mut self) {
        let mut state = self.ledger.state();
        self.entries.retain(|entry| {
            if entry.meter != LimitMeter::Concurrency {
                return true;
            }
            if let Some(slot) = state.count(entry.slot, entry.generation, entry.bucket, (0, -entry.reserved)) {
                slot.let_go();
            }
            false
        });
    }

    /// Puts what the call used in the place of what it held, in the windows where it was taken. What turns out to have no
    /// price (a search by the provider, where only tokens have one) costs what it held: unknown is not zero.
    pub fn settle(mut self, actual: &Actual) -> Settled {
        let actual = &Actual { spend: actual.spend.or(self.estimate.spend), ..*actual };
        let reserved = self.estimate.spend.unwrap_or_default();
        let overrun = (actual.spend.unwrap_or_default() - reserved).max(NanoUsd::ZERO);
        let settled = self.close(Some(actual));
        Settled { overrun, ..settled }
    }

    /// Gives everything back, requests included: the call was not made.
    pub fn cancel(mut self) {
        self.close(None);
    }

    /// What is left of the limits that apply, this call included.
    pub fn rate_limits(&self, now: i64) -> RateLimits {
        let mut state = self.ledger.state();
        let now = state.clock(now);
        let mut limits = RateLimits::default();
        for entry in &self.entries {
            let tightest = match entry.meter {
                LimitMeter::Requests => &mut limits.requests,
                LimitMeter::Tokens | LimitMeter::InputTokens | LimitMeter::OutputTokens => &mut limits.tokens,
                LimitMeter::Spend | LimitMeter::Concurrency => continue,
            };
            let Some(slot) = state.slot(entry.slot).filter(|slot| slot.generation == entry.generation) else {
                continue;
            };
            let status = slot.status(now);
            if tightest.is_none_or(|tightest| status.remaining < tightest.remaining) {
                *tightest = Some(RateLeft {
                    limit: status.limit.spec.amount,
                    remaining: status.remaining,
                    reset_after: status.resets_at.map(|at| millis(at.saturating_sub(now))),
                });
            }
        }
        limits
    }

    /// Empties the reservation, so that it can be closed once only. None as `actual` gives everything back.
    fn close(&mut self, actual: Option<&Actual>) -> Settled {
        let entries = std::mem::take(&mut self.entries);
        let mut settled = Settled::default();
        if entries.is_empty() {
            return settled;
        }
        settled.charges.reserve(entries.len());
        let mut state = self.ledger.state();
        for (place, entry) in entries.iter().enumerate() {
            let used = actual.map_or(0, |actual| used(&entries, place, entry, actual));
            let added = (used, -entry.reserved);
            let Some(slot) = state.count(entry.slot, entry.generation, entry.bucket, added) else { continue };
            if used != 0 {
                settled.charges.push(Charge { limit: slot.limit.id.clone(), bucket: entry.bucket, amount: used });
            }
            slot.let_go();
            let crossed = slot.crossed();
            state.crossed.extend(crossed);
        }
        settled
    }
}

/// What the entry at `place` is charged. Where a limit was topped up in a later bucket, the earlier ones are filled
/// to what they held and the last takes the rest.
fn used(entries: &[Entry], place: usize, entry: &Entry, actual: &Actual) -> i64 {
    if entry.meter == LimitMeter::Concurrency {
        return 0;
    }
    let Actual { spend, input_tokens, output_tokens } = *actual;
    let total = amount(entry.meter, &Estimate { spend, input_tokens, output_tokens }).unwrap_or(0);
    let same = |other: &&Entry| other.same_limit(entry);
    let earlier: i64 = entries.iter().take(place).filter(same).map(|earlier| earlier.reserved).sum();
    let rest = total.saturating_sub(earlier).max(0);
    let is_last = !entries.iter().skip(place + 1).any(|other| other.same_limit(entry));
    if is_last { rest } else { rest.min(entry.reserved) }
}

/// What `to` takes beyond `from`; none where money has no price.
fn increase(meter: LimitMeter, from: &Estimate, to: &Estimate) -> Option<i64> {
    Some(amount(meter, to)?.saturating_sub(amount(meter, from).unwrap_or(0)).max(0))
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let estimate = Actual::from(self.estimate);
        self.close(Some(&estimate));
    }
}

#[cfg(test)]
mod tests;
