//! One test for each way in which others' administration was broken into.

use super::*;

/// Every route that reads a body, and a body that it takes.
fn bodies() -> [(&'static str, &'static str, Value); 12] {
    let limit = json!({"scope": {"kind": "tag", "id": "a"}, "meter": "requests", "window": "day", "amount": 1});
    [
        ("POST", "organizations", json!({"name": "new"})),
        ("PATCH", "organizations/{id}", json!({"blocked": false})),
        ("POST", "teams", json!({"name": "new"})),
        ("PATCH", "teams/{id}", json!({"blocked": false})),
        ("PUT", "teams/{id}/members/{user}", json!({"role": "member"})),
        ("POST", "users", json!({"name": "new"})),
        ("PATCH", "users/{id}", json!({"blocked": false})),
        ("POST", "keys", json!({"name": "new"})),
        ("PATCH", "keys/{id}", json!({"blocked": false})),
        ("POST", "limits", limit),
        ("PATCH", "limits/{id}", json!({"amount": 2})),
        ("PUT", "prices/openai/m", json!({"lines": [{"meter": "input", "amount": "1"}]})),
    ]
}

/// A thing of every kind, and the path of a route with their ids in it.
async fn things(server: &Server) -> impl Fn(&str) -> String {
    let id = |made: Reply| made.json()["id"].as_str().unwrap().to_owned();
    let organization = id(server.post("/api/v1/organizations", json!({"name": "o"})).await);
    let team = id(server.post("/api/v1/teams", json!({"name": "t"})).await);
    let user = id(server.post("/api/v1/users", json!({"name": "u"})).await);
    let (key, _) = server.key(json!({"name": "k"})).await;
    let limit = json!({"scope": {"kind": "key", "id": key}, "meter": "requests", "window": "hour", "amount": 1});
    let limit = id(server.post("/api/v1/limits", limit).await);
    move |route: &str| {
        let of = match route.split('/').next().unwrap_or_default() {
            "organizations" => &organization,
            "teams" => &team,
            "users" => &user,
            "keys" => &key,
            _ => &limit,
        };
        format!("/api/v1/{}", route.replace("{id}", of).replace("{user}", &user))
    }
}

#[tokio::test]
async fn a_member_that_nobody_may_set_is_refused_by_name_wherever_a_body_is_read() {
    let server = Server::new().await;
    let path = things(&server).await;
    let reads_body = |method: &str, rule: Rule| matches!(method, "POST" | "PATCH" | "PUT") && rule != Rule::Login;
    let routes: Vec<_> = ADMIN_ROUTES.iter().filter(|(method, _, rule)| reads_body(method, *rule)).collect();
    assert_eq!(routes.len(), bodies().len() + 1, "a route that reads a body is not tried; rotation is tried below");
    for (method, route, body) in bodies() {
        for member in [
            "id",
            "key",
            "hash",
            "prefix",
            "secret",
            "created_at",
            "is_admin",
            "superuser",
            "permissions",
            "scopes",
            "allowed_routes",
            "keep_defaults",
            "default_limits",
            "used",
            "reserved",
            "spend",
            "__proto__",
            "Role",
            "team_id",
        ] {
            let mut attack = body.clone();
            attack[member] = json!("administrator");
            let refused = server.send(Some(ADMIN), method, &path(route), attack.to_string()).await;
            assert_eq!(refused.refused(), (400, "invalid_request".into()), "{method} {route}: {member}");
            assert!(refused.text.contains(member), "{method} {route} does not name `{member}`: {}", refused.text);
        }
        // The same body without the member is taken, so it was refused for nothing else.
        let taken = server.send(Some(ADMIN), method, &path(route), body.to_string()).await;
        assert!(taken.status.is_success(), "{method} {route}: {}", taken.text);
    }
    let rotate = format!("{}/rotate", path("keys/{id}"));
    let refused = server.post(&rotate, json!({"key": "sk-chosen-by-the-caller"})).await;
    assert_eq!(refused.json()["error"]["param"], "key", "{}", refused.text);
}

#[tokio::test]
async fn a_member_said_twice_is_refused() {
    let server = Server::new().await;
    let twice = r#"{"name":"a","role":null,"role":"administrator"}"#;
    assert_eq!(server.send(Some(ADMIN), "POST", "/api/v1/keys", twice).await.refused().0, 400);
    assert_eq!(server.get("/api/v1/keys?blocked=true&blocked=false").await.refused().0, 400);
}

const INJECTIONS: &[&str] = &[
    "'; DROP TABLE keys; --",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "$1",
    "?1",
    "%",
    "_",
    "\\",
    "x') UNION SELECT hash FROM key_secrets --",
    "\u{2019} OR 1=1",
];

