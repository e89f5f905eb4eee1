//! How long a deployment's recent answers were, so that one without a stated bound is reserved at what is usual.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Answers that must have been seen before they say anything.
const FEW: u32 = 20;
/// After how many answers all counts are halved, so that what is said is of late.
const FADE_AFTER: u32 = 1_000;
/// Classes of lengths, eight for each doubling; the last is of four million tokens and more.
const CLASSES: usize = 8 * 22;

/// Counts of answers by their length in tokens.
#[derive(Debug)]
pub struct Recent {
    counts: [AtomicU32; CLASSES],
    total: AtomicU32,
}

impl Default for Recent {
    fn default() -> Self {
        Self { counts: [const { AtomicU32::new(0) }; CLASSES], total: AtomicU32::new(0) }
    }
}

/// The class of a length: its highest bit and the three that follow.
fn class(tokens: u64) -> usize {
    let tokens = tokens.max(1);
    let doublings = tokens.ilog2();
    let eighths = (u128::from(tokens) << 3 >> doublings) & 7;
    (doublings as usize * 8 + eighths as usize).min(CLASSES - 1)
}

/// The largest length of a class.
fn largest(class: usize) -> u64 {
    let (doublings, eighths) = (class / 8, (class % 8) as u64);
    ((9 + eighths) << doublings).div_ceil(8).saturating_sub(1).max(1)
}

impl Recent {
    /// An answer of that many tokens.
    pub(crate) fn saw(&self, tokens: u64) {
        if let Some(count) = self.counts.get(class(tokens)) {
            count.fetch_add(1, Relaxed);
        }
        // Others may count meanwhile; what is lost or kept by it is a handful in a thousand.
        if self.total.fetch_add(1, Relaxed) + 1 >= FADE_AFTER {
            let halved = |count: &AtomicU32| {
                let half = count.load(Relaxed) / 2;
                count.store(half, Relaxed);
                half
            };
            self.total.store(self.counts.iter().map(halved).sum(), Relaxed);
        }
    }

    /// The length that 95 of 100 recent answers did not pass, rounded up by at most an eighth; none while there are few.
    pub fn p95(&self) -> Option<u64> {
        let total: u32 = self.counts.iter().map(|count| count.load(Relaxed)).sum();
        if total < FEW {
            return None;
        }
        let wanted = total - total / 20;
        let mut below = 0;
        let reached = |count: &AtomicU32| {
            below += count.load(Relaxed);
            below >= wanted
        };
        self.counts.iter().position(reached).map(largest)
    }
}

#[cfg(test)]
mod tests;
