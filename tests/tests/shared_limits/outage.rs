//! Redis stops, is slow, forgets, comes back: limits hold by the last that was known, and nothing is lost or counted twice.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use llm_core::ErrorKind;
use llm_gateway::limits::{Actual, Reservation, Scope, Standing};
use llm_tests::live::{CALL, Replicas, eventually, key};

/// What may pass beyond a limit when Redis is lost in the middle of a storm: what the last calls of the other replicas
/// took, which no answer has told yet. A dozen on a machine of its own; more where a replica is not given the processor for
/// some milliseconds of a storm of thousands of calls a second.
const UNSEEN: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_replica_spends_its_share_of_what_was_left() {
    let mut replicas = Replicas::start("2s", "").await;
    let limit = replicas.put(Scope::key("k"), "requests=300/total");
    let closed = replicas.put(Scope::key("c"), "requests=300/total");
    let mut spec = closed.spec.clone();
    spec.fail = Some(llm_gateway::limits::Fail::Closed);
    for replica in &replicas.all {
        let limit = llm_gateway::limits::Limit { spec: spec.clone(), ..closed.clone() };
        replica.gateway.ledger().put(limit).unwrap();
    }
    let (mut held, _) = replicas.storm(90, &key(), CALL).await;
    replicas.agree(&limit, 0, 90).await;
    replicas.redis.stop();
    replicas.stand(Standing::Apart).await;

    for place in 0..3 {
        let mut granted = 0;
        while let Ok(reservation) = replicas.admit(place, &key(), CALL).await {
            held.push(reservation);
            granted += 1;
        }
        assert_eq!(granted, (300 - 90) / 3);
        let refusal = replicas.admit(place, &key(), CALL).await.unwrap_err();
        assert_eq!((refusal.remaining(), refusal.retry_after()), (0, Some(Duration::from_secs(1))));
    }
    let other = llm_gateway::limits::Subject { key: "c", ..key() };
    let error = llm_core::Error::from(replicas.admit(0, &other, CALL).await.unwrap_err());
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(1))));
    assert!(error.message().contains("can't be reached"), "{}", error.message());

    // Empty it comes back, and knows all that was taken meanwhile.
    replicas.redis.restart();
    replicas.together().await;
    replicas.agree(&limit, 0, 300).await;
    assert!(replicas.admit(0, &key(), CALL).await.is_err());
    held.drain(..100).for_each(Reservation::cancel);
    held.into_iter().for_each(|held| _ = held.settle(&Actual::default()));
    replicas.agree(&limit, 200, 0).await;
}

/// Every replica takes what it gets until it is refused for good, while `happens`.
async fn taken_while(replicas: &mut Replicas, happens: impl AsyncFnOnce(&mut Replicas)) -> Vec<Reservation> {
    let (begun, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let ledgers: Vec<_> = replicas.all.iter().map(|replica| replica.gateway.clone()).collect();
    let takers = ledgers.iter().map(async |gateway| {
        let mut held = Vec::new();
        loop {
            match gateway.ledger().admit(gateway.now_ms(), &key(), &CALL).await {
                Ok(reservation) => held.push(reservation),
                Err(_) if over.load(SeqCst) => return held,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
            begun.store(held.len() >= 30 || begun.load(SeqCst), SeqCst);
            tokio::task::yield_now().await;
        }
    });
    let trouble = async {
        while !begun.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        happens(replicas).await;
        over.store(true, SeqCst);
    };
    let (held, ()) = tokio::join!(join_all(takers), trouble);
    held.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_stops_in_a_storm_lets_no_more_pass_than_the_law_says() {
    let mut replicas = Replicas::start("2s", "").await;
    let limit = replicas.put(Scope::key("k"), "requests=3000/total");
    let held = taken_while(&mut replicas, async |replicas| {
        replicas.redis.stop();
        replicas.stand(Standing::Apart).await;
    })
    .await;
    assert!(held.len() <= 3000 + UNSEEN, "{} passed", held.len());
    assert!(held.len() >= 3000 - 3 - UNSEEN, "only {} passed", held.len());
    replicas.redis.restart();
    replicas.together().await;
    replicas.agree(&limit, 0, i64::try_from(held.len()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_is_emptied_in_a_storm_forgets_nothing() {
    let mut replicas = Replicas::start("2s", "").await;
    let limit = replicas.put(Scope::key("k"), "spend=0.00003/month");
    let held = taken_while(&mut replicas, async |replicas| {
        replicas.redis.empty();
        // Whoever speaks to it next is told that it was forgotten.
        eventually(
            || replicas.all.iter().any(|replica| replica.gateway.ledger().standing() != Some(Standing::Together)),
            || "an emptied Redis is noticed".to_owned(),
        )
        .await;
        replicas.together().await;
    })
    .await;
    assert!((3000..=3000 + UNSEEN).contains(&held.len()), "{} passed", held.len());
    replicas.agree(&limit, 0, 10 * i64::try_from(held.len()).unwrap()).await;
    held.into_iter()
        .for_each(|held| _ = held.settle(&Actual { spend: Some(llm_core::NanoUsd(7)), ..Actual::default() }));
    eventually(|| replicas.statuses(&limit).iter().all(|status| status.reserved == 0), || "all settled".to_owned())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_redis_is_not_trusted() {
    let mut replicas = Replicas::start("2s", "").await;
    let limit = replicas.put(Scope::key("k"), "requests=100/total");
    let (early, _) = replicas.storm(30, &key(), CALL).await;
    replicas.redis.save();
    let (late, _) = replicas.storm(30, &key(), CALL).await;
    drop(early);
    replicas.redis.stop();
    replicas.stand(Standing::Apart).await;
    replicas.redis.restart();
    replicas.together().await;
    replicas.agree(&limit, 30, 30).await;
    late.into_iter().for_each(Reservation::cancel);
    replicas.agree(&limit, 30, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_costs_a_call_its_deadline_once_and_the_next_ones_nothing() {
    let deadline = Duration::from_millis(50);
    let replicas = Replicas::start("50ms", "").await;
    let limit = replicas.put(Scope::key("k"), "requests=3000/total");
    replicas.redis.freeze();
    let mut held = Vec::new();
    let begin = Instant::now();
    held.push(replicas.admit(0, &key(), CALL).await.unwrap());
    let first = begin.elapsed();
    // The rest is the machine's.
    assert!(first < deadline * 6, "{first:?}");
    let begin = Instant::now();
    for _ in 0..500 {
        held.push(replicas.admit(0, &key(), CALL).await.unwrap());
    }
    let next = begin.elapsed();
    assert!(next < deadline * 10, "500 calls took {next:?}");
    replicas.redis.thaw();
    replicas.together().await;
    // What the frozen server had been asked counts once.
    replicas.agree(&limit, 0, 501).await;
    held.into_iter().for_each(Reservation::cancel);
    replicas.agree(&limit, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_starts_without_redis_and_joins_when_it_is_there() {
    let mut replicas = Replicas::start("2s", "").await;
    let limit = replicas.put(Scope::key("k"), "requests=100/total");
    replicas.admit(0, &key(), CALL).await.unwrap().settle(&Actual::default());
    replicas.agree(&limit, 1, 0).await;
    replicas.redis.stop();
    replicas.add().await;
    replicas.put(Scope::key("k"), "requests=100/total");
    assert_eq!(replicas.all[3].gateway.ledger().standing(), Some(Standing::Apart));
    replicas.redis.restart();
    replicas.together().await;
    replicas.agree(&limit, 1, 0).await;
}
