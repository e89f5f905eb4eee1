//! In which order a name's deployments are tried.

use std::sync::Arc;

use llm_core::Meter;
use rand::RngExt;

use super::Deployment;
use crate::config::Strategy;

/// The deployments in the order in which a call should try them. Those that cool down come last.
pub(super) fn ordered(deployments: &[Arc<Deployment>], strategy: Strategy, now_ms: i64) -> Vec<Arc<Deployment>> {
    if let [only] = deployments {
        return vec![only.clone()];
    }
    let mut order = deployments.to_vec();
    match strategy {
        Strategy::Priority => {}
        Strategy::Weighted => shuffle_by_weight(&mut order),
        Strategy::LeastBusy => order.sort_by_key(|deployment| deployment.health.in_flight()),
        Strategy::Latency => order.sort_by_key(|deployment| deployment.health.latency_us()),
        Strategy::Cost => order.sort_by_key(|deployment| rough_cost(deployment)),
        Strategy::Usage => order.sort_by_key(|deployment| deployment.health.tokens_this_minute(now_ms)),
    }
    order.sort_by_key(|deployment| deployment.health.is_cooling(now_ms));
    order
}

/// Draws without putting back: each place goes to one of the rest, by weight. Weight 0 comes last.
fn shuffle_by_weight(order: &mut [Arc<Deployment>]) {
    let mut rng = rand::rng();
    for place in 0..order.len() {
        let rest = &order[place..];
        let total: u64 = rest.iter().map(|deployment| u64::from(deployment.weight)).sum();
        if total == 0 {
            return;
        }
        let mut drawn = rng.random_range(0..total);
        let winner = rest.iter().position(|deployment| {
            let weight = u64::from(deployment.weight);
            let hit = drawn < weight;
            drawn = drawn.saturating_sub(weight);
            hit
        });
        order.swap(place, place + winner.unwrap_or(0));
    }
}

/// What a thousand tokens in and a thousand out cost; deployments without a price come last.
fn rough_cost(deployment: &Deployment) -> i64 {
    let tariff = deployment.tariff();
    let rate = |meter| tariff.price.rate(meter, 1000, None);
    match (rate(Meter::Input), rate(Meter::Output)) {
        (Some(input), Some(output)) => input.saturating_add(output),
        _ => i64::MAX,
    }
}

#[cfg(test)]
mod tests;
