//! How the cost of an attempt was made up: what was counted, times the rate that it was charged at.

use std::sync::Arc;

use llm_core::{CostLine, NanoUsd, PriceLine};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::keys::Rate;
use crate::record::{Attempt, CallRecord};
use crate::routing::PriceSource;

/// How a cost was made up.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Cost {
    /// By whose word the price was in force.
    source: PriceSource,
    /// Of when that word was: the catalogue's day, or the time of the override; null where it has no time.
    as_of: Option<Arc<str>>,
    /// The service tier that the provider says it answered in; null for the standard one.
    service: Option<Arc<str>>,
    /// What was charged for.
    lines: Vec<Line>,
    /// The sum of the lines in US dollars, exact: finer than what can be charged. Rounded once, half up, to a billionth
    /// of a dollar, it is the attempt's `cost_usd`.
    total_usd: String,
    /// Whether less was charged, because the usage is an estimate, and none may cost more than was reserved.
    held_to_reservation: bool,
}

/// One kind of usage, and what it cost.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "CostLine")]
pub(super) struct Line {
    /// What was counted.
    meter: String,
    /// How much of it.
    quantity: u64,
    /// US dollars for `per` units.
    price_usd: String,
    per: u64,
    /// Quantity times price in US dollars, exact.
    amount_usd: String,
}

/// A call as it is shown by itself: beside the cost of each attempt, how that was made up.
pub(super) fn made_up(call: &CallRecord) -> Value {
    shown(call, |attempt| json!(cost_of(attempt)))
}

/// A call as lists show it, without the rates that its record keeps.
pub(super) fn listed(call: &CallRecord) -> Value {
    shown(call, |_| Value::Null)
}

fn shown(call: &CallRecord, cost: impl Fn(&Attempt) -> Value) -> Value {
    let mut shown = json!(call);
    let attempts = shown.get_mut("attempts").and_then(Value::as_array_mut).into_iter().flatten();
    for (members, attempt) in attempts.filter_map(Value::as_object_mut).zip(&call.attempts) {
        members.shift_remove("rates");
        members.insert("cost".to_owned(), cost(attempt));
    }
    shown
}

fn cost_of(attempt: &Attempt) -> Option<Cost> {
    let rates = attempt.rates.as_ref()?;
    let charged = attempt.cost_usd?;
    let lines: Vec<CostLine> = rates.lines(&attempt.usage).collect();
    let total = lines.iter().fold(0_i128, |sum, line| sum.saturating_add(line.femto_usd()));
    let rounded = NanoUsd::saturating_from(total.saturating_add(500_000).div_euclid(1_000_000));
    Some(Cost {
        source: rates.source,
        as_of: rates.as_of.clone(),
        service: rates.service.clone(),
        lines: lines.iter().map(line).collect(),
        total_usd: decimal(total),
        held_to_reservation: charged < rounded,
    })
}

fn line(line: &CostLine) -> Line {
    let &CostLine { meter, count, nano_per_million } = line;
    let rate = Rate::of(&PriceLine { meter, above: 0, service: None, nano_per_million });
    Line {
        meter: meter.as_str().to_owned(),
        quantity: count,
        price_usd: rate.amount.to_string(),
        per: rate.units(),
        amount_usd: decimal(line.femto_usd()),
    }
}

/// Millionths of billionths of a dollar as a decimal number of dollars. Nothing that is charged is below zero.
fn decimal(femto: i128) -> String {
    const DOLLAR: i128 = 1_000_000_000_000_000;
    let (whole, rest) = (femto / DOLLAR, femto % DOLLAR);
    let digits = format!("{rest:015}");
    match digits.trim_end_matches('0') {
        "" => whole.to_string(),
        digits => format!("{whole}.{digits}"),
    }
}

#[cfg(test)]
mod tests;
