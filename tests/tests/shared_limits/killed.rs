//! A replica that is killed: what it had reserved is used, once, whoever says so first.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use llm_gateway::limits::Limit;
use llm_tests::live::{Replicas, Seen, Upstream, eventually, openai};
use serde_json::json;

/// The real binary. Dropped, it is killed.
struct Running(Child);

impl Running {
    async fn start(replicas: &Replicas, port: u16, folder: &std::path::Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway-under-test"));
        command.arg("serve").current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("LLM_GATEWAY_LISTEN", format!("127.0.0.1:{port}")).env("LLM_GATEWAY_REDIS", replicas.redis.url());
        let running = Self(command.spawn().unwrap());
        for _ in 0..800 {
            let ready = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await;
            if let Ok(ready) = ready
                && ready.text().await.unwrap_or_default().contains("\"shared_limits\":\"ok\"")
            {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the gateway does not become ready");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_replica_had_reserved_is_used_once() {
    let upstream =
        Upstream::start(|seen: &Seen| openai::echo(&seen.json(), &["a"], 5).after(Duration::from_secs(120))).await;
    let config = upstream.as_fast();
    let replicas = Replicas::start("30s", &config).await;
    let key = replicas.all[0]
        .key(json!({"limits": [{"meter": "spend", "window": "total", "amount": "1"}, {"meter": "concurrency", "amount": 5}]}))
        .await;
    let id = replicas.all[0].gateway.keys().authenticate(&key, jiff::Timestamp::now()).unwrap().id.clone();
    let scope = llm_gateway::limits::Scope::key(id.as_str());
    let limits: Vec<Limit> =
        replicas.all[0].gateway.keys().limits_of(&scope).iter().map(|limit| Limit::clone(limit)).collect();
    let (spend, places): (Vec<_>, Vec<_>) = limits.into_iter().partition(|limit| limit.spec.meter.as_str() == "spend");
    let (spend, places) = (&spend[0], &places[0]);
    let known = || replicas.all.iter().all(|one| one.gateway.keys().authenticate(&key, jiff::Timestamp::now()).is_ok());
    eventually(known, || "the key everywhere".to_owned()).await;

    let folder = tempfile::tempdir().unwrap();
    let database = llm_gateway::testing::url(&replicas.folder.path().join("test.db"));
    let text =
        format!("database = \"{database}\"\nredis_deadline = \"30s\"\n[journal]\npath = \"own.journal\"\n{config}");
    std::fs::write(folder.path().join("llm-gateway.toml"), text).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let running = Running::start(&replicas, port, folder.path()).await;
    let body = json!({"model": "fast", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let call = reqwest::Client::new().post(format!("http://127.0.0.1:{port}/v1/chat/completions"));
            tokio::spawn(call.bearer_auth(&key).body(body.clone()).send())
        })
        .collect();
    let held = || replicas.statuses(places).iter().all(|status| status.reserved == 3);
    eventually(held, || "three calls under way".to_owned()).await;
    let reserved = replicas.statuses(spend)[0].reserved;
    assert!(reserved > 0);

    drop(running);
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    // The others give it up: its places are free, and what it had reserved is used.
    replicas.agree(places, 0, 0).await;
    replicas.agree(spend, reserved, 0).await;
    // It comes back, and its journal says the same.
    let running = Running::start(&replicas, port, folder.path()).await;
    replicas.agree(spend, reserved, 0).await;
    // So does the database, when all else is lost.
    let in_sql = async || {
        let rows = llm_gateway::store::replicas::counters(replicas.all[0].gateway.db(), "", 0).await.unwrap();
        rows.iter().filter(|row| row.limit == spend.id).map(|row| row.amount).sum::<i64>()
    };
    for _ in 0..400 {
        if in_sql().await == reserved {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(in_sql().await, reserved);
    drop(running);
    replicas.redis.empty();
    eventually(
        || {
            replicas
                .all
                .iter()
                .any(|one| one.gateway.ledger().standing() != Some(llm_gateway::limits::Standing::Together))
        },
        || "an emptied Redis is noticed".to_owned(),
    )
    .await;
    replicas.together().await;
    replicas.agree(spend, reserved, 0).await;
}
