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

    fn put(&mut self, used: i64, reserved: i64) {
        self.used = self.used.saturating_add(used);
        self.reserved = self.reserved.saturating_add(reserved);
    }

    fn remove(&mut self, other: Held) {
        self.put(other.used.saturating_neg(), other.reserved.saturating_neg());
    }
}

impl std::ops::Add for Held {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.put(other.used, other.reserved);
        self
    }
}

/// The counter of one limit. It looks at no clock: [`advance`](Counter::advance) tells it the time, which never goes
/// back.
#[derive(Clone, Debug)]
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
                    bucket.put(used, reserved);
                    sum.put(used, reserved);
                }
            }
            Self::Period { now, held, .. } => {
                if now.start == start {
                    held.put(used, reserved);
                }
            }
        }
    }

    /// Puts `held` in the place of what the bucket that begins at `start` holds.
    pub(super) fn set(&mut self, start: i64, held: Held) {
        let before = match *self {
            Self::Sliding { part, .. } => self.part_at(start.div_euclid(part)),
            Self::Period { held, .. } => held,
        };
        self.add(start, held.used.saturating_sub(before.used), held.reserved.saturating_sub(before.reserved));
    }

    /// When `need` of what this and `other`, a counter of the same window, hold no longer counts, if nothing more is
    /// added; none where that never comes.
    pub(super) fn frees_at(&self, other: Option<&Self>, need: i64) -> Option<i64> {
        match self {
            Self::Sliding { part, head, .. } => {
                let mut freed: i64 = 0;
                for index in head - (RING as i64 - 1)..=*head {
                    let others = other.map_or(0, |other| other.part_at(index).sum());
                    freed = freed.saturating_add(self.part_at(index).sum()).saturating_add(others);
                    if freed >= need {
                        return Some(sliding_bucket(index, *part).until);
                    }
                }
                None
            }
            Self::Period { now, .. } => (now.until != i64::MAX).then_some(now.until),
        }
    }

    /// What part number `index` of a sliding window holds.
    fn part_at(&self, index: i64) -> Held {
        let Self::Sliding { head, ring: Some(ring), .. } = self else { return Held::default() };
        let counts = index <= *head && head.saturating_sub(index) < RING as i64;
        ring.get(place(index)).copied().filter(|_| counts).unwrap_or_default()
    }

    /// When all that is held now, here and by `other`, will no longer count; none where nothing is held or that never
    /// comes.
    pub(super) fn resets_at(&self, other: Option<&Self>) -> Option<i64> {
        let held = self.held().sum().saturating_add(other.map_or(0, |other| other.held().sum()));
        match self {
            Self::Sliding { .. } => self.frees_at(other, held.max(1)),
            Self::Period { .. } => self.frees_at(other, 0),
        }
    }

    /// The buckets that hold anything.
    pub(super) fn buckets(&self) -> Vec<(Bucket, Held)> {
        match self {
            Self::Sliding { part, head, .. } => {
                let all = (head - (RING as i64 - 1)..=*head).map(|index| (index, self.part_at(index)));
                let some = all.filter(|&(_, held)| held != Held::default());
                some.map(|(index, held)| (sliding_bucket(index, *part), held)).collect()
            }
            Self::Period { held, .. } if *held == Held::default() => Vec::new(),
            Self::Period { now, held, .. } => vec![(*now, *held)],
        }
    }
}

/// The bucket of a window that begins at `start`, as the shared counters name it; `until` is the period's end, 0 where
/// it has none.
pub(super) fn bucket_of(window: Window, start: i64, until: i64) -> Bucket {
    match window.part() {
        Some(part) => sliding_bucket(start.div_euclid(part), part),
        None => Bucket { start, until: if until == 0 { i64::MAX } else { until } },
    }
}

fn sliding_bucket(index: i64, part: i64) -> Bucket {
    let start = index.saturating_mul(part);
    Bucket { start, until: start.saturating_add(part.saturating_mul(PARTS + 1)) }
}

#[cfg(test)]
mod tests;
