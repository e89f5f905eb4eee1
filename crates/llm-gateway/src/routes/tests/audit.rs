//! Every change is logged: by whom, what it was before and what it has become, and never a secret.

use super::*;
use crate::author::Author;
use crate::keys::{KeyDraft, Keys};
use crate::limits::Ledger;

/// What the log says to a query, newest first.
async fn log(server: &Server, query: &str) -> Vec<Value> {
    let reply = server.get(&format!("/api/v1/audit?{query}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_kind_of_change_is_logged_with_what_was_and_what_is() {
    let server = Server::new().await;
    let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
    let organization = id(&server.post("/api/v1/organizations", json!({"name": "acme"})).await.json());
    let team = id(&server.post("/api/v1/teams", json!({"name": "search", "organization": "acme"})).await.json());
    let user = id(&server.post("/api/v1/users", json!({"name": "max", "teams": ["search"]})).await.json());
    let limits = json!([{"meter": "requests", "window": "day", "amount": 5}]);
    let draft = json!({"name": "ci", "team": "search", "user": "max", "limits": limits});
    let (key, first) = server.key(draft).await;

    let made = log(&server, &format!("target={key}")).await;
    assert_eq!((made.len(), &made[0]["action"], &made[0]["before"]), (1, &json!("create"), &json!(null)));
    assert_eq!(made[0]["by"], json!({"kind": "administrator"}));
    assert_eq!((&made[0]["after"]["team"], &made[0]["after"]["user"]), (&json!(team), &json!(user)));
    assert_eq!(log(&server, "kind=limit&action=create").await[0]["after"]["amount"], 5);

    let path = format!("/api/v1/keys/{key}");
    server.send(Some(ADMIN), "PATCH", &path, r#"{"blocked":true,"name":"cd"}"#).await;
    let changed = log(&server, &format!("target={key}&action=change")).await;
    assert_eq!((&changed[0]["before"]["name"], &changed[0]["after"]["name"]), (&json!("ci"), &json!("cd")));
    assert_eq!((&changed[0]["before"]["blocked"], &changed[0]["after"]["blocked"]), (&json!(false), &json!(true)));

    let second = server.post(&format!("/api/v1/keys/{key}/rotate"), json!({})).await.json();
    let rotated = log(&server, &format!("target={key}&action=change")).await;
    assert_eq!(rotated.len(), 2);
    assert_eq!(rotated[0]["before"]["prefix"], json!(first[..7]));
    assert_eq!(rotated[0]["after"]["prefix"], second["prefix"]);

    server
        .send(Some(ADMIN), "PUT", &format!("/api/v1/teams/{team}/members/{user}"), r#"{"role":"team_administrator"}"#)
        .await;
    let member = &log(&server, &format!("target={user}&action=change")).await[0];
    assert_eq!(member["before"]["teams"][0]["role"], "member");
    assert_eq!(member["after"]["teams"][0]["role"], "team_administrator");

    // With the organization go the team, the key and its limit, and each is told.
    server.send(Some(ADMIN), "DELETE", &format!("/api/v1/organizations/{organization}"), "").await;
    let gone = log(&server, "action=delete").await;
    let mut kinds: Vec<&str> = gone.iter().map(|entry| entry["target"]["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["key", "limit", "organization", "team"]);
    assert!(gone.iter().all(|entry| entry["after"].is_null() && entry["before"].is_object()), "{gone:?}");

    let all = server.get("/api/v1/audit?limit=500").await.text;
    let (first, second) = (first.as_str(), second["key"].as_str().unwrap());
    let hash = crate::keys::KeyHash::of(first).to_string();
    assert!(!all.contains(first) && !all.contains(second) && !all.contains(&hash), "{all}");
}

#[tokio::test]
async fn a_change_that_was_refused_is_not_logged() {
    let server = Server::new().await;
    let before = log(&server, "").await.len();
    server.post("/api/v1/teams", json!({"name": "a"})).await;
    assert_eq!(server.post("/api/v1/teams", json!({"name": "a"})).await.refused().0, 409);
    assert_eq!(server.post("/api/v1/keys", json!({"name": "a", "team": "none"})).await.refused().0, 400);
    assert_eq!(log(&server, "").await.len(), before + 1);
}

#[tokio::test]
async fn the_log_names_the_key_and_its_user_and_the_command_line() {
    let server = Server::new().await;
    server.post("/api/v1/users", json!({"name": "ada", "role": "administrator"})).await;
    let (key, secret) = server.key(json!({"name": "ada", "user": "ada", "role": "administrator"})).await;
    server.send(Some(&secret), "POST", "/api/v1/teams", r#"{"name":"made-by-ada"}"#).await;
    let by_key = log(&server, &format!("key={key}")).await;
    assert_eq!(by_key.len(), 1);
    assert_eq!((&by_key[0]["by"]["kind"], &by_key[0]["by"]["key"]), (&json!("key"), &json!(key)));
    assert_eq!(log(&server, &format!("user={}", by_key[0]["by"]["user"].as_str().unwrap())).await, by_key);

    // Another process on the same database, as the command line is: what it changed is known here at the next change.
    let config = &server.gateway.config.limits;
    let other = Keys::open(server.gateway.db.clone(), Ledger::new(), config).await.unwrap();
    let draft = KeyDraft { name: "cli".to_owned(), ..KeyDraft::default() };
    let made = Author::CommandLine.does(other.create(draft)).await.unwrap();
    let patched = format!("/api/v1/keys/{}", made.key.id);
    server.gateway.keys.refresh().await.unwrap();
    server.send(Some(ADMIN), "PATCH", &patched, r#"{"name":"here"}"#).await;
    let entries = log(&server, &format!("target={}", made.key.id)).await;
    assert_eq!(
        (&entries[1]["by"]["kind"], &entries[0]["by"]["kind"]),
        (&json!("command_line"), &json!("administrator"))
    );
    assert_eq!((&entries[0]["before"]["name"], &entries[0]["after"]["name"]), (&json!("cli"), &json!("here")));
    assert_eq!(log(&server, "by=command_line").await.len(), 1);
}

#[tokio::test]
async fn the_log_comes_in_pages_to_those_who_see_everything() {
    let server = Server::new().await;
    for name in ["a", "b", "c"] {
        server.post("/api/v1/teams", json!({"name": name})).await;
    }
    let (_, auditor) = server.key(json!({"name": "auditor", "role": "auditor"})).await;
    let first = server.send(Some(&auditor), "GET", "/api/v1/audit?kind=team&limit=2", "").await.json();
    let names = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["after"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["c", "b"]);
    let path = format!("/api/v1/audit?kind=team&limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = server.send(Some(&auditor), "GET", &path, "").await.json();
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["a".to_owned()], &Value::Null));
    assert_eq!(server.get("/api/v1/audit?to=2020-01-01T00:00:00Z").await.json()["data"], json!([]));
    assert_eq!(server.get("/api/v1/audit?action=look").await.refused().0, 400);
    let (_, member) = server.key(json!({"name": "member", "role": "member"})).await;
    assert_eq!(server.send(Some(&member), "GET", "/api/v1/audit", "").await.refused().0, 403);
}
