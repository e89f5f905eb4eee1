//! Gateways that share a database, callers who never rest, and the books that must add up in the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::StatusCode;
use llm_core::NanoUsd;
use llm_gateway::config::Config;
use llm_gateway::keys::{KeyDraft, KeyPatch, NewKey};
use llm_gateway::store::{UsageFilter, UsageGroup, query, usage};
use llm_tests::live::{Answer, TestGateway, Upstream, openai};
use serde_json::json;

/// What a call costs: 9 tokens in and 4 out.
const COST: i64 = 9 * 1_000 + 4 * 2_000;

pub(super) async fn upstream() -> Upstream {
    Upstream::start(|seen| openai::echo(&seen.json(), &["word "; 4], 9)).await
}

/// A gateway with a journal of its own, on the database at `url`.
pub(super) async fn gateway(upstream: &Upstream, url: &str) -> Arc<TestGateway> {
    gateway_with(upstream, url, |_| ()).await
}

/// The same, with a change to its configuration.
pub(super) async fn gateway_with(upstream: &Upstream, url: &str, change: impl FnOnce(&mut Config)) -> Arc<TestGateway> {
    let settle = |config: &mut Config| {
        config.database = url.parse().unwrap();
        change(config);
    };
    Arc::new(TestGateway::start_with(&upstream.as_fast(), settle).await)
}

/// A key that may spend 1,000 USD, known to all.
pub(super) async fn key(gateways: &[Arc<TestGateway>]) -> Arc<NewKey> {
    let draft = json!({"name": "spender", "limits": [{"meter": "spend", "window": "total", "amount": "1000"}]});
    let key = gateways[0].gateway.keys().create(serde_json::from_value::<KeyDraft>(draft).unwrap()).await.unwrap();
    for gateway in gateways {
        gateway.gateway.keys().refresh().await.unwrap();
    }
    Arc::new(key)
}

pub(super) async fn call(gateway: &TestGateway, key: &NewKey) -> StatusCode {
    ask(gateway, key).await.status
}

pub(super) async fn ask(gateway: &TestGateway, key: &NewKey) -> Answer {
    let body = json!({"model": "fast", "max_tokens": 60, "messages": [{"role": "user", "content": "go on"}]});
    gateway.post("/v1/chat/completions", key.secret.expose(), body.to_string()).await
}

/// Callers who call until they are told to stop, and how many of their calls went well; none may fail.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<u64>>,
}

impl Load {
    pub(super) fn on(gateways: &[Arc<TestGateway>], key: &Arc<NewKey>, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let callers = gateways.iter().cycle().take(callers).map(|gateway| {
            let (gateway, key, stop) = (gateway.clone(), key.clone(), stop.clone());
            tokio::spawn(async move {
                let mut made = 0;
                while !stop.load(SeqCst) {
                    let answer = ask(&gateway, &key).await;
                    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
                    made += 1;
                }
                made
            })
        });
        let callers = callers.collect();
        Self { stop, callers }
    }

    pub(super) async fn end(self) -> u64 {
        self.stop.store(true, SeqCst);
        join_all(self.callers).await.into_iter().map(Result::unwrap).sum()
    }
}

/// Waits until so many more calls have reached the provider.
pub(super) async fn more(upstream: &Upstream, calls: usize) {
    let enough = upstream.seen().len() + calls;
    while upstream.seen().len() < enough {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Everything in the books, which gateways keep together: of the key's `made` calls one record each, and sums and counters
/// that agree.
pub(super) async fn add_up(gateways: &[Arc<TestGateway>], key: &NewKey, made: u64) {
    for gateway in gateways {
        gateway.gateway.flush().await.unwrap();
    }
    let mut records = gateways[0].calls().await;
    records.retain(|record| record.key.as_deref() == Some(key.key.id.as_str()));
    let ids: BTreeSet<_> = records.iter().map(|record| record.id.to_string()).collect();
    assert_eq!((ids.len() as u64, records.len() as u64), (made, made));
    assert!(records.iter().all(|record| record.cost_usd == Some(NanoUsd(COST))));
    let db = gateways[0].gateway.db();
    let made = i64::try_from(made).unwrap();
    let own = UsageFilter { key: Some(key.key.id.to_string()), ..UsageFilter::default() };
    let sums = usage(db, &[UsageGroup::Key], &own).await.unwrap();
    assert_eq!((sums[0].calls, sums[0].cost_usd), (made, NanoUsd(COST * made)));
    let limit = gateways[0].gateway.keys().limits_of(&key.key.scope()).remove(0);
    let counted = "SELECT CAST(sum(amount) AS BIGINT) FROM counters WHERE limit_id = $1";
    let counted = query(counted).bind(limit.id.as_str());
    assert_eq!(counted.one::<(i64,)>(db).await.unwrap(), (COST * made,));
    // What each of them goes by: a single one knows it, several that share their limits agree.
    if gateways.len() == 1 || gateways[0].gateway.ledger().standing().is_some() {
        let used = |gateway: &Arc<TestGateway>| {
            let gateway = &gateway.gateway;
            let status = gateway.ledger().status(gateway.now_ms(), &limit.id).unwrap();
            (status.used, status.reserved)
        };
        let begin = Instant::now();
        while gateways.iter().any(|gateway| used(gateway) != (COST * made, 0)) {
            let all: Vec<_> = gateways.iter().map(used).collect();
            assert!(begin.elapsed() < Duration::from_secs(20), "{all:?} of {}", COST * made);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Blocks a key at one gateway, and says how long another went on taking it; a second at most.
pub(super) async fn revoked(one: &TestGateway, other: &TestGateway, key: &NewKey) -> Duration {
    let blocked = KeyPatch { blocked: Some(true), ..KeyPatch::default() };
    one.gateway.keys().patch(&key.key.id, blocked).await.unwrap();
    let revoked = Instant::now();
    assert_eq!(call(one, key).await, StatusCode::FORBIDDEN);
    while call(other, key).await != StatusCode::FORBIDDEN {
        assert!(revoked.elapsed() < Duration::from_secs(1), "a revoked key is still good");
    }
    revoked.elapsed()
}
