//! Tokens that are good, and tokens that are not.

use jiff::Timestamp;
use jsonwebtoken::EncodingKey;

use super::idp::{encoded, unsigned};
use super::*;

#[tokio::test]
async fn a_token_calls_as_a_user_with_a_key_of_its_own() {
    let setup = Setup::new("").await;
    let token = setup.token(json!({"email": "ada@example.org", "email_verified": true}));
    for _ in 0..2 {
        let reply = setup.call(&token).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    let users = setup.all("users").await;
    assert_eq!(users.len(), 1);
    assert_eq!((&users[0]["name"], &users[0]["role"]), (&json!("ada@example.org"), &json!("member")));
    assert_eq!(users[0]["identities"], json!([{"issuer": setup.idp.url, "subject": "ada"}]));
    let keys = setup.all("keys").await;
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0]["login"], &keys[0]["user"]), (&json!(true), &users[0]["id"]));

    setup.gateway.flush().await.unwrap();
    let calls = setup.all("calls").await;
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call["key"] == keys[0]["id"] && call["user"] == users[0]["id"]));
    let me = setup.get(&token, "/api/v1/keys/me").await;
    assert_eq!((me.status, &me.json()["id"]), (StatusCode::OK, &keys[0]["id"]));
    assert_eq!(me.headers["cache-control"], "no-store");
    assert_eq!(setup.get(&token, "/v1/models").await.status, StatusCode::OK);

    // Another token of the same user is the same key, and everyone reads of it who was let in how.
    assert_eq!(setup.call(&setup.token(json!({"jti": "2"}))).await.status, StatusCode::OK);
    assert_eq!((setup.all("users").await.len(), setup.all("keys").await.len()), (1, 1));
    let audit = setup.all("audit").await;
    assert!(audit.iter().all(|entry| entry["by"] == json!({"kind": "login", "user": users[0]["id"]})), "{audit:?}");
    let audit: Vec<&Value> = audit.iter().map(|entry| &entry["target"]["kind"]).collect();
    assert!(audit.contains(&&json!("user")) && audit.contains(&&json!("key")), "{audit:?}");
}

#[tokio::test]
async fn every_kind_of_signature_is_taken_and_no_other() {
    for signer in [Signer::es256("k"), Signer::rs256("k"), Signer::eddsa("k")] {
        let setup = Setup::with(Idp::signing_with(signer.clone()).await, "").await;
        assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK, "{:?}", signer.header());
    }
    // The same key, but in a way that the configuration does not have.
    let setup = Setup::with(Idp::signing_with(Signer::rs256("k")).await, "algorithms = [\"ES256\"]").await;
    let refused = setup.refused(&setup.token(json!({}))).await;
    assert_eq!(refused, (401, "this token is signed in a way that is not taken from its issuer".into()));
}

#[tokio::test]
async fn a_token_that_says_something_wrong_is_refused() {
    let setup = Setup::new("").await;
    let now = Timestamp::now().as_second();
    let cases = [
        (json!({"iss": "https://elsewhere.example"}), "the issuer of this token is not one that is known here"),
        (json!({"iss": null}), "this token does not say who issued it"),
        (json!({"iss": format!("{}/", setup.idp.url)}), "the issuer of this token is not one that is known here"),
        (json!({"aud": "another"}), "this token is made out for another audience"),
        (json!({"aud": ["another", "third"]}), "this token is made out for another audience"),
        (json!({"aud": null}), "this token is made out for another audience"),
        (json!({"aud": {"gateway": "gateway"}}), "this token is made out for another audience"),
        (json!({"exp": now - 61}), "this token has expired"),
        (json!({"exp": null}), "this token does not say when it expires"),
        (json!({"exp": "2099-01-01"}), "`exp` of this token is not a time"),
        (json!({"nbf": now + 120}), "this token is not valid yet"),
        (json!({"iat": now + 120}), "this token is not valid yet"),
    ];
    for (claims, why) in cases {
        assert_eq!(setup.refused(&setup.token(claims.clone())).await, (401, why.to_owned()), "{claims}");
    }
    for good in [
        json!({"aud": ["another", "gateway"]}),
        json!({"exp": now - 30}),
        json!({"nbf": now + 30}),
        json!({"exp": now as f64 + 60.5}),
    ] {
        let reply = setup.call(&setup.token(good.clone())).await;
        assert_eq!(reply.status, StatusCode::OK, "{good}: {}", reply.text);
    }
    // Good, but for what it lacks.
    let refused = setup.refused(&setup.token(json!({"sub": null}))).await;
    assert_eq!(refused, (403, "this token does not say who it was given to (`sub`)".into()));
    assert_eq!(setup.refused(&setup.token(json!({"sub": "a\u{0}b"}))).await.0, 403);
}

