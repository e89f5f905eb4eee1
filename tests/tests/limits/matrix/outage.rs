//! Losing Redis in the middle of a burst, and looking at what each replica then takes.

use std::time::Duration;

use llm_gateway::limits::{LimitMeter, Standing};
use llm_tests::live::{TestGateway, TestRedis, eventually};

use super::fleet::Burst;

/// What part of a limit is taken, at least, when Redis is lost: one in so many.
const BEFORE: i64 = 5;
/// How often, one after the other, nothing more must have been granted before Redis is taken to stand still: its last
/// answers may be on their way to a replica that has no processor to itself.
const STILL: usize = 25;
/// The time between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What each gateway has had and holds, and the others as far as it knows.
fn taken(burst: &Burst<'_>) -> Vec<(i64, i64)> {
    burst.gateways.iter().map(|gateway| burst.group.own_and_others(gateway)).collect()
}

/// Stops Redis when the burst is well under way, and starts it again when it is over. Gives by how much the limit may
/// have been passed: each replica may take what it had and its share, and knows a little less of the others than is true.
/// Shares are rounded down, so where all knew all, less than the limit may have been taken, and what is given is negative.
pub(super) async fn strike(burst: Burst<'_>, redis: &mut TestRedis) -> i64 {
    let name = &burst.group.name;
    let amount = burst.group.amount;
    let is_under_way = || taken(&burst).iter().map(|one| one.0).sum::<i64>() >= amount / BEFORE;
    while !is_under_way() {
        assert!(!burst.is_over(), "{name}: all were answered before Redis could be stopped");
        tokio::task::yield_now().await;
    }

    // It stands still first, so that what each replica has and knows can be seen, and then it dies.
    redis.freeze();
    let (mut last, mut still) = (taken(&burst), 0);
    while still < STILL {
        tokio::time::sleep(LOOK).await;
        let next = taken(&burst);
        let grew = last.iter().zip(&next).any(|(last, next)| next.0 > last.0 || next.1 != last.1);
        still = if grew { 0 } else { still + 1 };
        last = next;
    }
    let replicas = burst.gateways.len() as i64;
    let most = last.iter().map(|(own, others)| own + (amount - own - others).max(0) / replicas).collect::<Vec<_>>();
    let was_together = stand(burst.gateways, Standing::Together);
    redis.stop();

    let (mut had, mut is_over) = (vec![0; most.len()], false);
    while !is_over {
        is_over = burst.is_over();
        for (had, (own, _)) in had.iter_mut().zip(taken(&burst)) {
            *had = own.max(*had);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let excess = burst.excess();
    for (had, most) in had.iter().zip(&most) {
        assert!(*had <= most + excess, "{name}: {had:?} had, {most:?} allowed, {last:?} before");
    }
    // Of what never comes back each takes all of its share, if it has as many callers.
    if burst.group.meter == LimitMeter::Requests && was_together {
        let all: Vec<i64> = burst.callers().iter().zip(&most).map(|(callers, most)| *most.min(callers)).collect();
        assert_eq!(had, all, "{name}: {last:?} before");
    }
    let more = most.iter().sum::<i64>() - amount;
    let (before, had) = (last.iter().map(|one| one.0).sum::<i64>(), had.iter().sum::<i64>());
    println!("{name}: of {amount}, {before} taken before and {had} in all; {more} more were allowed");
    redis.restart();
    eventually(|| stand(burst.gateways, Standing::Together), || "all together".to_owned()).await;
    more
}

fn stand(gateways: &[TestGateway], standing: Standing) -> bool {
    gateways.iter().all(|one| one.gateway.ledger().standing() == Some(standing))
}
