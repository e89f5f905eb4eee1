use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use llm_core::{Meter, NanoUsd, Protocol, Usage};
use serde_json::{Value, json};

use super::*;
use crate::Gateway;
use crate::limits::{Actual, Estimate, Subject};
use crate::record::{CallId, CallStatus, OpenRecord, Outcome};
use crate::served::{Reply, Served};

mod attacks;
mod audit;
mod idempotency;
mod openapi;
mod prices;
mod roles;
mod rotation;
mod two_teams;

const ADMIN: &str = "the-key-of-the-administrator";

/// The administration of a gateway.
struct Server(Served);

impl Deref for Server {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.0
    }
}

impl Server {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(config: &str) -> Self {
        Self::serving(config, |_, admin| admin_router(admin)).await
    }

    /// One with all that is served, LiteLLM's routes included.
    async fn whole(config: &str) -> Self {
        Self::serving(config, surface).await
    }

    async fn serving(config: &str, routes: impl FnOnce(Arc<Gateway>, Arc<Admin>) -> Router) -> Self {
        // A provider of its own, so that no key of the environment is used.
        let config =
            format!("{config}\n[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"");
        Self(Served::open(&config, ADMIN, routes).await)
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Some(ADMIN), "GET", path, Body::empty()).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Some(ADMIN), "POST", path, body.to_string()).await
    }

    /// A key made over the API: its id and its secret.
    async fn key(&self, draft: Value) -> (String, String) {
        let made = self.post("/api/v1/keys", draft).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let text = |member: &str| made.json()[member].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    }

    /// Records a call of `key` that cost `cents`.
    async fn record(&self, key: &str, model: &str, cents: i64) -> CallId {
        self.record_call(key, None, None, model, cents).await
    }

    /// Records a call of `key`, of a team and a user.
    async fn record_of(&self, key: &str, team: Option<&str>, user: Option<&str>) -> CallId {
        self.record_call(key, team, user, "fast", 1).await
    }

    async fn record_call(&self, key: &str, team: Option<&str>, user: Option<&str>, model: &str, cents: i64) -> CallId {
        let created_at = Timestamp::now();
        let id = CallId::new(created_at);
        let entry = self
            .gateway
            .journal
            .open(OpenRecord {
                id,
                created_at,
                key: key.into(),
                team: team.map(Into::into),
                user: user.map(Into::into),
                organization: None,
                end_user: None,
                tags: Vec::new(),
                operation: "chat".into(),
                protocol: Protocol::OpenAiChat,
                model: model.into(),
                provider: Some("openai".into()),
                deployment: Some("openai:gpt-4o".into()),
                stream: false,
                reserved: Estimate::default(),
                objects: Vec::new(),
                parked: false,
                attempts: Vec::new(),
                charges: Vec::new(),
            })
            .unwrap();
        let outcome = Outcome {
            status: CallStatus::Ok,
            http_status: Some(200),
            usage: Usage::default().with(Meter::Input, 10).with(Meter::Output, 5),
            cost_usd: Some(NanoUsd(cents * 10_000_000)),
            ..Outcome::default()
        };
        entry.close(outcome).unwrap();
        self.gateway.flush().await.unwrap();
        id
    }
}

