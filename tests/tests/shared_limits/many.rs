//! More limits than are told in one step, all of which one step has changed.

use llm_gateway::limits::{Limit, LimitId, Scope};
use llm_tests::live::{CALL, Replicas, eventually, key};

/// More than two steps tell.
const MANY: usize = 450;

/// Replicas, one of which holds a place under each of these limits.
async fn held() -> (Replicas, Vec<Limit>) {
    let replicas = Replicas::start("30s", "").await;
    let limit = |number| Limit {
        id: LimitId::new(format!("l{number}")),
        scope: Scope::key("k"),
        spec: "concurrency=5".parse().unwrap(),
    };
    let limits: Vec<Limit> = (0..MANY).map(limit).collect();
    for replica in &replicas.all {
        limits.iter().for_each(|limit| replica.gateway.ledger().put(limit.clone()).unwrap());
    }
    std::mem::forget(replicas.admit(2, &key(), CALL).await.unwrap());
    (replicas, limits)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_hears_of_all() {
    let (replicas, limits) = held().await;
    for limit in &limits {
        replicas.agree(limit, 0, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_places_of_a_replica_that_is_gone_are_free() {
    let (mut replicas, limits) = held().await;
    let counted = || replicas.redis.counted().iter().map(|(_, sum)| *sum).sum::<i64>();
    assert_eq!(counted(), i64::try_from(MANY).unwrap());
    let gone = replicas.all.pop().unwrap();
    gone.stop().await;
    let counted = || replicas.redis.counted().iter().map(|(_, sum)| *sum).sum::<i64>();
    eventually(|| counted() == 0, || format!("{} places are held by nobody", counted())).await;
    for limit in &limits {
        replicas.agree(limit, 0, 0).await;
    }
}
