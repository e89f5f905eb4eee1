//! `llm usage`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::command::llm;
use crate::server::Server;

fn key() -> Value {
    let limit = |meter: &str, window: &str, amount: Value, used: Value, left: Value| {
        json!({"id": "lim_1", "scope": {"kind": "key", "id": "key_1"}, "meter": meter, "window": window,
            "amount": amount, "used": used, "reserved": "0", "remaining": left, "resets_at": "2026-12-01T00:00:00Z"})
    };
    let mut shared = limit("spend", "total", json!("100"), json!("12.5"), json!("87.5"));
    shared["scope"] = json!({"kind": "team", "id": "team_1"});
    shared["models"] = json!(["openai:*"]);
    shared["resets_at"] = Value::Null;
    let mut ours = limit("spend", "year", json!("900"), json!("88"), json!("812"));
    ours["scope"] = json!({"kind": "organization", "id": "org_1"});
    json!({"id": "key_1", "name": "ci", "prefix": "sk-ab", "limits": [
        limit("spend", "month", json!("25.00"), json!("3.2"), json!("21.8")),
        limit("requests", "minute", json!(60), json!(1), json!(59)),
    ], "user_limits": [], "team_limits": [shared], "organization_limits": [ours],
        "spend": {"calls": 41, "errors": 1, "input_tokens": 900, "output_tokens": 700, "cost_usd": "15.7"}})
}

#[test]
fn a_key_is_told_what_it_has_left() {
    let server = Server::json(200, &key());
    let outcome = llm(&["usage"]).env("LLM_GATEWAY_URL", server.url("sk-gateway@")).run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    spent: 15.7 USD in 41 calls since it was made
    limit                of              amount  used  reserved  left  resets
    spend per month      key             25.00   3.2   0         21.8  2026-12-01T00:00:00Z
    requests per minute  key             60      1     0         59    2026-12-01T00:00:00Z
    spend                team, openai:*  100     12.5  0         87.5  -
    spend per year       organization    900     88    0         812   2026-12-01T00:00:00Z
    --- stderr
    key: ci (sk-ab…)
    ---
    "#);
    let head = server.request().head;
    assert!(head.starts_with("GET /api/v1/keys/me "), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sk-gateway"), "{head}");
}

#[test]
fn usage_as_json() {
    let server = Server::json(200, &key());
    let outcome = llm(&["usage", "--json"]).env("LLM_GATEWAY_URL", server.url("sk-gateway@")).run();
    assert_eq!(serde_json::from_str::<Value>(&outcome.stdout).unwrap(), key());
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_key_without_limits_is_told_so() {
    let server = Server::json(200, &json!({"id": "k", "name": "ci", "prefix": "sk-ab", "limits": []}));
    assert_snapshot!(llm(&["usage"]).env("LLM_GATEWAY_URL", server.url("sk-gateway@")).run(), @r#"
    status: 0
    --- stdout
    --- stderr
    key: ci (sk-ab…)
    note: the gateway can't say at the moment what the key has spent
    note: the key has no limits
    ---
    "#);
}

#[test]
fn without_a_gateway_nobody_can_be_asked() {
    assert_snapshot!(llm(&["usage"]).env("OPENAI_API_KEY", "sk-test").run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: there is no gateway to ask, and providers don't say what a key has left
    hint: set `LLM_GATEWAY_URL`; what one call costs is said by `--show-usage`
    ---
    "#);
}

#[test]
fn a_wrong_key_is_told_so() {
    let server = Server::json(
        401,
        &json!({"error": {"message": "the key is not known", "type": "authentication_error", "code": "invalid_api_key"}}),
    );
    assert_snapshot!(llm(&["usage"]).env("LLM_GATEWAY_URL", server.url("sk-wrong@")).run(), @r#"
    status: 1
    --- stdout
    --- stderr
    error: the key is not known
    ---
    "#);
}
