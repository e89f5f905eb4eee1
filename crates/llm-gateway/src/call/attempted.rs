//! What the attempts of a call came to, together.

use llm_core::{NanoUsd, Usage};

use crate::record::Attempt;

/// The sum over all attempts that have ended.
#[derive(Debug)]
pub(super) struct Attempted {
    pub(super) usage: Usage,
    /// None where one of them has no price.
    pub(super) cost: Option<NanoUsd>,
    pub(super) estimated: bool,
}

impl Attempted {
    /// What `attempts` came to.
    pub(super) fn of(attempts: &[Attempt]) -> Self {
        let mut sum = Self { usage: Usage::default(), cost: Some(NanoUsd::ZERO), estimated: false };
        for attempt in attempts {
            attempt.usage.counts().for_each(|(meter, count)| sum.usage.add(meter, count));
            sum.cost = sum.cost.zip(attempt.cost_usd).map(|(sum, cost)| sum + cost);
            sum.estimated |= attempt.estimated;
        }
        sum
    }
}
