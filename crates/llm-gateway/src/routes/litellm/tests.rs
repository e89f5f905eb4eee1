use std::collections::BTreeMap;
use std::ops::Deref;

use axum::body::Body;
use http::Request;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::keys::KeyHash;
use crate::served::Served;
use crate::store::{SumGroup, SumTotals, add_history};
use crate::testing;

const MASTER: &str = "sk-the-master-key-of-a-test";

struct Server(Served);

impl Deref for Server {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.0
    }
}

impl Server {
    async fn new() -> Self {
        let config = "[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
                      [[models]]\nname = \"fast\"\ndeployments = [{ model = \"local:small\" }]";
        Self(Served::open(config, MASTER, crate::routes::surface).await)
    }

    async fn send(
        &self,
        key: Option<&str>,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> (u16, serde_json::Value) {
        let reply = self.0.send(key, method, path, body).await;
        (reply.status.as_u16(), reply.json())
    }

    /// Asks as the administrator, and is answered.
    async fn post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let (status, answer) = self.send(Some(MASTER), "POST", path, body.to_string()).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn get(&self, path: &str) -> serde_json::Value {
        let (status, answer) = self.send(Some(MASTER), "GET", path, Body::empty()).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Asks as the administrator, and is refused: the status, and the member that is to blame.
    async fn refused(&self, path: &str, body: &str) -> (u16, String) {
        let (status, answer) = self.send(Some(MASTER), "POST", path, body.to_owned()).await;
        let error = envelope(status, &answer);
        (status, error["param"].as_str().unwrap_or_default().to_owned())
    }
}

/// LiteLLM's envelope, which must be whole.
fn envelope(status: u16, answer: &serde_json::Value) -> serde_json::Value {
    let error = &answer["error"];
    let members: Vec<&String> = error.as_object().unwrap_or_else(|| panic!("{answer}")).keys().collect();
    assert_eq!(members, ["message", "type", "param", "code"], "{answer}");
    assert_eq!(error["code"], status.to_string());
    error.clone()
}

#[tokio::test]
async fn every_route_of_the_table_is_served_and_asks_who_is_there() {
    let server = Server::new().await;
    for (method, path, metering) in LITELLM_ROUTES {
        assert_eq!(*metering, Metering::Local);
        let path = path.replace("{key}", "x");
        let (status, answer) = server.send(None, method, &path, "").await;
        if path.starts_with("/health/") {
            assert_eq!(status, 200, "{path}: {answer}");
        } else {
            assert_eq!(status, 401, "{method} {path}: {answer}");
            assert_eq!(envelope(status, &answer)["type"], "auth_error");
            let (status, _) = server.send(Some("sk-nobodys"), method, &path, "{").await;
            assert_eq!(status, 401, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_script_makes_changes_and_deletes_a_key() {
    let server = Server::new().await;
    let team = server
        .post("/team/new", json!({"team_alias": "search", "max_budget": 100, "budget_duration": "30d", "models": []}))
        .await;
    assert_eq!(
        (&team["max_budget"], &team["budget_duration"], &team["models"]),
        (&json!(100), &json!("30d"), &json!([]))
    );
    let user = server
        .post("/user/new", json!({"user_id": "ada", "user_email": "ada@example.org", "teams": [team["team_id"]]}))
        .await;
    assert_eq!((&user["user_id"], &user["user_role"]), (&json!("ada"), &json!("internal_user")));
    assert!(user["key"].as_str().unwrap().starts_with("sk-"));

    // What LiteLLM's own client sends, empty members and all.
    let made = server
        .post(
            "/key/generate",
            json!({"key_alias": "ci", "team_id": team["team_id"], "user_id": "ada", "models": ["fast"], "duration": "30d",
                   "max_budget": 12.5, "soft_budget": 10, "budget_duration": "1d", "tpm_limit": 1000, "rpm_limit": 60,
                   "max_parallel_requests": 4, "metadata": {"owner": "x"}, "tags": ["batch"], "aliases": {}, "config": {},
                   "permissions": {}, "spend": 0, "guardrails": [], "send_invite_email": false, "key_type": "default",
                   "model_max_budget": {"fast": {"budget_limit": 3, "time_period": "30d"}}, "blocked": null}),
        )
        .await;
    let secret = made["key"].as_str().unwrap().to_owned();
    assert_eq!((&made["max_budget"], &made["rpm_limit"], &made["user_id"]), (&json!(12.5), &json!(60), &json!("ada")));
    assert_eq!(made["metadata"], json!({"owner": "x", "tags": ["batch"]}));
    let key = server.gateway.keys().authenticate(&secret, Timestamp::now()).unwrap();
    let mut limits: Vec<String> =
        server.gateway.keys().limits_of(&key.scope()).iter().map(|limit| limit.spec.to_string()).collect();
    limits.sort();
    assert_eq!(
        limits,
        ["concurrency=4", "requests=60/minute", "spend=12.5/day", "spend=3/month", "tokens=1000/minute"]
    );

    let hash = KeyHash::of(&secret).to_string();
    for named in [&secret, &hash, &made["token"].as_str().unwrap().to_owned()] {
        let info = server.get(&format!("/key/info?key={named}")).await;
        assert_eq!((&info["key"], &info["info"]["key_alias"]), (&json!(named), &json!("ci")));
        assert_eq!(info["info"]["model_max_budget"]["fast"], json!({"budget_limit": 3, "time_period": "30d"}));
    }
    let (status, own) = server.send(Some(&secret), "GET", "/key/info", "").await;
    assert_eq!((status, &own["info"]["key_alias"]), (200, &json!("ci")));

    // Only what is said changes.
    let changed = server.post("/key/update", json!({"key": secret, "max_budget": 20, "rpm_limit": null})).await;
    assert_eq!((&changed["max_budget"], &changed["budget_duration"]), (&json!(20), &json!("1d")));
    assert_eq!((&changed["rpm_limit"], &changed["tpm_limit"]), (&json!(null), &json!(1000)));

    server.post("/key/block", json!({"key": hash})).await;
    assert!(server.gateway.keys().authenticate(&secret, Timestamp::now()).is_err());
    assert_eq!(server.post("/key/unblock", json!({"key": hash})).await["blocked"], json!(false));
    let again = server.post(&format!("/key/{secret}/regenerate"), json!({"grace_period": "1h"})).await;
    let newer = again["key"].as_str().unwrap();
    assert!(server.gateway.keys().authenticate(newer, Timestamp::now()).is_ok());
    assert!(server.gateway.keys().authenticate(&secret, Timestamp::now()).is_ok(), "good for an hour more");

    let list = server.get(&format!("/key/list?team_id={}&size=1", team["team_id"].as_str().unwrap())).await;
    assert_eq!((&list["total_count"], &list["total_pages"], &list["current_page"]), (&json!(1), &json!(1), &json!(1)));
    let info = server.get("/user/info?user_id=ada").await;
    assert_eq!((info["keys"].as_array().unwrap().len(), &info["teams"][0]["team_alias"]), (2, &json!("search")));
    let members = server.get(&format!("/team/info?team_id={}", team["team_id"].as_str().unwrap())).await;
    assert_eq!(members["team_info"]["members_with_roles"], json!([{"user_id": "ada", "role": "user"}]));

    assert_eq!(server.post("/key/delete", json!({"keys": [newer]})).await, json!({"deleted_keys": [newer]}));
    assert!(server.gateway.keys().authenticate(newer, Timestamp::now()).is_err());
}

#[tokio::test]
async fn no_secret_stands_in_the_database_though_its_request_is_named() {
    let server = Server::new().await;
    // What our own administration is asked in process keeps nothing, and so does whoever retries under a name.
    let ask = async |path: &str, body: serde_json::Value| {
        let request = Request::post(path).header("authorization", format!("Bearer {MASTER}"));
        let request = request.header("idempotency-key", "once").body(Body::from(body.to_string())).unwrap();
        server.request(request).await.json()["key"].as_str().unwrap().to_owned()
    };
    let first = ask("/key/generate", json!({"key_alias": "ci"})).await;
    let secrets = [
        ask("/key/generate", json!({"key_alias": "ci"})).await,
        ask("/user/new", json!({"user_id": "ada"})).await,
        ask(&format!("/key/{first}/regenerate"), json!({"grace_period": "1h"})).await,
        first,
    ];
    let everything = testing::everything_in(&server.gateway.db).await;
    for secret in &secrets {
        assert!(everything.contains(&KeyHash::of(secret).to_string()), "the key itself is there");
        assert!(!everything.contains(&**secret), "a secret is in the database");
    }
    assert!(!everything.contains(MASTER));
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let server = Server::new().await;
    for (path, body, status, param) in [
        ("/key/generate", r#"{"aliases": {"gpt-4": "fast"}}"#, 400, "aliases"),
        ("/key/generate", r#"{"guardrails": ["pii"]}"#, 400, "guardrails"),
        ("/key/generate", r#"{"key": "sk-chosen"}"#, 400, "key"),
        ("/key/generate", r#"{"role": "administrator"}"#, 400, "role"),
        ("/key/generate", r#"{"budget_duration": "14d", "max_budget": 1}"#, 400, "budget_duration"),
        ("/key/generate", r#"{"max_budget": "much"}"#, 400, "max_budget"),
        ("/key/generate", r#"{"max_budget": -1}"#, 400, "max_budget"),
        ("/key/generate", r#"{"team_id": "nowhere"}"#, 400, "team"),
        ("/key/generate", r#"[]"#, 400, "body"),
        ("/key/generate", r#"{"a""#, 400, "body"),
        ("/key/update", r#"{"max_budget": 1}"#, 400, "key"),
        ("/key/update", r#"{"key": "sk-nobodys"}"#, 404, "key"),
        ("/team/new", r#"{"team_alias": "a", "model_aliases": {"x": "y"}}"#, 400, "model_aliases"),
        ("/user/new", r#"{"user_id": "x", "user_role": "org_admin"}"#, 400, "user_role"),
        ("/budget/new", r#"{"budget_id": "b"}"#, 400, "max_budget"),
        ("/key/generate", r#"{"budget_id": "nowhere"}"#, 404, ""),
    ] {
        assert_eq!(server.refused(path, body).await, (status, param.to_owned()), "{path} {body}");
    }
    let deep = format!("{{\"metadata\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(server.refused("/key/generate", &deep).await.0, 400);
    assert!(server.gateway.keys().is_empty(), "nothing was made on the way");
}

#[tokio::test]
async fn keys_that_name_a_budget_follow_it() {
    let server = Server::new().await;
    let budget = json!({"budget_id": "small", "max_budget": 5, "budget_duration": "1d", "rpm_limit": 10});
    let made = server.post("/budget/new", budget.clone()).await;
    assert_eq!((&made["budget_id"], &made["max_budget"], &made["rpm_limit"]), (&json!("small"), &json!(5), &json!(10)));
    assert_eq!(server.refused("/budget/new", &budget.to_string()).await, (400, "budget_id".to_owned()));
    let key =
        server.post("/key/generate", json!({"budget_id": "small", "rpm_limit": 20, "metadata": {"owner": "x"}})).await;
    let limits = |key: &serde_json::Value| {
        let key = server.gateway.keys().authenticate(key["key"].as_str().unwrap(), Timestamp::now()).unwrap();
        let mut limits: Vec<String> =
            server.gateway.keys().limits_of(&key.scope()).iter().map(|limit| limit.spec.to_string()).collect();
        limits.sort();
        limits
    };
    assert_eq!(limits(&key), ["requests=20/minute", "spend=5/day"]);
    assert_eq!((&key["budget_id"], &key["metadata"]["owner"]), (&json!("small"), &json!("x")));
    server.post("/budget/update", json!({"budget_id": "small", "max_budget": 7.5})).await;
    assert_eq!(limits(&key), ["requests=10/minute", "spend=7.5/day"]);
    assert_eq!(server.get("/budget/list").await.as_array().unwrap().len(), 1);
    let info = server.post("/budget/info", json!({"budgets": ["small"]})).await;
    assert_eq!((&info[0]["max_budget"], &info[0]["budget_duration"]), (&json!(7.5), &json!("1d")));
    server.post("/budget/delete", json!({"id": "small"})).await;
    assert_eq!(server.get("/budget/list").await, json!([]));
    assert_eq!(limits(&key), ["requests=10/minute", "spend=7.5/day"]);
}

#[tokio::test]
async fn a_key_without_a_role_sees_itself_and_changes_nothing() {
    let server = Server::new().await;
    let first = server.post("/key/generate", json!({"key_alias": "a"})).await;
    let other = server.post("/key/generate", json!({"key_alias": "b"})).await;
    let key = first["key"].as_str();
    for (method, path, body) in [
        ("POST", "/key/generate", json!({})),
        ("POST", "/key/update", json!({"key": first["key"], "max_budget": 1000})),
        ("POST", "/key/delete", json!({"keys": [other["key"]]})),
        ("POST", "/team/new", json!({"team_alias": "x"})),
        ("POST", "/user/new", json!({"user_id": "x", "user_role": "proxy_admin"})),
        ("GET", "/key/list", json!(null)),
        ("GET", "/spend/logs", json!(null)),
        ("GET", "/health", json!(null)),
    ] {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = server.send(key, method, path, body).await;
        assert_eq!((status, &envelope(status, &answer)["type"]), (403, &json!("auth_error")), "{path}: {answer}");
    }
    let path = format!("/key/info?key={}", other["key"].as_str().unwrap());
    assert_eq!(server.send(key, "GET", &path, "").await.0, 403);
    let path = format!("/key/info?key={}", first["key"].as_str().unwrap());
    assert_eq!(server.send(key, "GET", &path, "").await.0, 200);
}

#[tokio::test]
async fn a_key_is_presented_in_any_header_of_an_sdk() {
    let server = Server::new().await;
    let made = server.post("/key/generate", json!({"key_alias": "a"})).await;
    let key = made["key"].as_str().unwrap();
    for name in ["x-litellm-api-key", "x-api-key", "api-key", "x-goog-api-key", "authorization"] {
        let value = if name == "authorization" { format!("Bearer {key}") } else { key.to_owned() };
        for path in ["/key/info".to_owned(), format!("/key/info?key={key}")] {
            let request = Request::get(&path).header(name, &value).body(Body::empty()).unwrap();
            let reply = server.request(request).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["info"]["key_alias"]),
                (200, &json!("a")),
                "{name} {path}"
            );
        }
    }
}

#[tokio::test]
async fn spend_and_health_are_told_in_the_form_of_litellm() {
    let server = Server::new().await;
    let team = server.post("/team/new", json!({"team_alias": "search"})).await;
    let made = server.post("/key/generate", json!({"team_id": team["team_id"]})).await;
    let group = |model: &'static str| SumGroup {
        hour: 1_772_359_200_000,
        key: made["token"].as_str().unwrap().to_owned().into(),
        team: team["team_id"].as_str().unwrap().to_owned().into(),
        model: model.into(),
        tags: "[]".into(),
        ..SumGroup::default()
    };
    let sums = |cost| SumTotals { calls: 1, errors: 0, input_tokens: 10, output_tokens: 5, cost };
    let history = BTreeMap::from([(group("fast"), sums(250_000_000)), (group("slow"), sums(1_000_000_000))]);
    let mut tx = server.gateway.db().write().await.unwrap();
    add_history(&mut tx, &BTreeMap::new(), &history).await.unwrap();
    tx.commit().await.unwrap();

    let dates = "start_date=2026-03-01&end_date=2026-03-01";
    let days = server.get(&format!("/spend/logs?{dates}")).await;
    assert_eq!(
        days,
        json!([{"startTime": "2026-03-01", "spend": 1.25, "users": {"": 1.25}, "models": {"fast": 0.25, "slow": 1}}])
    );
    let report = server.get(&format!("/global/spend/report?{dates}")).await;
    assert_eq!(report[0]["group_by_day"], "2026-03-01");
    assert_eq!(
        (&report[0]["teams"][0]["team_name"], &report[0]["teams"][0]["total_spend"]),
        (&json!("search"), &json!(1.25))
    );
    let report = server.get(&format!("/global/spend/report?{dates}&group_by=api_key")).await;
    assert_eq!((&report[0]["api_key"], &report[0]["total_input_tokens"]), (&made["token"], &json!(20)));
    assert_eq!(server.get("/spend/logs").await, json!([]));
    let info = server.get(&format!("/key/info?key={}", made["key"].as_str().unwrap())).await;
    assert_eq!(info["info"]["spend"], json!(1.25));

    let health = server.get("/health").await;
    assert_eq!(
        (&health["healthy_count"], &health["healthy_endpoints"][0]["model"]),
        (&json!(1), &json!("local/small"))
    );
    let models = server.get("/model/info").await;
    assert_eq!(
        (&models["data"][0]["model_name"], &models["data"][0]["model_info"]["id"]),
        (&json!("fast"), &json!("local:small"))
    );
    assert_eq!(server.send(None, "GET", "/health/liveliness", "").await, (200, json!("I'm alive!")));
    assert_eq!(server.send(None, "GET", "/health/readiness", "").await.1["db"], json!("connected"));
}
