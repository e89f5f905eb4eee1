//! A key that is revoked by one replica is dead in all within a second, also under load.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use llm_gateway::keys::{KeyDraft, KeyPatch};
use llm_tests::live::{Seen, Upstream, openai};
use serde_json::json;

use super::replicas::{Replicas, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_dies_on_every_replica_within_a_second() {
    let upstream = Upstream::start(|seen: &Seen| openai::echo(&seen.json(), &["a"], 5)).await;
    let config = format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    );
    let replicas = Replicas::start("30s", &config).await;
    let draft: KeyDraft = serde_json::from_value(json!({"name": "load", "limits": []})).unwrap();
    let made = replicas.all[0].gateway.keys().create(draft).await.unwrap();
    let secret = made.secret.expose().to_owned();
    let known =
        || replicas.all.iter().all(|one| one.gateway.keys().authenticate(&secret, jiff::Timestamp::now()).is_ok());
    eventually(known, || "the key everywhere".to_owned()).await;

    let body = json!({"model": "fast", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let over = AtomicBool::new(false);
    // Each caller says when its last call that passed was begun.
    let callers = (0..12).map(async |place: usize| {
        let mut last = None;
        while !over.load(SeqCst) {
            let begin = Instant::now();
            let answer = replicas.all[place % 3].post("/v1/chat/completions", &secret, body.clone()).await;
            match answer.status.as_u16() {
                200 => last = Some(begin),
                403 => {}
                other => panic!("{other}: {}", answer.text),
            }
        }
        last
    });
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let patch: KeyPatch = serde_json::from_value(json!({"blocked": true})).unwrap();
        replicas.all[1].gateway.keys().patch(&made.key.id, patch).await.unwrap();
        let revoked = Instant::now();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        over.store(true, SeqCst);
        revoked
    };
    let (last, revoked) = tokio::join!(join_all(callers), revoke);
    let last = last.into_iter().flatten().max().unwrap();
    let late = last.saturating_duration_since(revoked);
    assert!(late < Duration::from_secs(1), "a call that came {late:?} after the key was revoked passed");
}