#[tokio::test]
async fn sql_in_a_text_is_a_text() {
    let server = Server::new().await;
    let (victim, _) = server.key(json!({"name": "victim", "tags": ["batch"]})).await;
    server.record(&victim, "fast", 1).await;
    let tables = ["keys", "teams", "users", "organizations", "limits"];
    for (number, text) in INJECTIONS.iter().enumerate() {
        // Kept as it was said, in every text that can be said.
        for kind in ["organizations", "teams", "users"] {
            let made = server.post(&format!("/api/v1/{kind}"), json!({"name": text, "metadata": {*text: text}})).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            assert_eq!((&made.json()["name"], &made.json()["metadata"][*text]), (&json!(text), &json!(text)));
        }
        let draft = json!({"name": text, "team": text, "user": text, "models": [text], "tags": [text], "metadata": {"a": text}});
        let (id, _) = server.key(draft).await;
        let shown = server.get(&format!("/api/v1/keys/{id}")).await.json();
        assert_eq!((&shown["name"], &shown["tags"], &shown["models"]), (&json!(text), &json!([text]), &json!([text])));
        let limit = json!({"scope": {"kind": "tag", "id": text}, "meter": "requests", "window": "day", "amount": 1});
        assert_eq!(server.post("/api/v1/limits", limit).await.status, StatusCode::CREATED);
        server
            .send(Some(ADMIN), "PATCH", &format!("/api/v1/keys/{id}"), json!({"name": text, "team": text}).to_string())
            .await;

        // Asked for, it finds what is called so and nothing else.
        let asked: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for member in ["team", "user"] {
            let found = server.get(&format!("/api/v1/keys?{member}={asked}")).await.json();
            assert_eq!(found["data"].as_array().unwrap().len(), 1, "{member}={text}");
        }
        for filter in ["key", "team", "user", "organization", "end_user", "tag", "model", "provider", "deployment"] {
            let found = server.get(&format!("/api/v1/calls?{filter}={asked}")).await.json();
            assert_eq!(found["data"], json!([]), "calls: {filter}={text}");
        }
        for filter in ["key", "team", "user", "organization", "model", "provider", "tag"] {
            let path = format!("/api/v1/usage?group_by=key,tag,day&{filter}={asked}");
            assert_eq!(server.get(&path).await.json()["data"], json!([]), "usage: {filter}={text}");
        }
        for filter in ["kind", "target", "by", "key", "user"] {
            let found = server.get(&format!("/api/v1/audit?{filter}={asked}")).await.json();
            assert_eq!(found["data"], json!([]), "audit: {filter}={text}");
        }
        assert_eq!(server.get(&format!("/api/v1/usage?group_by={asked}")).await.refused().0, 400, "{text}");
        for table in tables {
            let reply = server.get(&format!("/api/v1/{table}/{asked}")).await;
            let named = matches!(table, "teams" | "users" | "organizations");
            assert_eq!(reply.status.as_u16(), if named { 200 } else { 404 }, "{table}/{text}: {}", reply.text);
        }
        // A text before a bearer check, which is the worst place of all.
        let refused = server.send(Some(*text).filter(|text| text.is_ascii()), "GET", "/api/v1/keys", "").await;
        assert_eq!(refused.refused(), (401, "invalid_api_key".into()), "{text}");
        assert_eq!(server.get("/api/v1/keys?limit=500").await.json()["data"].as_array().unwrap().len(), number + 2);
    }
}

#[tokio::test]
async fn bodies_that_unfold_are_not_unfolded() {
    let server = Server::new().await;
    // A body that says it is compressed is read as it is, so nothing can grow in it.
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let request = Request::post("/api/v1/keys")
            .header("x-api-key", ADMIN)
            .header("content-encoding", encoding)
            .body(Body::from(gzip.to_vec()));
        assert_eq!(server.request(request.unwrap()).await.refused(), (400, "invalid_request".into()), "{encoding}");
    }
    for depth in [200, 10_000, 500_000] {
        let nested = format!("{{\"name\":\"a\",\"metadata\":{{\"a\":{}{}}}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(server.send(Some(ADMIN), "POST", "/api/v1/keys", nested).await.refused().0 / 100, 4, "{depth}");
    }
    for (member, value) in [
        ("tags", json!(vec!["t"; 65])),
        ("models", json!(vec!["m"; 1_001])),
        ("name", json!("n".repeat(257))),
        ("metadata", json!({"a": "m".repeat(17 * 1024)})),
        ("limits", json!(vec![json!({"meter": "requests", "window": "day", "amount": 1}); 65])),
    ] {
        let mut draft = json!({"name": "a"});
        draft[member] = value;
        let refused = server.post("/api/v1/keys", draft).await;
        assert_eq!(refused.json()["error"]["param"], member, "{}", refused.text);
    }
    assert_eq!(server.get("/api/v1/keys").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_key_is_compared_whole() {
    let server = Server::new().await;
    let (_, secret) = server.key(json!({"name": "a", "role": "administrator"})).await;
    let longer = format!("{secret}x");
    let long = "sk-".to_owned() + &"x".repeat(5_000);
    let cased = ADMIN.to_uppercase();
    let shorter = &secret[..secret.len() - 1];
    for wrong in [shorter, &longer, &secret[..7], "", " ", &long, &cased, &ADMIN[1..], "sk-"] {
        assert_eq!(server.send(Some(wrong), "GET", "/api/v1/keys", "").await.refused().0, 401, "{wrong}");
    }
    // The hash that the database holds opens nothing by itself.
    let hash = crate::keys::KeyHash::of(&secret).to_string();
    assert_eq!(server.send(Some(&hash), "GET", "/api/v1/keys", "").await.refused().0, 401);
    assert_eq!(server.send(Some(&secret), "GET", "/api/v1/keys", "").await.status, StatusCode::OK);
}
