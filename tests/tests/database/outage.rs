//! Servers that stop in mid-load, and come back.

use std::time::{Duration, Instant};

use http::StatusCode;
use llm_gateway::config::{Config, Size};
use llm_gateway::limits::Standing;
use llm_gateway::testing;
use llm_providers::Secret;
use llm_tests::live::{TestPostgres, TestRedis};

use super::load::{Load, add_up, ask, call, gateway_with, key, more, revoked, upstream};

/// For how long they are away: longer in `cargo xtask soak outage`.
fn away() -> Duration {
    let seconds = std::env::var("LLM_TEST_OUTAGE").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_postgres_and_redis_are_away_and_none_is_lost_or_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut postgres, mut redis) = (TestPostgres::start(), TestRedis::start());
    let url = postgres.database(&folder.path().join("shared.db"));
    let upstream = upstream().await;
    let shared = Secret::new(redis.url());
    let share = |config: &mut Config| config.redis = Some(shared.clone());
    let gateways = [gateway_with(&upstream, &url, share).await, gateway_with(&upstream, &url, share).await];
    let spender = key(&gateways).await;
    let stand = async |standing| {
        let begin = Instant::now();
        while gateways.iter().any(|gateway| gateway.gateway.ledger().standing() != Some(standing)) {
            assert!(begin.elapsed() < Duration::from_secs(40), "limits do not come to stand so: {standing:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    stand(Standing::Together).await;
    let load = Load::on(&gateways, &spender, 8);

    // Each by itself, and both at once.
    for (without_database, without_redis) in [(true, false), (false, true), (true, true)] {
        more(&upstream, 100).await;
        if without_redis {
            redis.stop();
        }
        if without_database {
            postgres.stop();
        }
        let (begin, before) = (Instant::now(), upstream.seen().len());
        while begin.elapsed() < away() {
            more(&upstream, 50).await;
            assert!(gateways.iter().all(|gateway| gateway.gateway.is_ready()));
        }
        if without_database {
            assert!(gateways[0].gateway.db().ping().await.is_err(), "the database was away");
        }
        if without_redis {
            stand(Standing::Apart).await;
        }
        let calls = upstream.seen().len() - before;
        let gone = match (without_database, without_redis) {
            (true, false) => "PostgreSQL",
            (false, _) => "Redis",
            (true, true) => "both",
        };
        println!("{calls} calls went well in {:?} without {gone}", begin.elapsed());
        if without_database {
            postgres.restart();
        }
        if without_redis {
            redis.restart();
        }
        stand(Standing::Together).await;
    }
    more(&upstream, 100).await;
    let made = load.end().await;
    let begin = Instant::now();
    add_up(&gateways, &spender, made).await;
    println!(
        "{made} calls in all, each with one record, and sums, counters and limits that agree after {:?}",
        begin.elapsed()
    );
    // Changes are heard of again.
    revoked(&gateways[0], &gateways[1], &spender).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_journals_bound_calls_are_refused_until_the_database_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let url = testing::postgres(&folder.path().join("shared.db"));
    let upstream = upstream().await;
    let gateway = [gateway_with(&upstream, &url, |config| config.journal.max_size = Size(64 << 10)).await];
    let spender = key(&gateway).await;
    testing::stop(&url);
    let mut made = 0;
    let refusal = loop {
        let answer = ask(&gateway[0], &spender).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        made += 1;
        assert!(made < 200, "the journal has no bound");
    };
    assert_eq!(
        (refusal.status, refusal.json()["error"]["code"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("journal_unavailable"))
    );
    assert!(!gateway[0].gateway.is_ready() && made > 10);
    testing::start(&url);
    gateway[0].gateway.flush().await.unwrap();
    assert!(gateway[0].gateway.is_ready());
    assert_eq!(call(&gateway[0], &spender).await, StatusCode::OK);
    add_up(&gateway, &spender, made + 1).await;
}