#[tokio::test]
async fn a_token_whose_header_or_signature_is_forged_is_refused() {
    let setup = Setup::new("").await;
    let (signer, claims) = (&setup.idp.signer, setup.idp.claims(json!({})));
    let header = |over: Value| {
        let mut header = signer.header();
        for (name, value) in over.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    let not_taken = "this token is signed in a way that is not taken from its issuer";
    let not_signed = "the signature of this token is not its issuer's";

    for none in ["none", "None", "NONE", ""] {
        let text = unsigned(&header(json!({"alg": none})), &claims);
        assert_eq!(setup.refused(&format!("{text}.")).await, (401, not_taken.into()));
        assert_eq!(setup.refused(&format!("{text}.AAAA")).await, (401, not_taken.into()));
    }
    // Signed with what everyone knows: the public key's own bytes, however they are written.
    let hs256 = header(json!({"alg": "HS256"}));
    let public = signer.public.to_string();
    let point = signer.public["x"].as_str().unwrap();
    for secret in [public.as_bytes(), point.as_bytes(), b""] {
        let text = unsigned(&hs256, &claims);
        let key = EncodingKey::from_secret(secret);
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
        assert_eq!(setup.refused(&format!("{text}.{signature}")).await, (401, not_taken.into()));
    }
    // A key of someone else, under the name of the issuer's, or brought along.
    let other = Signer::es256("first");
    assert_eq!(setup.refused(&other.sign(&header(json!({})), &claims)).await, (401, not_signed.into()));
    let brought = header(json!({"jwk": other.public, "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/"}));
    assert_eq!(setup.refused(&other.sign(&brought, &claims)).await, (401, not_signed.into()));
    // Another way of signing than the key is for.
    assert_eq!(
        setup.refused(&Signer::rs256("first").sign(&header(json!({"alg": "RS256"})), &claims)).await,
        (401, "this token is signed with a key that its issuer does not have".into())
    );

    let critical = signer.sign(&header(json!({"crit": ["exp"]})), &claims);
    assert_eq!(setup.refused(&critical).await.0, 401);
    let unencoded = signer.sign(&header(json!({"crit": ["b64"], "b64": false})), &claims);
    assert_eq!(setup.refused(&unencoded).await.0, 401);
    for other in ["logout+jwt", "secevent+jwt", "JOSE"] {
        let token = signer.sign(&header(json!({"typ": other})), &claims);
        assert_eq!(setup.refused(&token).await, (401, "this token is of another kind (`typ`)".into()));
    }

    // One letter of a good token.
    let good = setup.token(json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    let raised = encoded(setup.idp.claims(json!({"sub": "eve"})).to_string().as_bytes());
    assert_eq!(setup.refused(&format!("{head}.{raised}.{signature}")).await, (401, not_signed.into()));
    assert_eq!(setup.refused(&format!("{head}.{body}.")).await, (401, not_signed.into()));
    assert_eq!(setup.refused(&format!("{head}.{body}.{}", &signature[1..])).await, (401, not_signed.into()));
    assert_eq!(setup.refused(&format!("{head}.{body}.{signature}=")).await, (401, not_signed.into()));
    assert_eq!(setup.call(&good).await.status, StatusCode::OK);
    assert_eq!(setup.all("users").await.len(), 1, "nobody became a user by a forged token");
}

#[tokio::test]
async fn what_is_no_token_is_no_key_and_what_is_too_long_is_not_read() {
    let setup = Setup::new("").await;
    let huge = setup.token(json!({"groups": "x".repeat(20_000)}));
    assert_eq!(setup.refused(&huge).await, (401, "this token is longer than 16384 bytes".into()));
    for nonsense in ["eyJ.a.b", "eyJhIjoxfQ.e30.x", "eyJ..", "eyJhbGciOiJFUzI1NiJ9.W10.AA"] {
        assert_eq!(setup.refused(nonsense).await.0, 401, "{nonsense}");
    }
    assert_eq!(setup.refused("eyJ.a.b.c.d").await, (401, "this API key is not valid".into()));
    // Deep nesting must not bring anything down.
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    let text = format!("{}.{}.AA", encoded(setup.idp.signer.header().to_string().as_bytes()), encoded(deep.as_bytes()));
    assert_eq!(setup.refused(&text).await, (401, "this token can't be read".into()));
}

#[tokio::test]
async fn no_part_of_a_token_is_one() {
    let setup = Setup::new("").await;
    let (good, now) = (setup.token(json!({})), Timestamp::now());
    for cut in 0..good.len() {
        for part in [&good[..cut], &good[cut + 1..], &format!("{}{}", &good[..cut], &good[cut + 1..])] {
            let refused = setup.gateway.authenticate(part, now).await.unwrap_err();
            assert_eq!(refused.kind(), llm_core::ErrorKind::InvalidApiKey, "{part}");
        }
    }
    assert!(setup.gateway.authenticate(&good, now).await.is_ok());
    let later = now.checked_add(std::time::Duration::from_secs(661)).unwrap();
    assert!(setup.gateway.authenticate(&good, later).await.is_err(), "a token that is known runs out as any");
}

#[tokio::test]
async fn a_key_and_a_token_stand_side_by_side() {
    let setup = Setup::new("[limits.defaults]\nrequests = \"2/minute\"").await;
    let made = setup.make("keys", json!({"name": "ci"})).await;
    assert_eq!(setup.call(made["key"].as_str().unwrap()).await.status, StatusCode::OK);
    let token = setup.token(json!({}));
    // The limits of the configuration hold for who comes with a token, whichever token it is.
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
    assert_eq!(setup.call(&setup.token(json!({"jti": "2"}))).await.status, StatusCode::OK);
    assert_eq!(setup.call(&token).await.status, StatusCode::TOO_MANY_REQUESTS);
    // And so do those that are laid on the user.
    let user = setup.all("users").await[0]["id"].clone();
    let models = setup.patch(&format!("users/{}", user.as_str().unwrap()), json!({"models": ["openai:*"]})).await;
    assert_eq!(models.status, StatusCode::OK);
    assert_eq!(setup.refused(&token).await.0, 403);
}

#[tokio::test]
async fn who_is_blocked_stays_out_whatever_token_they_bring() {
    let setup = Setup::new("[issuers.team]\nclaim = \"team\"\ncreate = true").await;
    let token = setup.token(json!({"team": "search"}));
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
    let user = setup.all("users").await[0]["id"].as_str().unwrap().to_owned();
    for (path, whose) in [(format!("users/{user}"), "user"), ("teams/search".to_owned(), "team")] {
        assert_eq!(setup.patch(&path, json!({"blocked": true})).await.status, StatusCode::OK);
        for token in [&token, &setup.token(json!({"team": "search", "jti": "3"}))] {
            assert_eq!(setup.refused(token).await, (403, format!("the {whose} of this API key is blocked")));
            assert_eq!(setup.get(token, "/api/v1/keys").await.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(setup.patch(&path, json!({"blocked": false})).await.status, StatusCode::OK);
        assert_eq!(setup.call(&token).await.status, StatusCode::OK);
    }
    // The key alone, which stands for the user in this team.
    let key = setup.all("keys").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(setup.patch(&format!("keys/{key}"), json!({"blocked": true})).await.status, StatusCode::OK);
    assert_eq!(setup.refused(&token).await, (403, "this API key is blocked".into()));
}
