//! What a unit costs, and what a call costs.

use serde::{Deserialize, Serialize};

use crate::{Meter, NanoUsd, Usage};

/// One line of a price list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLine {
    /// What is counted.
    pub meter: Meter,
    /// The line holds for calls whose prompt has more tokens than this; 0 for the base line. The whole call is
    /// charged at the highest line that it reaches.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub above: u64,
    /// The line holds for this service tier only (`batch`, `flex`, `priority`); none for the standard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Nano-dollars for a million units: 3 US dollars per million tokens are 3,000,000,000.
    pub nano_per_million: i64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// So many units of one kind, and what a million of them costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostLine {
    /// What was used.
    pub meter: Meter,
    /// How much of it.
    pub count: u64,
    /// Nano-dollars for a million units.
    pub nano_per_million: i64,
}

impl CostLine {
    /// What it comes to, in millionths of a nano-dollar, which is exact.
    pub fn femto_usd(&self) -> i128 {
        i128::from(self.count) * i128::from(self.nano_per_million)
    }
}

/// What a model costs: a list of lines. An empty list is *no price*, which is not the same as a price of zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price {
    /// The lines, in no particular order.
    pub lines: Vec<PriceLine>,
}

impl Price {
    /// A price of base lines.
    pub fn new(lines: impl IntoIterator<Item = (Meter, i64)>) -> Self {
        let line = |(meter, nano_per_million)| PriceLine { meter, above: 0, service: None, nano_per_million };
        Self { lines: lines.into_iter().map(line).collect() }
    }

    /// The exact cost of `usage`: all its [lines](Self::lines_of) summed as integers and rounded once, half up.
    pub fn cost(&self, usage: &Usage, service: Option<&str>) -> Option<NanoUsd> {
        let lines = self.lines_of(usage, service)?;
        // A product always fits; only a sum of absurd ones does not.
        let sum = lines.iter().fold(0_i128, |sum, line| sum.saturating_add(line.femto_usd()));
        Some(NanoUsd::saturating_from(sum.saturating_add(500_000).div_euclid(1_000_000)))
    }

    /// What the cost of `usage` is made up of: each kind that is charged for, and its rate.
    ///
    /// A meter without a line costs as its parent does (cache reads as input, reasoning as output). `None` where
    /// something was used that has no line at all, or where the list is empty: unknown is not zero.
    ///
    /// A line for requests is charged once for whatever has used anything: a call is a request, and no provider counts that.
    ///
    /// Tokens on the one side, and images, seconds, characters and pages on the other, measure the same work; a provider
    /// may say both and charge by one. The side without any line is not charged, as long as the other is.
    pub fn lines_of(&self, usage: &Usage, service: Option<&str>) -> Option<Vec<CostLine>> {
        if self.lines.is_empty() {
            return None;
        }
        let prompt = usage.input_tokens();
        let by_tokens = self.is_by_tokens();
        let by_measures = self.lines.iter().any(|line| line.meter.is_measure());
        let mut lines = Vec::new();
        for (meter, count) in usage.counts() {
            match self.rate(meter, prompt, service) {
                Some(nano_per_million) => lines.push(CostLine { meter, count, nano_per_million }),
                None if meter.is_measure() && by_tokens => {}
                None if meter.is_token() && by_measures && !by_tokens => {}
                None => return None,
            }
        }
        if lines.is_empty() {
            return usage.is_zero().then_some(lines);
        }
        if usage.get(Meter::Request) == 0
            && let Some(nano_per_million) = self.rate(Meter::Request, prompt, service)
        {
            lines.push(CostLine { meter: Meter::Request, count: 1, nano_per_million });
        }
        Some(lines)
    }

    /// Whether tokens of any kind have a line.
    pub fn is_by_tokens(&self) -> bool {
        self.lines.iter().any(|line| line.meter.is_token())
    }

    /// Whether there is a line for `meter` itself.
    pub fn has(&self, meter: Meter) -> bool {
        self.lines.iter().any(|line| line.meter == meter)
    }

    /// The rate that applies to `meter` in a call whose prompt has `prompt` tokens: its own line or its parent's,
    /// of the service tier or else the standard one, the highest that the prompt reaches.
    pub fn rate(&self, meter: Meter, prompt: u64, service: Option<&str>) -> Option<i64> {
        let reached = |line: &&PriceLine| line.above == 0 || prompt > line.above;
        let best = |service: Option<&str>| {
            self.lines
                .iter()
                .filter(|line| line.meter == meter && line.service.as_deref() == service)
                .filter(reached)
                .max_by_key(|line| line.above)
        };
        let own = service.and_then(|_| best(service)).or_else(|| best(None));
        match own {
            Some(line) => Some(line.nano_per_million),
            None => self.rate(meter.parent()?, prompt, service),
        }
    }
}

#[cfg(test)]
mod tests;
