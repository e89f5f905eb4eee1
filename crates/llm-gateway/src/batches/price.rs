//! What a call costs in a batch.

use llm_core::{Price, PriceLine};

use crate::routing::Deployment;

/// The service by which price lists name it.
const SERVICE: &str = "batch";

/// The price of a deployment's calls in batches: the lines that its list has for them, each in the place of the ordinary
/// one; where it has none, the share of the ordinary price that the provider's row says, else all of it.
pub(super) fn of(deployment: &Deployment) -> Price {
    let tariff = deployment.tariff();
    let lines = &tariff.price.lines;
    let of_batches = |line: &&PriceLine| line.service.as_deref() == Some(SERVICE);
    let ordinary = lines.iter().filter(|line| line.service.is_none());
    if lines.iter().any(|line| of_batches(&line)) {
        let has_own = |line: &PriceLine| lines.iter().any(|own| of_batches(&own) && own.meter == line.meter);
        let own = lines.iter().filter(of_batches).map(|line| PriceLine { service: None, ..line.clone() });
        return Price { lines: own.chain(ordinary.filter(|line| !has_own(line)).cloned()).collect() };
    }
    let percent = i64::from(deployment.provider.row().batch_percent.unwrap_or(100).min(100));
    let share = |line: &PriceLine| {
        // Rounded up: a rate of nano-dollars for a million units has digits to spare.
        let nano = line.nano_per_million.saturating_mul(percent).saturating_add(99) / 100;
        PriceLine { nano_per_million: nano, ..line.clone() }
    };
    Price { lines: ordinary.map(share).collect() }
}

#[cfg(test)]
mod tests;
