//! People who log in with a browser.

use std::collections::HashMap;

use http::Request;

use super::*;

/// A browser: the cookies that it has.
#[derive(Clone, Default)]
struct Browser(HashMap<String, String>);

/// Where a login begins: what the issuer is asked.
type Asked = HashMap<String, String>;

impl Browser {
    async fn send(&mut self, setup: &Setup, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        let cookies: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if method == "GET" { "" } else { r#"{"name":"made by a browser"}"# };
        let reply = setup.request(request.body(Body::from(body)).unwrap()).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{attributes}");
            assert!(attributes.contains("Path=/") && !attributes.contains("Domain"), "{attributes}");
            if attributes.contains("Max-Age=0") || value.is_empty() {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    async fn get(&mut self, setup: &Setup, path: &str) -> Reply {
        self.send(setup, "GET", path, &[]).await
    }

    /// Begins a login.
    async fn begin(&mut self, setup: &Setup, path: &str) -> Asked {
        let reply = self.get(setup, path).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
        let to: url::Url = reply.headers["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(to.as_str().split('?').next().unwrap(), format!("{}/authorize", setup.idp.url));
        to.query_pairs().into_owned().collect()
    }

    /// Comes back from the issuer as whom `claims` say.
    async fn back(&mut self, setup: &Setup, asked: &Asked, claims: Value) -> Reply {
        let code = setup.idp.grant(asked, claims);
        self.get(setup, &format!("/login/callback?code={code}&state={}", asked["state"])).await
    }

    /// Logs in from the beginning to the end.
    async fn log_in(&mut self, setup: &Setup, claims: Value) -> Reply {
        let asked = self.begin(setup, "/login").await;
        self.back(setup, &asked, claims).await
    }

    async fn me(&mut self, setup: &Setup) -> Reply {
        self.get(setup, "/api/v1/me").await
    }
}

const OWN: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

async fn with_login(more: &str) -> Setup {
    let idp = Idp::start().await;
    let tables = format!(
        "[issuers.role]\nclaim = \"roles\"\nmap = {{ boss = \"administrator\" }}\n[login]\nissuer = \"{}\"\n\
         client_id = \"console\"\nclient_secret = \"s+e/c ret\"\nurl = \"https://gateway.example\"\n{more}",
        idp.url
    );
    Setup::with(idp, &tables).await
}

#[tokio::test]
async fn one_logs_in_does_what_one_may_and_logs_out() {
    let setup = with_login("").await;
    let mut browser = Browser::default();
    assert_eq!(browser.me(&setup).await.status, StatusCode::UNAUTHORIZED);
    let asked = browser.begin(&setup, "/login?next=/api/v1/me%3Fa%3D1").await;
    let expected = [
        ("response_type", "code"),
        ("client_id", "console"),
        ("redirect_uri", "https://gateway.example/login/callback"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
    ];
    for (name, value) in expected {
        assert_eq!(asked[name], value, "{name}");
    }
    let done =
        browser.back(&setup, &asked, json!({"roles": "boss", "email": "ada@example.org", "email_verified": true}));
    let done = done.await;
    assert_eq!((done.status, &done.headers["location"]), (StatusCode::SEE_OTHER, &"/api/v1/me?a=1".parse().unwrap()));
    assert!(done.headers["set-cookie"].to_str().unwrap().contains("; Secure"));
    assert_eq!(done.headers["cache-control"], "no-store");
    assert_eq!(browser.0.keys().collect::<Vec<_>>(), ["__Host-llm_session"], "nothing of the login under way is left");
    // `client_secret_basic` escapes both parts first.
    let proof = setup.idp.state.clients.lock().unwrap().clone();
    assert_eq!(proof, [Some(format!("Basic {}", "Y29uc29sZTpzJTJCZSUyRmMrcmV0"))]);

    let me = browser.me(&setup).await.json();
    assert_eq!((&me["role"], &me["user"]["name"]), (&json!("administrator"), &json!("ada@example.org")));
    let made = browser.send(&setup, "POST", "/api/v1/organizations", OWN).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let by = &setup.get(ADMIN, "/api/v1/audit?kind=organization").await.json()["data"][0]["by"];
    assert_eq!(by["user"], me["user"]["id"]);

    // A cookie calls no model.
    let call = browser.send(&setup, "POST", "/v1/chat/completions", OWN).await;
    assert_eq!(call.status, StatusCode::UNAUTHORIZED);

    let mut copied = browser.clone();
    let out = browser.send(&setup, "POST", "/logout", OWN).await;
    assert_eq!((out.status, browser.0.len()), (StatusCode::OK, 0));
    assert_eq!(copied.me(&setup).await.told(), (401, "this login is over (hint: log in again at `/login`)".into()));
}

#[tokio::test]
async fn a_login_ends_once_and_only_where_it_began() {
    let setup = with_login("").await;
    let unknown =
        (400, "this login was not begun in this browser, or too long ago (hint: begin again at `/login`)".to_owned());
    let (mut mallory, mut victim) = (Browser::default(), Browser::default());
    let asked = mallory.begin(&setup, "/login").await;
    let code = setup.idp.grant(&asked, json!({"sub": "mallory"}));
    let back = format!("/login/callback?code={code}&state={}", asked["state"]);
    // Sent to someone who has begun no login, or another one.
    assert_eq!(victim.get(&setup, &back).await.told(), unknown);
    victim.begin(&setup, "/login").await;
    assert_eq!(victim.get(&setup, &back).await.told(), unknown);
    assert!(victim.0.is_empty());
    // With no state at all, a wrong one, and that of another issuer.
    for wrong in ["", "&state=", "&state=AAAA", &format!("&state={}&iss=https://other.example", asked["state"])] {
        let mut browser = mallory.clone();
        let reply = browser.get(&setup, &format!("/login/callback?code={code}{wrong}")).await;
        assert_eq!(reply.told(), unknown, "{wrong}");
    }
    let mut again = mallory.clone();
    assert_eq!(mallory.get(&setup, &back).await.status, StatusCode::SEE_OTHER);
    // Once more, and with the cookie that the browser has thrown away.
    assert_eq!(mallory.get(&setup, &back).await.told(), unknown);
    let replayed = again.get(&setup, &back).await;
    assert_eq!(replayed.told(), (403, "the identity provider refused this login (`invalid_grant`)".into()));
    assert!(!replayed.text.contains("script") && again.0.is_empty());

    let asked = victim.begin(&setup, "/login").await;
    let denied = format!("/login/callback?error=access_denied&error_description=%3Cb%3E&state={}", asked["state"]);
    let denied = victim.get(&setup, &denied).await;
    assert_eq!(denied.told(), (403, "the identity provider refused this login (`access_denied`)".into()));
}

#[tokio::test]
async fn the_token_of_a_login_is_checked_as_any_and_for_this_login() {
    let setup = with_login("").await;
    let cases = [
        (json!({"nonce": "another"}), "this token was given for another login"),
        (json!({"nonce": null}), "this token was given for another login"),
        (json!({"aud": "gateway"}), "this token is made out for another audience"),
        (json!({"azp": "another"}), "this token was given to another client"),
        (json!({"iss": "https://other.example"}), "this token is of another issuer"),
        (json!({"exp": 1}), "this token has expired"),
    ];
    for (claims, why) in cases {
        let mut browser = Browser::default();
        assert_eq!(browser.log_in(&setup, claims).await.told(), (401, why.to_owned()));
        assert!(browser.0.is_empty(), "{why}");
    }
    // Nor does the token of a login call: it is made out for the console.
    let id_token = setup.token(json!({"aud": "console"}));
    assert_eq!(setup.refused(&id_token).await.0, 401);
    assert_eq!(setup.all("users").await.len(), 0);
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_after_the_login() {
    let setup = with_login("").await;
    for next in [
        "//evil.example",
        "///evil.example",
        "https://evil.example",
        "evil",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "/a%0d%0aset-cookie:%20x=y",
        "/%5C%5Cevil.example",
        "%2F%2Fevil.example",
    ] {
        let reply = Browser::default().get(&setup, &format!("/login?next={next}")).await;
        assert_eq!(reply.told(), (400, "`next` must be a path of this gateway".into()), "{next}");
    }
    // Nor by a cookie that someone has put there.
    let mut browser = Browser::default();
    let asked = browser.begin(&setup, "/login").await;
    let kept = browser.0.get_mut("__Host-llm_login").unwrap();
    *kept = format!("{}.%2F%2Fevil.example", kept.split_once('.').unwrap().0);
    let done = browser.back(&setup, &asked, json!({})).await;
    assert_eq!((done.status, &done.headers["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
}

#[tokio::test]
async fn a_session_is_always_a_new_one_and_is_kept_as_a_hash() {
    let setup = with_login("").await;
    let mut browser = Browser::default();
    browser.0.insert("__Host-llm_session".to_owned(), "chosen-by-an-attacker".to_owned());
    assert_eq!(browser.log_in(&setup, json!({})).await.status, StatusCode::SEE_OTHER);
    let first = browser.clone();
    assert_ne!(first.0["__Host-llm_session"], "chosen-by-an-attacker");
    // Whoever logs in again leaves no session behind.
    assert_eq!(browser.log_in(&setup, json!({"sub": "eve"})).await.status, StatusCode::SEE_OTHER);
    assert_ne!(first.0, browser.0);
    assert_eq!(first.clone().me(&setup).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.me(&setup).await.json()["user"]["name"], "eve");

    let rows: Vec<(String, String)> =
        crate::store::query("SELECT hash, who FROM sessions").all(setup.gateway.db()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].0.contains(&browser.0["__Host-llm_session"]) && !rows[0].1.contains("eyJ"), "{rows:?}");
    // The hash itself opens nothing, nor does the cookie as a key.
    let mut thief = Browser(HashMap::from([("__Host-llm_session".to_owned(), rows[0].0.clone())]));
    assert_eq!(thief.me(&setup).await.status, StatusCode::UNAUTHORIZED);
    let as_key = setup.get(&browser.0["__Host-llm_session"], "/api/v1/me").await;
    assert_eq!(as_key.status, StatusCode::UNAUTHORIZED);
    // Without the name that only a page over TLS can set.
    let tossed = Browser(HashMap::from([("llm_session".to_owned(), browser.0["__Host-llm_session"].clone())]));
    assert_eq!(tossed.clone().me(&setup).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let setup = with_login("").await;
    let mut browser = Browser::default();
    browser.log_in(&setup, json!({"roles": "boss"})).await;
    let foreign: [&[(&str, &str)]; 7] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://gateway.example")],
    ];
    for headers in foreign {
        for (method, path) in [("POST", "/api/v1/organizations"), ("DELETE", "/api/v1/users/x"), ("POST", "/logout")] {
            let reply = browser.send(&setup, method, path, headers).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
        }
    }
    let own: [&[(&str, &str)]; 2] = [OWN, &[("origin", "https://gateway.example")]];
    assert_eq!(browser.send(&setup, "POST", "/api/v1/organizations", own[0]).await.status, StatusCode::CREATED);
    assert_eq!(browser.send(&setup, "POST", "/api/v1/organizations", own[1]).await.status, StatusCode::CONFLICT);
    // Who presents a key is not asked where from, and a key wins over a cookie.
    let key = [("authorization", "Bearer sk-nobody"), ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.send(&setup, "GET", "/api/v1/me", &key).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(setup.all("organizations").await.len(), 1);
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_user_and_its_block() {
    let setup = with_login("session = \"1m\"").await;
    let mut browser = Browser::default();
    browser.log_in(&setup, json!({})).await;
    let user = browser.me(&setup).await.json()["user"]["id"].as_str().unwrap().to_owned();
    assert_eq!(setup.patch(&format!("users/{user}"), json!({"blocked": true})).await.status, StatusCode::OK);
    assert_eq!(browser.me(&setup).await.status, StatusCode::FORBIDDEN);
    assert_eq!(Browser::default().log_in(&setup, json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(setup.patch(&format!("users/{user}"), json!({"blocked": false})).await.status, StatusCode::OK);
    assert_eq!(browser.me(&setup).await.status, StatusCode::OK);
    // Who was deleted is not made again by a session that is left.
    let deleted = setup.send(ADMIN, "DELETE", &format!("/api/v1/users/{user}"), "").await;
    assert_eq!(deleted.status, StatusCode::OK);
    assert_eq!(browser.me(&setup).await.status, StatusCode::FORBIDDEN);
    assert_eq!(setup.all("users").await.len(), 0);

    let mut browser = Browser::default();
    browser.log_in(&setup, json!({})).await;
    crate::store::query("UPDATE sessions SET expires_at = 1").execute(setup.gateway.db()).await.unwrap();
    assert_eq!(browser.me(&setup).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_login_says_when_its_issuer_is_out_of_reach_and_asks_it_no_more_than_now_and_then() {
    let idp = Idp::start().await;
    idp.set_down(true);
    let login = format!("[login]\nissuer = \"{}\"\nclient_id = \"console\"", idp.url);
    let setup = Setup::with(idp, &login).await;
    for _ in 0..3 {
        let reply = Browser::default().get(&setup, "/login").await;
        assert_eq!(reply.told(), (502, "the identity provider can't be reached now".into()));
    }
    // On this machine, where there is no TLS, names and attributes are plain; and without a secret the client is public.
    let setup = {
        let idp = Idp::start().await;
        let login = format!("[login]\nissuer = \"{}\"\nclient_id = \"console\"", idp.url);
        Setup::with(idp, &login).await
    };
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&setup, json!({})).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.0.keys().collect::<Vec<_>>(), ["llm_session"]);
    assert_eq!(*setup.idp.state.clients.lock().unwrap(), [None]);
    assert_eq!(browser.me(&setup).await.json()["role"], "member");
}
