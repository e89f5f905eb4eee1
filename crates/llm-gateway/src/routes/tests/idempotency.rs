//! A request that is named by a key is done once, whoever sends it again and however many at the same time.

use super::*;
use crate::store::query;

async fn post(server: &Server, by: &str, key: &str, path: &str, body: Value) -> Reply {
    let request = Request::post(path).header("x-api-key", by).header("idempotency-key", key);
    server.request(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn count(server: &Server, kind: &str) -> usize {
    server.get(&format!("/api/v1/{kind}?limit=500")).await.json()["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_is_answered_alike_and_done_once() {
    let server = Server::new().await;
    let team = json!({"name": "search", "limits": [{"meter": "spend", "window": "month", "amount": "5"}]});
    let first = post(&server, ADMIN, "a", "/api/v1/teams", team.clone()).await;
    assert_eq!((first.status, first.headers.get("idempotent-replayed")), (StatusCode::CREATED, None));
    // What became of it since is not what was answered.
    let path = format!("/api/v1/teams/{}", first.json()["id"].as_str().unwrap());
    server.send(Some(ADMIN), "PATCH", &path, r#"{"blocked":true}"#).await;
    let again = post(&server, ADMIN, "a", "/api/v1/teams", team).await;
    assert_eq!((again.status, again.json()), (StatusCode::CREATED, first.json()));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(count(&server, "teams").await, 1);
    assert_eq!(server.get("/api/v1/audit?kind=team&action=create").await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_secret_is_shown_the_first_time_only_and_is_kept_nowhere() {
    let server = Server::new().await;
    let draft = json!({"name": "ci"});
    let first = post(&server, ADMIN, "a", "/api/v1/keys", draft.clone()).await.json();
    let again = post(&server, ADMIN, "a", "/api/v1/keys", draft).await.json();
    let secret = first["key"].as_str().unwrap();
    let mut without = first.clone();
    without.as_object_mut().unwrap().shift_remove("key");
    assert_eq!(again, without);
    let rotate = format!("/api/v1/keys/{}/rotate", first["id"].as_str().unwrap());
    let second = post(&server, ADMIN, "b", &rotate, json!({})).await.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(post(&server, ADMIN, "b", &rotate, json!({})).await.json()["key"], json!(null));
    assert_eq!(server.send(Some(&second), "GET", "/api/v1/keys/me", "").await.status, StatusCode::OK);
    let kept: Vec<(String,)> = query("SELECT answer FROM idempotency").all(&server.gateway.db).await.unwrap();
    assert!(kept.len() == 2 && kept.iter().all(|(text,)| text.contains("\"prefix\"")), "{kept:?}");
    let everything = crate::testing::everything_in(&server.gateway.db).await;
    assert!(everything.contains("\"prefix\"") && !everything.contains(secret) && !everything.contains(&second));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused_by_name_and_anothers_key_is_another() {
    let server = Server::new().await;
    let (_, administrator) = server.key(json!({"name": "root", "role": "administrator"})).await;
    post(&server, ADMIN, "a", "/api/v1/teams", json!({"name": "one"})).await;
    for (path, body) in [("/api/v1/teams", json!({"name": "two"})), ("/api/v1/organizations", json!({"name": "one"}))] {
        let refused = post(&server, ADMIN, "a", path, body).await;
        assert_eq!(refused.refused(), (409, "conflict".into()));
        assert_eq!(refused.json()["error"]["param"], "idempotency-key");
    }
    assert_eq!(
        post(&server, &administrator, "a", "/api/v1/teams", json!({"name": "two"})).await.status,
        StatusCode::CREATED
    );
    assert_eq!(count(&server, "teams").await, 2);
    for key in ["", " ", &"k".repeat(256)] {
        let refused = post(&server, ADMIN, key, "/api/v1/teams", json!({"name": "three"})).await;
        assert_eq!(refused.json()["error"]["param"], "idempotency-key", "{key}");
    }
    assert_eq!(count(&server, "organizations").await, 0);
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again() {
    let server = Server::new().await;
    let key = json!({"name": "ci", "team": "later"});
    assert_eq!(post(&server, ADMIN, "a", "/api/v1/keys", key.clone()).await.refused().0, 400);
    server.post("/api/v1/teams", json!({"name": "later"})).await;
    assert_eq!(post(&server, ADMIN, "a", "/api/v1/keys", key).await.status, StatusCode::CREATED);
    // And who may not do it learns nothing of what was done.
    assert_eq!(post(&server, "sk-nobody", "a", "/api/v1/keys", json!({"name": "ci"})).await.refused().0, 401);
}

#[tokio::test]
async fn many_at_the_same_time_do_it_once_and_all_are_answered() {
    let server = Server::new().await;
    let all = (0..20).map(|_| post(&server, ADMIN, "a", "/api/v1/keys", json!({"name": "ci"})));
    let replies = futures_util::future::join_all(all).await;
    let ids: std::collections::BTreeSet<String> =
        replies.iter().map(|reply| reply.json()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ids.len(), count(&server, "keys").await), (1, 1));
    assert_eq!(replies.iter().filter(|reply| reply.json()["key"].is_string()).count(), 1);
}

#[tokio::test]
async fn a_request_is_known_for_a_day_and_one_whose_answer_is_lost_is_not_done_again() {
    let server = Server::new().await;
    let db = &server.gateway.db;
    post(&server, ADMIN, "a", "/api/v1/keys", json!({"name": "ci"})).await;
    query("UPDATE idempotency SET status = NULL, answer = NULL").execute(db).await.unwrap();
    let lost = post(&server, ADMIN, "a", "/api/v1/keys", json!({"name": "ci"})).await;
    assert_eq!(lost.refused(), (409, "conflict".into()));
    assert_eq!(count(&server, "keys").await, 1);
    query("UPDATE idempotency SET expires_at = 1").execute(db).await.unwrap();
    assert_eq!(post(&server, ADMIN, "a", "/api/v1/keys", json!({"name": "ci"})).await.status, StatusCode::CREATED);
    assert_eq!(count(&server, "keys").await, 2);
}
