//! What a limit has counted in its window: used, and reserved by calls under way.

use jiff::tz::TimeZone;

use super::window::PARTS;
use super::{Bucket, Window};

/// Buckets of a sliding window that count: its parts, and one more because the first and the last are partial.
const RING: usize = PARTS as usize + 1;

/// An amount that is used and one that is reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) used: i64,
    pub(super) reserved: i64,
}

impl Held {
    pub(super) fn sum(self) -> i64 {
        self.used.saturating_add(self.reserved)
    }

    fn add(&mut self, used: i64, reserved: i64) {
        self.used = self.used.saturating_add(used);
        self.reserved = self.reserved.saturating_add(reserved);
    }

    fn remove(&mut self, other: Held) {
        self.add(other.used.saturating_neg(), other.reserved.saturating_neg());
    }
}

/// The counter of one limit. It looks at no clock: [`advance`](Counter::advance) tells it the time, which never goes
/// back.
#[derive(Debug)]
pub(super) enum Counter {
    /// A sliding window: a ring of buckets, made on first use, and their running sum.
    Sliding { part: i64, head: i64, sum: Held, ring: Option<Box<[Held; RING]>> },
    /// A window of the calendar, or the one that never ends.
    Period { window: Window, zone: TimeZone, now: Bucket, held: Held },
}

/// The place of bucket number `index` in the ring.
fn place(index: i64) -> usize {
    // The remainder of a positive divisor is never negative and fits.
    index.rem_euclid(RING as i64) as usize
}

impl Counter {
    pub(super) fn new(window: Window, zone: &TimeZone) -> Self {
        match window.part() {
            Some(part) => Self::Sliding { part, head: i64::MIN / 2, sum: Held::default(), ring: None },
            None => {
                // An ended bucket, so that the first look at the clock finds the right one.
                let now =
                    if window == Window::Total { Bucket::TOTAL } else { Bucket { start: i64::MIN, until: i64::MIN } };
                Self::Period { window, zone: zone.clone(), now, held: Held::default() }
            }
        }
    }

    /// Moves the window on to `now`. A clock that goes back finds the window where it was.
    pub(super) fn advance(&mut self, now: i64) {
        match self {
            Self::Sliding { part, head, sum, ring } => {
                let index = now.div_euclid(*part);
                if index <= *head {
                    return;
                }
                if let Some(ring) = ring {
                    let gone = index.saturating_sub(*head).min(RING as i64);
                    for step in 1..=gone {
                        if let Some(bucket) = ring.get_mut(place(index - gone + step)) {
                            sum.remove(std::mem::take(bucket));
                        }
                    }
                }
                *head = index;
            }
            Self::Period { window, zone, now: bucket, held } => {
                if now >= bucket.until && bucket.until != i64::MAX {
                    *bucket = window.bucket_at(zone, now);
                    *held = Held::default();
                }
            }
        }
    }

    /// What the window holds.
    pub(super) fn held(&self) -> Held {
        match self {
            Self::Sliding { sum, .. } => *sum,
            Self::Period { held, .. } => *held,
        }
    }

    /// The bucket that is counted in now.
    pub(super) fn bucket(&self) -> Bucket {
        match self {
            Self::Sliding { part, head, .. } => sliding_bucket(*head, *part),
            Self::Period { now, .. } => *now,
        }
    }

    /// Adds to the bucket that begins at `start`; both amounts may be negative. A bucket that no longer counts is
    /// left alone.
    pub(super) fn add(&mut self, start: i64, used: i64, reserved: i64) {
        match self {
            Self::Sliding { part, head, sum, ring } => {
                let index = start.div_euclid(*part);
                if index > *head || head.saturating_sub(index) >= RING as i64 {
                    return;
                }
                let ring = ring.get_or_insert_with(|| Box::new([Held::default(); RING]));
                if let Some(bucket) = ring.get_mut(place(index)) {
                    bucket.add(used, reserved);
                    sum.add(used, reserved);
                }
            }
            Self::Period { now, held, .. } => {
                if now.start == start {
                    held.add(used, reserved);
                }
            }
        }
    }

    /// When `need` of what is held no longer counts, if nothing more is added; none where that never comes.
    pub(super) fn frees_at(&self, need: i64) -> Option<i64> {
        match self {
            Self::Sliding { part, head, ring, .. } => {
                let ring = ring.as_ref()?;
                let mut freed: i64 = 0;
                for index in head - (RING as i64 - 1)..=*head {
                    freed = freed.saturating_add(ring.get(place(index)).map_or(0, |bucket| bucket.sum()));
                    if freed >= need {
                        return Some(sliding_bucket(index, *part).until);
                    }
                }
                None
            }
            Self::Period { now, .. } => (now.until != i64::MAX).then_some(now.until),
        }
    }

    /// When all that is held now will no longer count; none where nothing is held or that never comes.
    pub(super) fn resets_at(&self) -> Option<i64> {
        match self {
            Self::Sliding { .. } => self.frees_at(self.held().sum().max(1)),
            Self::Period { .. } => self.frees_at(0),
        }
    }
}

fn sliding_bucket(index: i64, part: i64) -> Bucket {
    let start = index.saturating_mul(part);
    Bucket { start, until: start.saturating_add(part.saturating_mul(PARTS + 1)) }
}

#[cfg(test)]
mod tests;
