//! Several gateways on one PostgreSQL, and calls while it is away.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::StatusCode;
use llm_core::NanoUsd;
use llm_gateway::config::{Config, Size};
use llm_gateway::keys::{KeyDraft, KeyPatch, NewKey};
use llm_gateway::store::{UsageFilter, UsageGroup, query, usage};
use llm_gateway::testing;
use llm_tests::live::{Answer, TestGateway, Upstream, openai};
use serde_json::json;

/// What a call costs: 9 tokens in and 4 out.
const COST: i64 = 9 * 1_000 + 4 * 2_000;

async fn upstream() -> Upstream {
    Upstream::start(|seen| openai::echo(&seen.json(), &["word "; 4], 9)).await
}

fn config(upstream: &Upstream) -> String {
    format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "mock:m-1", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    )
}

/// A gateway with a journal of its own, on the database at `url`.
async fn gateway(upstream: &Upstream, url: &str) -> Arc<TestGateway> {
    Arc::new(TestGateway::start_with(&config(upstream), |config| config.database = url.parse().unwrap()).await)
}

fn database(folder: &Path) -> String {
    testing::postgres(&folder.join("shared.db"))
}

async fn key(gateway: &TestGateway) -> NewKey {
    let draft = json!({"name": "spender", "limits": [{"meter": "spend", "window": "total", "amount": "1000"}]});
    gateway.gateway.keys().create(serde_json::from_value::<KeyDraft>(draft).unwrap()).await.unwrap()
}

async fn call(gateway: &TestGateway, key: &NewKey) -> StatusCode {
    ask(gateway, key).await.status
}

async fn ask(gateway: &TestGateway, key: &NewKey) -> Answer {
    let body = json!({"model": "fast", "max_tokens": 60, "messages": [{"role": "user", "content": "go on"}]});
    gateway.post("/v1/chat/completions", key.secret.expose(), body.to_string()).await
}

/// Callers who call until they are told to stop, and how many of their calls went well; none may fail.
struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<u64>>,
}

impl Load {
    fn on(gateways: &[Arc<TestGateway>], key: &Arc<NewKey>, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let callers = gateways.iter().cycle().take(callers).map(|gateway| {
            let (gateway, key, stop) = (gateway.clone(), key.clone(), stop.clone());
            tokio::spawn(async move {
                let mut made = 0;
                while !stop.load(SeqCst) {
                    assert_eq!(call(&gateway, &key).await, StatusCode::OK);
                    made += 1;
                }
                made
            })
        });
        let callers = callers.collect();
        Self { stop, callers }
    }

    async fn end(self) -> u64 {
        self.stop.store(true, SeqCst);
        join_all(self.callers).await.into_iter().map(Result::unwrap).sum()
    }
}

