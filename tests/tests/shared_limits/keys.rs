//! What is revoked by one replica is dead in all within a second, also under load, whatever way the word takes: Redis,
//! PostgreSQL's notices, or the look into the database that needs neither.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use llm_gateway::limits::Standing;
use llm_tests::live::{Replicas, Seen, TestGateway, Upstream, openai};
use serde_json::{Value, json};

/// Who makes the changes.
const ADMIN: &str = "sk-who-may-change-everything-0123456789";
/// Within which time a change is in force everywhere.
const ALLOWED: Duration = Duration::from_secs(1);
/// For how long no call passes any more when it is over; and how long that may take.
const QUIET: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(20);

/// One way to lose what a key may do.
struct Loss {
    name: &'static str,
    key: String,
    change: (Method, String, Value),
}

async fn ask(gateway: &TestGateway, method: Method, path: &str, body: &Value) -> Value {
    let request = gateway.http().request(method, format!("{}{path}", gateway.url)).bearer_auth(ADMIN);
    let request = request.header("content-type", "application/json");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = request.body(body).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Makes a thing, and gives its id.
async fn make(gateway: &TestGateway, path: &str, draft: Value) -> String {
    ask(gateway, Method::POST, path, &draft).await["id"].as_str().unwrap().to_owned()
}

/// A key for each way to lose it.
async fn losses(gateway: &TestGateway) -> Vec<Loss> {
    let organization = make(gateway, "/api/v1/organizations", json!({"name": "organization"})).await;
    let in_it = json!({"name": "in organization", "organization": organization});
    let organizations_team = make(gateway, "/api/v1/teams", in_it).await;
    let team = make(gateway, "/api/v1/teams", json!({"name": "team"})).await;
    let user = make(gateway, "/api/v1/users", json!({"name": "user"})).await;
    let block = json!({"blocked": true});
    let all = [
        ("key blocked", json!({}), (Method::PATCH, "keys/{key}".to_owned(), block.clone())),
        ("key deleted", json!({}), (Method::DELETE, "keys/{key}".to_owned(), Value::Null)),
        ("key rotated", json!({}), (Method::POST, "keys/{key}/rotate".to_owned(), json!({"grace": "0s"}))),
        ("team blocked", json!({"team": team}), (Method::PATCH, format!("teams/{team}"), block.clone())),
        ("user blocked", json!({"user": user}), (Method::PATCH, format!("users/{user}"), block.clone())),
        (
            "organization blocked",
            json!({"team": organizations_team}),
            (Method::PATCH, format!("organizations/{organization}"), block),
        ),
        ("limit lowered", json!({}), (Method::PATCH, "limits/{limit}".to_owned(), json!({"amount": 1}))),
    ];
    let mut losses = Vec::new();
    for (name, mut draft, (method, path, body)) in all {
        draft["name"] = json!(name);
        draft["limits"] = json!([]);
        let made = ask(gateway, Method::POST, "/api/v1/keys", &draft).await;
        let id = made["id"].as_str().unwrap();
        let mut path = format!("/api/v1/{}", path.replace("{key}", id));
        if path.contains("{limit}") {
            let limit =
                json!({"scope": {"kind": "key", "id": id}, "meter": "requests", "window": "total", "amount": 100_000});
            path = path.replace("{limit}", &make(gateway, "/api/v1/limits", limit).await);
        }
        let key = made["key"].as_str().unwrap().to_owned();
        losses.push(Loss { name, key, change: (method, path, body) });
    }
    losses
}

/// Three replicas, of which each is called with each key by somebody all the time. Gives how long after the answer to
/// its change each key was last good for a call, at each replica.
async fn last_calls(replicas: &Replicas) {
    let losses = losses(&replicas.all[1]).await;
    replicas.refresh().await;
    let body = json!({"model": "fast", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let (is_over, begun) = (AtomicBool::new(false), Instant::now());
    let callers = losses.iter().flat_map(|loss| replicas.all.iter().map(move |replica| (loss, replica)));
    // Each caller says when its last call that passed was begun.
    let callers = callers.map(async |(loss, replica)| {
        let (mut last, mut refused) = (begun, 0);
        while !is_over.load(SeqCst) {
            let begin = Instant::now();
            let answer = replica.post("/v1/chat/completions", &loss.key, body.clone()).await;
            match answer.status.as_u16() {
                200 => (last, refused) = (begin, 0),
                401 | 403 | 429 => refused += 1,
                other => panic!("{}: {other}: {}", loss.name, answer.text),
            }
            // Who is refused for good leaves the machine to the others.
            tokio::time::sleep(Duration::from_millis(refused.min(20))).await;
            assert!(begun.elapsed() < PATIENCE, "{}: calls still pass", loss.name);
        }
        last
    });
    let changes = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut answered = Vec::new();
        for Loss { change: (method, path, body), .. } in &losses {
            ask(&replicas.all[1], method.clone(), path, body).await;
            answered.push(Instant::now());
        }
        // Longer than any of them may take, so that a call that still passes is seen.
        tokio::time::sleep(ALLOWED + QUIET).await;
        is_over.store(true, SeqCst);
        answered
    };
    let (last, answered) = tokio::join!(join_all(callers), changes);
    for ((loss, last), answered) in losses.iter().zip(last.chunks(replicas.all.len())).zip(answered) {
        let late: Vec<Duration> = last.iter().map(|last| last.saturating_duration_since(answered)).collect();
        println!("{}: last calls {late:?} after the answer", loss.name);
        assert!(last.iter().all(|last| *last > begun), "{}: nobody called before", loss.name);
        assert!(late.iter().all(|late| *late < ALLOWED), "{}: a call passed {late:?} after it", loss.name);
    }
}

async fn start(upstream: &Upstream) -> Replicas {
    let config = format!(
        r#"
        admin_key = "{ADMIN}"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    );
    Replicas::start("30s", &config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_dead_on_every_replica_within_a_second() {
    let upstream = Upstream::start(|seen: &Seen| openai::echo(&seen.json(), &["a"], 5)).await;
    last_calls(&start(&upstream).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_while_redis_is_away() {
    let upstream = Upstream::start(|seen: &Seen| openai::echo(&seen.json(), &["a"], 5)).await;
    let mut replicas = start(&upstream).await;
    replicas.redis.stop();
    replicas.stand(Standing::Apart).await;
    last_calls(&replicas).await;
}
