//! Requests of the administration that are named by an `Idempotency-Key`, sent to several gateways at once: each is done
//! once, and answered alike by all.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use http::StatusCode;
use llm_gateway::config::{Config, Secret};
use llm_gateway::store::query;
use llm_tests::live::{Answer, TestGateway};
use serde_json::{Value, json};

use super::load::{gateway_with, upstream};

const ADMIN: &str = "sk-who-may-change-everything-0123456789";
/// How often, each time under another name.
const ROUNDS: usize = 10;
/// How many send the same at the same time.
const AT_ONCE: usize = 8;

async fn post(gateway: &TestGateway, name: &str, path: &str, body: &Value) -> Answer {
    let request = gateway.http().post(format!("{}{path}", gateway.url)).bearer_auth(ADMIN);
    let request = request.header("content-type", "application/json").header("idempotency-key", name);
    let answer = request.body(body.to_string()).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}

/// Everyone sends one of some bodies under the same name, at one gateway after the other.
async fn at_once(gateways: &[Arc<TestGateway>], name: &str, path: &str, bodies: &[Value]) -> Vec<Answer> {
    let send = |place: usize| {
        // By twos, so that each gateway gets each of the bodies.
        let (gateway, body) = (&gateways[place % gateways.len()], &bodies[place / gateways.len() % bodies.len()]);
        post(gateway, name, path, body)
    };
    join_all((0..AT_ONCE).map(send)).await
}

async fn count(gateway: &TestGateway, sql: &'static str) -> i64 {
    query(sql).one::<(i64,)>(gateway.gateway.db()).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_several_gateways_are_asked_at_once_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = llm_gateway::testing::postgres(&folder.path().join("shared.db"));
    let (upstream, admin) = (upstream().await, |config: &mut Config| config.admin_key = Some(Secret::new(ADMIN)));
    let gateways = [gateway_with(&upstream, &url, admin).await, gateway_with(&upstream, &url, admin).await];

    for round in 0..ROUNDS {
        // One change makes a key, its team and two limits.
        let limits = json!([{"meter": "requests", "window": "day", "amount": 5},
                            {"meter": "spend", "window": "month", "amount": "1"}]);
        let body = json!({"name": format!("key {round}"), "limits": limits});
        let name = format!("round {round}");
        let answers = at_once(&gateways, &name, "/api/v1/keys", &[body]).await;
        let ids: BTreeSet<String> = answers.iter().map(|one| one.json()["id"].to_string()).collect();
        assert!(answers.iter().all(|one| one.status == StatusCode::CREATED), "{answers:?}");
        assert_eq!(ids.len(), 1, "{answers:?}");
        let first: Vec<usize> =
            (0..AT_ONCE).filter(|&place| !answers[place].headers.contains_key("idempotent-replayed")).collect();
        let &[first] = &first[..] else { panic!("done by {first:?}") };
        // All are told the same, but for the secret, which only one is.
        let mut told = answers[first].json();
        let secret = told.as_object_mut().unwrap().shift_remove("key").unwrap();
        assert!(answers.iter().enumerate().all(|(place, one)| place == first || one.json() == told), "{answers:?}");
        // Later it is still known, to both; and the key is good at both.
        for gateway in &gateways {
            let again = post(gateway, &name, "/api/v1/keys", &json!({"name": format!("key {round}")})).await;
            assert_eq!(again.status, StatusCode::CONFLICT, "another request: {}", again.text);
            gateway.gateway.keys().refresh().await.unwrap();
            assert_eq!(gateway.get("/api/v1/keys/me", secret.as_str().unwrap()).await.status, StatusCode::OK);
        }
    }
    let rounds = i64::try_from(ROUNDS).unwrap();
    assert_eq!(count(&gateways[0], "SELECT count(*) FROM keys").await, rounds);
    assert_eq!(count(&gateways[0], "SELECT count(*) FROM limits").await, 2 * rounds);
    let logged = "SELECT count(*) FROM audit WHERE kind = 'key' AND action = 'create'";
    assert_eq!(count(&gateways[0], logged).await, rounds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_requests_under_one_name_one_is_done_and_the_other_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = llm_gateway::testing::postgres(&folder.path().join("shared.db"));
    let (upstream, admin) = (upstream().await, |config: &mut Config| config.admin_key = Some(Secret::new(ADMIN)));
    let gateways = [gateway_with(&upstream, &url, admin).await, gateway_with(&upstream, &url, admin).await];
    for round in 0..ROUNDS {
        let bodies = ["one", "other"].map(|which| json!({"name": format!("{which} {round}")}));
        let answers = at_once(&gateways, &format!("round {round}"), "/api/v1/teams", &bodies).await;
        let made: Vec<usize> = (0..AT_ONCE)
            .filter(|&place| answers[place].status == StatusCode::CREATED)
            .map(|place| place / 2 % 2)
            .collect();
        // All who sent the one body, at either gateway, and nobody who sent the other.
        assert!(made.len() == AT_ONCE / 2 && made.iter().all(|&body| body == made[0]), "{answers:?}");
        let refused = answers.iter().filter(|one| one.status == StatusCode::CONFLICT);
        assert_eq!(refused.filter(|one| one.json()["error"]["param"] == "idempotency-key").count(), AT_ONCE / 2);
    }
    assert_eq!(count(&gateways[0], "SELECT count(*) FROM teams").await, i64::try_from(ROUNDS).unwrap());
}
