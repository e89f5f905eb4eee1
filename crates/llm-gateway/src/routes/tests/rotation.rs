//! New secrets for keys, and how long old ones are good beside them.

use super::*;

#[tokio::test]
async fn rotation_shows_a_new_secret_once() {
    let server = Server::new().await;
    let (id, old) = server.key(json!({"name": "a"})).await;
    let rotated = server.post(&format!("/api/v1/keys/{id}/rotate"), json!({"grace": "24h"})).await.json();
    let new = rotated["key"].as_str().unwrap().to_owned();
    for key in [&old, &new] {
        assert_eq!(server.send(Some(key), "GET", "/api/v1/keys/me", "").await.status, StatusCode::OK);
    }
    server.post(&format!("/api/v1/keys/{id}/rotate"), json!({})).await;
    assert_eq!(server.send(Some(&new), "GET", "/api/v1/keys/me", "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.post(&format!("/api/v1/keys/{id}/rotate"), json!({"grace": "soon"})).await.refused().0, 400);
}

#[tokio::test]
async fn an_old_secret_is_not_kept_for_ever() {
    let server = Server::new().await;
    let (id, old) = server.key(json!({"name": "a"})).await;
    let path = format!("/api/v1/keys/{id}/rotate");
    for grace in ["36500d", "31d", "721h", "2592001s"] {
        let refused = server.post(&path, json!({"grace": grace})).await;
        assert_eq!(refused.refused(), (400, "invalid_request".into()), "{grace}");
        assert_eq!(refused.json()["error"]["param"], "grace");
    }
    // What was refused has not been done by half.
    assert_eq!(server.send(Some(&old), "GET", "/api/v1/keys/me", "").await.status, StatusCode::OK);
    assert_eq!(server.post(&path, json!({"grace": "30d"})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn old_secrets_are_good_beside_a_new_one_up_to_a_number() {
    let server = Server::new().await;
    let (id, first) = server.key(json!({"name": "a"})).await;
    let path = format!("/api/v1/keys/{id}/rotate");
    let rotate = |grace: &'static str| server.post(&path, json!({"grace": grace}));
    let mut last = first.clone();
    for _ in 0..8 {
        let rotated = rotate("30d").await;
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text);
        last = rotated.json()["key"].as_str().unwrap().to_owned();
    }
    let refused = rotate("1h").await;
    assert_eq!(refused.refused(), (409, "conflict".into()));
    assert_eq!(refused.json()["error"]["param"], "grace");
    let opens = async |key: &str| server.send(Some(key), "GET", "/api/v1/keys/me", "").await.status == StatusCode::OK;
    // All of them are still good, and for as long as they were.
    assert!(opens(&first).await && opens(&last).await);
    // Whoever fears that a secret is known must always be able to end it.
    let rotated = rotate("0s").await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text);
    assert!(!opens(&first).await && !opens(&last).await);
    assert!(opens(rotated.json()["key"].as_str().unwrap()).await);
    assert_eq!(rotate("1h").await.status, StatusCode::OK);
}

#[tokio::test]
async fn litellms_scripts_are_told_the_same_in_their_words() {
    let server = Server::whole("").await;
    let made = server.post("/key/generate", json!({"key_alias": "ci"})).await.json();
    let path = format!("/key/{}/regenerate", made["token"].as_str().unwrap());
    let refused = server.post(&path, json!({"grace_period": "2mo", "key_alias": "cd"})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert_eq!(refused.json()["error"]["param"], "grace_period");
    let id = made["token"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/v1/keys/{id}")).await.json()["name"], "ci", "nothing was changed on the way");
}