#[tokio::test]
async fn a_key_is_made_shown_changed_and_deleted() {
    let server = Server::new().await;
    server.post("/api/v1/teams", json!({"name": "search"})).await;
    let made = server
        .post(
            "/api/v1/keys",
            json!({
                "name": "ci", "team": "search", "models": ["openai:*", "fast"], "expires_at": "2099-01-01T00:00:00Z",
                "limits": [{"meter": "spend", "window": "month", "amount": "25.00"}, {"meter": "requests", "window": "minute", "amount": 60}],
                "tags": ["batch"], "metadata": {},
            }),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.headers["cache-control"], "no-store");
    let made = made.json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(secret.starts_with("sk-") && secret.len() == 46 && secret.starts_with(made["prefix"].as_str().unwrap()));
    assert!(made["created_at"].as_str().unwrap().ends_with('Z'));

    let shown = server.get(&format!("/api/v1/keys/{id}")).await;
    assert!(!shown.text.contains(secret));
    let shown = shown.json();
    assert_eq!(shown["name"], "ci");
    assert_eq!(shown["models"], json!(["openai:*", "fast"]));
    assert_eq!(shown["expires_at"], "2099-01-01T00:00:00Z");
    assert!(shown["team"].as_str().unwrap().starts_with("team_"));
    let spend = &shown["limits"][0];
    let expected =
        json!({"meter": "spend", "window": "month", "amount": "25", "used": "0", "reserved": "0", "remaining": "25"});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&spend[member], value, "{member} of {spend}");
    }

    let blocked = server.send(Some(ADMIN), "PATCH", &format!("/api/v1/keys/{id}"), r#"{"blocked":true}"#).await;
    assert_eq!((blocked.status, &blocked.json()["blocked"]), (StatusCode::OK, &json!(true)));
    assert_eq!(server.send(Some(secret), "GET", "/api/v1/keys/me", "").await.refused(), (403, "key_blocked".into()));
    assert_eq!(server.get("/api/v1/keys?blocked=true").await.json()["data"][0]["id"], id);
    assert_eq!(server.get("/api/v1/keys?blocked=false").await.json()["data"], json!([]));

    let gone = server.send(Some(ADMIN), "DELETE", &format!("/api/v1/keys/{id}"), "").await;
    assert_eq!(gone.json(), json!({"id": id, "deleted": true}));
    assert_eq!(server.get(&format!("/api/v1/keys/{id}")).await.refused(), (404, "not_found".into()));
    assert_eq!(
        server.send(Some(secret), "GET", "/api/v1/keys/me", "").await.refused(),
        (401, "invalid_api_key".into())
    );
}