/// Everything in the books, which two gateways keep together: one record a call, and sums and counters that agree.
async fn add_up(gateways: &[Arc<TestGateway>], key: &NewKey, made: u64) {
    for gateway in gateways {
        gateway.gateway.flush().await.unwrap();
    }
    let records = gateways[0].calls().await;
    let ids: BTreeSet<_> = records.iter().map(|record| record.id.to_string()).collect();
    assert_eq!((ids.len() as u64, records.len() as u64), (made, made));
    assert!(records.iter().all(|record| record.cost_usd == Some(NanoUsd(COST))));
    let db = gateways[0].gateway.db();
    let sums = usage(db, &[UsageGroup::Key], &UsageFilter::default()).await.unwrap();
    assert_eq!((sums[0].calls, sums[0].cost_usd), (i64::try_from(made).unwrap(), NanoUsd(COST * sums[0].calls)));
    let limit = gateways[0].gateway.keys().limits_of(&key.key.scope()).remove(0);
    let counted = "SELECT CAST(sum(amount) AS BIGINT) FROM counters WHERE limit_id = $1";
    let counted = query(counted).bind(limit.id.as_str());
    assert_eq!(counted.one::<(i64,)>(db).await.unwrap(), (COST * sums[0].calls,));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_by_every_gateway_within_a_second_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let url = database(folder.path());
    let upstream = upstream().await;
    let gateways = [gateway(&upstream, &url).await, gateway(&upstream, &url).await];
    let spender = Arc::new(key(&gateways[0]).await);
    gateways[1].gateway.keys().refresh().await.unwrap();
    let load = Load::on(&gateways, &spender, 8);

    let mut slowest = Duration::ZERO;
    for round in 0..6 {
        let [one, other] = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let stolen = key(&gateways[one]).await;
        let made = Instant::now();
        while call(&gateways[other], &stolen).await != StatusCode::OK {
            assert!(made.elapsed() < Duration::from_secs(1), "a new key is not known yet");
        }
        let blocked = KeyPatch { blocked: Some(true), ..KeyPatch::default() };
        gateways[one].gateway.keys().patch(&stolen.key.id, blocked).await.unwrap();
        let revoked = Instant::now();
        assert_eq!(call(&gateways[one], &stolen).await, StatusCode::FORBIDDEN);
        while call(&gateways[other], &stolen).await != StatusCode::FORBIDDEN {
            assert!(revoked.elapsed() < Duration::from_secs(1), "a revoked key is still good");
        }
        slowest = slowest.max(revoked.elapsed());
        gateways[one].gateway.keys().delete(&stolen.key.id).await.unwrap();
    }
    let made = load.end().await;
    println!("a revoked key was dead on the other gateway after at most {slowest:?}, among {made} calls");
    for gateway in &gateways {
        gateway.gateway.flush().await.unwrap();
    }
    // The stolen keys called as well.
    query("DELETE FROM calls WHERE key <> $1")
        .bind(spender.key.id.as_str())
        .execute(gateways[0].gateway.db())
        .await
        .unwrap();
    query("DELETE FROM usage_hours WHERE key <> $1")
        .bind(spender.key.id.as_str())
        .execute(gateways[0].gateway.db())
        .await
        .unwrap();
    add_up(&gateways, &spender, made).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_the_database_is_away_and_none_is_lost_or_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let url = database(folder.path());
    let upstream = upstream().await;
    let gateways = [gateway(&upstream, &url).await, gateway(&upstream, &url).await];
    let spender = Arc::new(key(&gateways[0]).await);
    gateways[1].gateway.keys().refresh().await.unwrap();
    let load = Load::on(&gateways, &spender, 8);
    let away = std::env::var("LLM_TEST_OUTAGE").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(1);

    let seen = || upstream.seen().len();
    let enough = |more| {
        let enough = seen() + more;
        let seen = &seen;
        async move {
            while seen() < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    enough(100).await;
    testing::stop(&url);
    let (begin, before) = (Instant::now(), seen());
    while begin.elapsed() < Duration::from_secs(away) {
        enough(50).await;
        assert!(gateways.iter().all(|gateway| gateway.gateway.is_ready()));
    }
    assert!(gateways[0].gateway.db().ping().await.is_err(), "the database was away");
    println!("{} calls went well in {:?} without the database", seen() - before, begin.elapsed());
    testing::start(&url);
    enough(100).await;
    let made = load.end().await;
    add_up(&gateways, &spender, made).await;
    // Changes are heard of again.
    let blocked = KeyPatch { blocked: Some(true), ..KeyPatch::default() };
    gateways[0].gateway.keys().patch(&spender.key.id, blocked).await.unwrap();
    let revoked = Instant::now();
    while call(&gateways[1], &spender).await != StatusCode::FORBIDDEN {
        assert!(revoked.elapsed() < Duration::from_secs(1), "a revoked key is still good");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_journals_bound_calls_are_refused_until_the_database_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let url = database(folder.path());
    let upstream = upstream().await;
    let change = |config: &mut Config| {
        config.database = url.parse().unwrap();
        config.journal.max_size = Size(64 << 10);
    };
    let gateway = [Arc::new(TestGateway::start_with(&config(&upstream), change).await)];
    let spender = key(&gateway[0]).await;
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
