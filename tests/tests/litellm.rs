//! Coming from LiteLLM: its file and its database, and then calls with the keys that it gave out.

use llm_core::NanoUsd;
use llm_gateway::litellm::{Plan, Report, import};
use llm_gateway::store::{Db, query};
use llm_gateway::testing;
use llm_tests::live::{TestGateway, Upstream, openai};
use serde_json::json;

/// The few tables and columns that this test needs, after LiteLLM's published schema.
const ROWS: &[&str] = &[
    "CREATE TABLE \"LiteLLM_TeamTable\" (team_id text PRIMARY KEY, team_alias text, models text[], max_budget double \
     precision, spend double precision NOT NULL DEFAULT 0, budget_duration text)",
    "CREATE TABLE \"LiteLLM_VerificationToken\" (token text PRIMARY KEY, key_name text, key_alias text, spend double \
     precision NOT NULL DEFAULT 0, models text[], team_id text, max_budget double precision, budget_duration text, \
     blocked boolean)",
    "INSERT INTO \"LiteLLM_TeamTable\" VALUES ('t-1', 'search', '{fast}', 100, 3, NULL)",
    "INSERT INTO \"LiteLLM_VerificationToken\" VALUES \
     (encode(sha256('sk-given-out'), 'hex'), 'sk-...out', 'prod', 0.5, '{}', 't-1', 1, '30d', NULL), \
     (encode(sha256('sk-spent'), 'hex'), 'sk-...ent', 'spent', 0.9999, '{}', 't-1', 1, '30d', NULL), \
     (encode(sha256('sk-blocked'), 'hex'), 'sk-...ked', 'blocked', 0, '{}', NULL, NULL, NULL, true)",
];

#[tokio::test]
async fn keys_that_litellm_gave_out_call_through_the_gateway() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["Hi", " there"], 10)).await;
    let file = format!(
        "model_list:\n  - model_name: fast\n    litellm_params:\n      model: openai/m-1\n      api_base: {}/v1\n      \
         api_key: sk-of-the-provider\n      input_cost_per_token: 1e-06\n      output_cost_per_token: 0.000002\n  \
         - model_name: slow\n    litellm_params: {{ model: openai/m-2, api_base: {}/v1, api_key: k }}\n",
        upstream.url, upstream.url
    );
    let mut report = Report::default();
    let plan = Plan::read(&file, &mut report).unwrap();
    let gateway = TestGateway::start(&plan.to_toml()).await;
    let folder = tempfile::tempdir().unwrap();
    let litellm = testing::postgres(&folder.path().join("litellm.db"));
    let theirs = Db::open(&litellm).await.unwrap();
    for sql in ROWS {
        query(sql).execute(&theirs).await.unwrap();
    }
    theirs.close().await;
    import(&litellm, gateway.gateway.db(), &plan, false, &mut report).await.unwrap();
    gateway.gateway.keys().refresh().await.unwrap();

    let body = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).to_string();
    let answer = gateway.post("/v1/chat/completions", "sk-given-out", body("fast")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let seen = upstream.last();
    assert_eq!(seen.headers["authorization"], "Bearer sk-of-the-provider");
    assert_eq!((seen.path.as_str(), &seen.json()["model"]), ("/v1/chat/completions", &json!("m-1")));
    assert_eq!(gateway.calls_once(1).await[0].cost_usd, Some(NanoUsd(14_000)), "at the price of the file");

    let refused = async |key: &str, model: &str| {
        let answer = gateway.post("/v1/chat/completions", key, body(model)).await;
        (answer.status.as_u16(), answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused("sk-given-out", "slow").await, (403, "model_not_allowed".to_owned()));
    assert_eq!(refused("sk-spent", "fast").await, (429, "insufficient_quota".to_owned()));
    assert_eq!(refused("sk-blocked", "fast").await, (403, "key_blocked".to_owned()));
    assert_eq!(refused("sk-nobodys", "fast").await, (401, "invalid_api_key".to_owned()));
    gateway.stop().await;
}