#[tokio::test]
async fn nothing_can_be_set_that_is_not_meant_to_be() {
    let server = Server::new().await;
    let (id, _) = server.key(json!({"name": "a"})).await;
    for member in
        ["id", "key", "hash", "prefix", "created_at", "blocked", "default_limits", "keep_defaults", "organization"]
    {
        let refused = server.post("/api/v1/keys", json!({"name": "b", member: "x"})).await;
        assert_eq!(refused.refused(), (400, "invalid_request".into()), "{member}");
        assert_eq!(refused.json()["error"]["param"], member);
    }
    for member in ["id", "key", "hash", "role", "created_at", "default_limits", "keep_defaults"] {
        let path = format!("/api/v1/keys/{id}");
        let refused = server.send(Some(ADMIN), "PATCH", &path, json!({member: "x"}).to_string()).await;
        assert_eq!(refused.refused(), (400, "invalid_request".into()), "{member}");
    }
    let own_scope = json!({"name": "b", "limits": [{"scope": {"kind": "team", "id": "x"}, "meter": "requests", "window": "minute", "amount": 1}]});
    assert_eq!(server.post("/api/v1/keys", own_scope).await.refused().0, 400);
    assert_eq!(server.get("/api/v1/keys").await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_route_keeps_to_its_rule() {
    let server = Server::new().await;
    let (_, key) = server.key(json!({"name": "a"})).await;
    for (method, path, rule) in ADMIN_ROUTES {
        let path = filled(path, "x");
        let send = |key: Option<&'static str>| server.send(key, method, &path, "{}");
        let anonymous = send(None).await;
        let stranger = send(Some("sk-nobody")).await;
        let with_key = server.send(Some(&key), method, &path, "{}").await;
        let administrator = send(Some(ADMIN)).await;
        // What is matched must exist: no other answer of these routes is a bare 404 or 405.
        assert_ne!(administrator.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(!administrator.text.is_empty(), "{method} {path}");
        match rule {
            Rule::Open => assert_eq!(anonymous.status, StatusCode::OK, "{method} {path}"),
            // Without a login there is nothing there.
            Rule::Login => assert_eq!(anonymous.refused(), (404, "not_found".into()), "{method} {path}"),
            _ => {
                assert_eq!(anonymous.refused(), (401, "invalid_api_key".into()), "{method} {path}");
                assert_eq!(stranger.refused(), (401, "invalid_api_key".into()), "{method} {path}");
            }
        }
        let (admitted, refused) = match rule {
            Rule::Open | Rule::Login => continue,
            Rule::Key => (with_key, administrator),
            _ => (administrator, with_key),
        };
        assert!(!matches!(admitted.status.as_u16(), 401 | 403), "{method} {path}: {}", admitted.text);
        assert_eq!(refused.refused(), (403, "permission_denied".into()), "{method} {path}");
    }
}

/// A route's path with `text` for every variable.
fn filled(path: &str, text: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { text.to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_key_is_presented_in_every_way_that_calls_are_made_with() {
    let server = Server::new().await;
    let (_, secret) = server.key(json!({"name": "a"})).await;
    let ask = async |path: &str, header: Option<(&str, &str)>| {
        let mut request = Request::get(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        server.request(request.body(Body::empty()).unwrap()).await
    };
    for (path, key) in [("/api/v1/keys/me", secret.as_str()), ("/api/v1/keys", ADMIN)] {
        for name in ["x-api-key", "api-key", "x-goog-api-key"] {
            assert_eq!(ask(path, Some((name, key))).await.status, StatusCode::OK, "{path} {name}");
        }
        let bearer = format!("bearer {key}");
        assert_eq!(ask(path, Some(("authorization", &bearer))).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(ask(&format!("/api/v1/keys/me?key={secret}"), None).await.status, StatusCode::OK);
    // What stands in a query is written down on the way, so nothing is administered so.
    for path in [format!("/api/v1/keys?key={ADMIN}"), format!("/api/v1/me?key={ADMIN}")] {
        let refused = ask(&path, None).await;
        assert_eq!(refused.refused(), (401, "invalid_api_key".into()), "{path}");
        assert!(refused.told().1.contains("Authorization: Bearer"), "{}", refused.text);
    }
    let nobody = ask("/api/v1/keys/me", None).await;
    assert_eq!(nobody.told(), ask("/api/v1/keys", None).await.told());
}

#[tokio::test]
async fn a_path_that_only_looks_like_another_opens_nothing() {
    let server = Server::new().await;
    for path in [
        "/api/v1/keys/me/../x",
        "/healthz/../api/v1/keys",
        "//api/v1/keys",
        "/api/v1/keys/",
        "/API/v1/keys",
        "/api/v1/keys/%6de",
    ] {
        let reply = server.send(None, "GET", path, "").await;
        assert!(matches!(reply.status.as_u16(), 401 | 404), "{path}: {}", reply.status);
    }
    let request = Request::get("/api/v1/keys").header("host", "localhost/healthz").body(Body::empty()).unwrap();
    assert_eq!(server.request(request).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_administrator_may_send_the_key_in_either_header_and_not_in_the_query() {
    let server = Server::new().await;
    let with = |name: &str, value: &str| Request::get("/api/v1/keys").header(name, value).body(Body::empty()).unwrap();
    assert_eq!(server.request(with("x-api-key", ADMIN)).await.status, StatusCode::OK);
    assert_eq!(server.request(with("authorization", &format!("bearer {ADMIN}"))).await.status, StatusCode::OK);
    assert_eq!(server.request(with("authorization", &format!("Basic {ADMIN}"))).await.status, StatusCode::UNAUTHORIZED);
    let path = format!("/api/v1/keys?key={ADMIN}");
    assert_eq!(server.send(None, "GET", &path, "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bodies_that_can_not_be_read_are_refused_by_name() {
    let server = Server::new().await;
    let post = |body: String| server.send(Some(ADMIN), "POST", "/api/v1/keys", body);
    for body in [
        "",
        "null",
        "[]",
        "{",
        "{\"name\": 1}",
        "{\"name\":\"a\",\"limits\":[{\"meter\":\"spend\",\"window\":\"month\",\"amount\":25}]}",
    ] {
        assert_eq!(post(body.to_owned()).await.refused(), (400, "invalid_request".into()), "{body}");
    }
    assert_eq!(
        post(format!("{{\"name\":\"{}\"}}", "a".repeat(2 << 20))).await.refused(),
        (413, "request_too_large".into())
    );
    assert_eq!(post("[".repeat(100_000)).await.refused().0, 400);
    let missing = post("{}".to_owned()).await;
    assert_eq!(missing.json()["error"]["param"], "name");
}

#[tokio::test]
async fn a_key_sees_what_it_has_left() {
    let server = Server::with("[limits.defaults]\nrequests = \"60/minute\"").await;
    let team = server
        .post("/api/v1/teams", json!({"name": "t", "limits": [{"meter": "spend", "window": "total", "amount": "2"}]}))
        .await;
    let team = team.json()["id"].as_str().unwrap().to_owned();
    let (id, key) = server.key(json!({"name": "a", "team": "t"})).await;
    let now = Timestamp::now().as_millisecond();
    let subject = Subject { key: &id, team: Some(&team), ..Subject::default() };
    let half = Estimate { spend: Some(NanoUsd(500_000_000)), ..Estimate::default() };
    let held = server.gateway.ledger.reserve(now, &subject, &half).unwrap();
    held.settle(&Actual { spend: half.spend, ..Actual::default() });

    let me = server.send(Some(&key), "GET", "/api/v1/keys/me", "").await.json();
    assert_eq!((&me["id"], &me["name"]), (&json!(id), &json!("a")));
    assert_eq!((&me["limits"][0]["used"], &me["limits"][0]["remaining"]), (&json!(1), &json!(59)));
    let shared = &me["team_limits"][0];
    assert_eq!((&shared["used"], &shared["remaining"]), (&json!("0.5"), &json!("1.5")));
}

#[tokio::test]
async fn a_key_without_limits_sees_what_it_has_spent() {
    let server = Server::new().await;
    let (id, key) = server.key(json!({"name": "free", "limits": []})).await;
    let me = || async { server.send(Some(&key), "GET", "/api/v1/keys/me", "").await.json() };
    let spend = |calls: i64, input: i64, output: i64, cost: &str| json!({"calls": calls, "errors": 0, "input_tokens": input, "output_tokens": output, "cost_usd": cost});
    assert_eq!((&me().await["limits"], &me().await["spend"]), (&json!([]), &spend(0, 0, 0, "0")));
    server.record(&id, "fast", 3).await;
    server.record(&id, "slow", 4).await;
    server.record("key_of_another", "fast", 500).await;
    assert_eq!(me().await["spend"], spend(2, 20, 10, "0.07"));
}

#[tokio::test]
async fn limits_are_made_listed_and_deleted() {
    let server = Server::new().await;
    let (id, _) = server.key(json!({"name": "a", "limits": []})).await;
    let draft = json!({"scope": {"kind": "key", "id": id}, "meter": "spend", "window": "month", "amount": "25.00"});
    let made = server.post("/api/v1/limits", draft.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let limit = made.json()["id"].as_str().unwrap().to_owned();
    let listed = server.get(&format!("/api/v1/limits?scope=key&id={id}")).await.json();
    assert_eq!(listed["data"], json!([made.json()]));
    assert_eq!(server.get("/api/v1/limits?scope=team").await.json()["data"], json!([]));
    assert_eq!(server.get(&format!("/api/v1/keys/{id}")).await.json()["limits"][0]["id"], limit.as_str());

    let gone = server.send(Some(ADMIN), "DELETE", &format!("/api/v1/limits/{limit}"), "").await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(server.get(&format!("/api/v1/limits/{limit}")).await.refused().0, 404);
    assert!(server.gateway.ledger.is_empty());

    let with = |member: &str, value: Value| {
        let mut draft = draft.clone();
        draft[member] = value;
        draft
    };
    assert_eq!(
        server.post("/api/v1/limits", with("scope", json!({"kind": "key", "id": "key_no"}))).await.refused().0,
        404
    );
    assert_eq!(
        server.post("/api/v1/limits", with("scope", json!({"kind": "user", "id": "u"}))).await.refused(),
        (404, "not_found".into())
    );
    assert_eq!(server.post("/api/v1/limits", with("window", json!("fortnight"))).await.refused().0, 400);
    assert_eq!(server.post("/api/v1/limits", with("used", json!("0"))).await.refused().0, 400);
}

#[tokio::test]
async fn teams_are_made_once_and_found_by_name() {
    let server = Server::new().await;
    let made = server.post("/api/v1/teams", json!({"name": "search", "models": ["fast"]})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(server.post("/api/v1/teams", json!({"name": "search"})).await.refused(), (409, "conflict".into()));
    assert_eq!(server.get("/api/v1/teams/search").await.json(), made.json());
    assert_eq!(server.get("/api/v1/teams").await.json()["data"], json!([made.json()]));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = Server::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        server.key(json!({"name": name})).await;
    }
    let (mut names, mut cursor, mut pages) = (String::new(), None, 0);
    loop {
        let path = cursor.map_or("/api/v1/keys?limit=2".to_owned(), |cursor: String| {
            format!("/api/v1/keys?limit=2&cursor={cursor}")
        });
        let page = server.get(&path).await.json();
        names.extend(page["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()));
        pages += 1;
        match &page["next_cursor"] {
            Value::Null => break,
            next => cursor = Some(next.as_str().unwrap().to_owned()),
        }
    }
    assert_eq!((names.as_str(), pages), ("edcba", 3));
    for limit in ["0", "501", "-1", "x"] {
        assert_eq!(server.get(&format!("/api/v1/keys?limit={limit}")).await.refused().0, 400, "{limit}");
    }
    assert_eq!(server.get("/api/v1/keys?limit=500").await.status, StatusCode::OK);
    assert_eq!(server.get("/api/v1/keys?colour=red").await.refused().0, 400);
}

#[tokio::test]
async fn calls_and_sums_are_read() {
    let server = Server::new().await;
    let first = server.record("key_a", "fast", 1).await;
    server.record("key_b", "=slow,\"er", 2).await;

    let calls = server.get("/api/v1/calls").await.json();
    assert_eq!(calls["data"].as_array().unwrap().len(), 2);
    assert_eq!(calls["data"][1]["id"], first.to_string(), "newest first");
    let call = server.get(&format!("/api/v1/calls/{first}")).await.json();
    assert_eq!((&call["cost_usd"], &call["usage"]), (&json!("0.01"), &json!({"input": 10, "output": 5})));
    assert_eq!(server.get("/api/v1/calls?key=key_b").await.json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/api/v1/calls?status=error").await.json()["data"], json!([]));
    assert_eq!(server.get("/api/v1/calls?status=odd").await.refused().0, 400);
    assert_eq!(server.get("/api/v1/calls/nothing").await.refused().0, 404);

    let total = server.get("/api/v1/usage").await.json();
    assert_eq!(
        total["data"],
        json!([{"calls": 2, "errors": 0, "input_tokens": 20, "output_tokens": 10, "cost_usd": "0.03"}])
    );
    let csv = server.get("/api/v1/usage?group_by=key,model&format=csv").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let expected = "key,model,calls,errors,input_tokens,output_tokens,cost_usd\r\n\
        key_a,fast,1,0,10,5,0.01\r\n\
        key_b,\"'=slow,\"\"er\",1,0,10,5,0.02\r\n";
    assert_eq!(csv.text, expected);
    let accepted =
        Request::get("/api/v1/usage").header("x-api-key", ADMIN).header("accept", "text/csv").body(Body::empty());
    assert!(server.request(accepted.unwrap()).await.text.starts_with("calls,errors"));
    assert_eq!(server.get("/api/v1/usage?group_by=colour").await.refused().0, 400);
}

#[tokio::test]
async fn health_is_told_to_anyone_and_tells_little() {
    let server = Server::new().await;
    let alive = server.send(None, "GET", "/healthz", "").await.json();
    assert_eq!(alive["status"], "ok");
    assert_eq!(
        server.send(None, "GET", "/readyz", "").await.json(),
        json!({"status": "ready", "journal": "ok", "database": "ok"})
    );

    server.gateway.db.close().await;
    let degraded = tokio::time::timeout(Duration::from_secs(5), server.send(None, "GET", "/readyz", "")).await.unwrap();
    assert_eq!((degraded.status, &degraded.json()["status"]), (StatusCode::OK, &json!("degraded")));
    let failed = server.get("/api/v1/calls").await;
    assert_eq!(failed.refused(), (500, "internal_error".into()));
    assert!(!failed.text.to_lowercase().contains("sql") && !failed.text.contains("pool"), "{}", failed.text);
}

#[tokio::test]
async fn without_the_counters_that_replicas_share_calls_are_taken_and_it_is_said() {
    // Nothing listens there.
    let server = Server::with("redis = \"redis://127.0.0.1:9\"").await;
    let reply = server.send(None, "GET", "/readyz", "").await;
    assert_eq!(reply.status, StatusCode::OK);
    let told = json!({"status": "degraded", "journal": "ok", "database": "ok", "shared_limits": "unavailable"});
    assert_eq!(reply.json(), told);
}

#[tokio::test]
async fn what_is_served_is_shown_without_its_credentials() {
    let server = Server::with(
        "[[models]]\nname = \"fast\"\nfallbacks = [\"local:big\"]\ndeployments = [{ model = \"local:small\", api_key = \"hunter2\" }]",
    )
    .await;
    let models = server.get("/api/v1/models").await;
    assert_eq!(models.json()["data"][0]["deployments"], json!(["local:small"]));
    let deployments = server.get("/api/v1/deployments").await;
    let shown = &deployments.json()["data"][0];
    assert_eq!(
        (&shown["id"], &shown["name"], &shown["healthy"]),
        (&json!("local:small"), &json!("fast"), &json!(true))
    );
    assert_eq!((&shown["priced"], &shown["in_flight"]), (&json!(false), &json!(0)));
    assert!(!models.text.contains("hunter2") && !deployments.text.contains("hunter2"));
    assert_eq!(
        server.send(Some(ADMIN), Method::POST.as_str(), "/api/v1/models", "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
