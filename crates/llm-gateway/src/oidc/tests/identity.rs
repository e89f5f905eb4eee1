//! Who someone is: the issuer and what it calls them, and nothing else.

use super::*;

#[tokio::test]
async fn two_issuers_are_two_worlds() {
    let (first, second) =
        (Idp::signing_with(Signer::es256("same")).await, Idp::signing_with(Signer::es256("same")).await);
    let more = format!("[[issuers]]\nissuer = \"{}\"\naudience = \"gateway\"", second.url);
    let setup = Setup::with(first, &more).await;
    for idp in [&setup.idp, &second] {
        assert_eq!(setup.call(&idp.token(json!({}))).await.status, StatusCode::OK);
    }
    // Nobody signs for another, though their keys have the same name.
    let forged = second.signer.sign(&second.signer.header(), &setup.idp.claims(json!({})));
    assert_eq!(setup.refused(&forged).await, (401, "the signature of this token is not its issuer's".into()));

    // The same `sub` of two issuers is two people, with names that tell them apart.
    let users = setup.all("users").await;
    assert_eq!(users.len(), 2);
    let mut names: Vec<&str> = users.iter().map(|user| user["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert!(names[0] == "ada" && names[1].starts_with("ada ") && names[1].len() == 16, "{names:?}");
    assert_ne!(users[0]["identities"], users[1]["identities"]);
}

#[tokio::test]
async fn a_name_or_an_address_makes_nobody_someone_else() {
    let setup = Setup::new("[issuers.user]\nname = \"preferred_username\"").await;
    let boss = json!({"name": "boss", "email": "boss@example.org", "role": "administrator"});
    setup.make("users", boss).await;
    for claims in [
        json!({"preferred_username": "boss"}),
        json!({"sub": "eve", "email": "boss@example.org", "email_verified": true}),
        json!({"sub": "boss"}),
    ] {
        let token = setup.token(claims.clone());
        assert_eq!(setup.call(&token).await.status, StatusCode::OK);
        assert_eq!(setup.get(&token, "/api/v1/users").await.json()["data"].as_array().unwrap().len(), 1, "{claims}");
        assert_eq!(setup.get(&token, "/api/v1/organizations").await.status, StatusCode::FORBIDDEN, "{claims}");
    }
    assert_eq!(setup.all("users").await.len(), 4);
    assert_eq!(setup.get(ADMIN, "/api/v1/users/boss").await.json()["identities"], json!([]));
}

#[tokio::test]
async fn a_verified_address_ties_where_the_configuration_says_so() {
    let setup = Setup::new("[issuers.user]\nlink_email = true\ncreate = false").await;
    let ada = setup.make("users", json!({"name": "Ada", "email": "ada@example.org"})).await;
    let nobody = (403, "this token is of nobody who is a user here (hint: ask the administrator of this gateway to make a user with this identity)".to_owned());
    for unverified in [
        json!({"email": "ada@example.org"}),
        json!({"email": "ada@example.org", "email_verified": false}),
        json!({"email": "ada@example.org", "email_verified": "yes"}),
        json!({"email": "eve@example.org", "email_verified": true}),
    ] {
        let (status, message) = setup.refused(&setup.token(unverified)).await;
        assert_eq!(status, 403);
        assert!(nobody.1.starts_with(&message), "{message}");
    }
    let verified = setup.token(json!({"email": "Ada@example.org", "email_verified": true}));
    assert_eq!(setup.call(&verified).await.status, StatusCode::OK);
    // Once tied, the address is no longer asked for.
    assert_eq!(setup.call(&setup.token(json!({}))).await.status, StatusCode::OK);
    let users = setup.all("users").await;
    assert_eq!((users.len(), &users[0]["id"]), (1, &ada["id"]));
    assert_eq!(users[0]["identities"][0]["subject"], "ada");
}

#[tokio::test]
async fn an_administrator_says_who_a_user_is_elsewhere() {
    let setup = Setup::new("[issuers.user]\ncreate = false").await;
    assert_eq!(setup.refused(&setup.token(json!({}))).await.0, 403);
    let identity = json!({"issuer": setup.idp.url, "subject": "ada"});
    let ada = setup.make("users", json!({"name": "Ada", "identities": [identity]})).await;
    let token = setup.token(json!({}));
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
    assert_eq!(setup.all("keys").await[0]["user"], ada["id"]);
    // One identity is one user's, and may be taken away.
    let again = json!({"name": "Eve", "identities": [identity]});
    let again = setup.send(ADMIN, "POST", "/api/v1/users", again.to_string()).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    assert_eq!(setup.patch("users/Ada", json!({"identities": []})).await.status, StatusCode::OK);
    assert_eq!(setup.refused(&token).await.0, 403);
    // Who is deleted is nobody.
    assert_eq!(setup.patch("users/Ada", json!({"identities": [identity]})).await.status, StatusCode::OK);
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
    assert_eq!(setup.send(ADMIN, "DELETE", "/api/v1/users/Ada", "").await.status, StatusCode::OK);
    assert_eq!(setup.refused(&token).await.0, 403);
}

#[tokio::test]
async fn the_team_is_what_the_claim_says_and_an_unknown_one_is_refused() {
    let setup = Setup::new("[issuers.team]\nclaim = \"org.groups\"\nmap = { eng = \"search\", sales = \"ads\" }").await;
    setup.make("teams", json!({"name": "search"})).await;
    let token =
        |groups: Value| setup.token(json!({"org": {"groups": groups}, "groups": ["eng"], "org.groups": ["eng"]}));
    assert_eq!(
        setup.call(&token(json!(["other", "sales", "eng"]))).await.status,
        StatusCode::OK,
        "the first that is here"
    );
    assert_eq!(setup.call(&token(json!("eng"))).await.status, StatusCode::OK);
    let unknown = (403, "there is no team `ads` here, which this token names".to_owned());
    assert_eq!(setup.refused(&token(json!(["sales"]))).await, unknown);
    let none = (403, "this token names no team that counts here (`org.groups`)".to_owned());
    for groups in [json!(["search"]), json!([]), json!(null), json!({"eng": true}), json!([["eng"]])] {
        assert_eq!(setup.refused(&token(groups.clone())).await, none, "{groups}");
    }
    let teams = setup.all("teams").await;
    assert_eq!(teams.len(), 1);
    let keys = setup.all("keys").await;
    assert_eq!((keys.len(), &keys[0]["team"]), (1, &teams[0]["id"]));
    // A team that is gone takes the key with it, and the token says what is missing.
    assert_eq!(setup.send(ADMIN, "DELETE", "/api/v1/teams/search", "").await.status, StatusCode::OK);
    assert_eq!(setup.refused(&token(json!("eng"))).await.0, 403);
}

#[tokio::test]
async fn teams_and_organizations_are_made_where_they_may_be() {
    let tables = "[issuers.team]\nclaim = \"team\"\ncreate = true\ndefault = \"everyone\"\n\
        [issuers.organization]\nclaim = \"company\"\ncreate = true";
    let setup = Setup::new(tables).await;
    let calls = (0..8).map(|number| setup.token(json!({"team": "new", "company": "acme", "jti": number})));
    let calls: Vec<String> = calls.collect();
    for reply in futures_util::future::join_all(calls.iter().map(|token| setup.call(token))).await {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    let (teams, organizations) = (setup.all("teams").await, setup.all("organizations").await);
    assert_eq!((teams.len(), organizations.len(), setup.all("keys").await.len()), (1, 1, 1));
    assert_eq!(teams[0]["organization"], organizations[0]["id"]);
    // A team of one organization is not reached through another.
    let refused = setup.refused(&setup.token(json!({"team": "new", "company": "other"}))).await;
    assert_eq!(refused, (403, "the team `new` is not of the organization that this token names".into()));
    // The same person in another team has another key, so nothing is mixed up.
    assert_eq!(setup.call(&setup.token(json!({"company": "acme"}))).await.status, StatusCode::OK);
    assert_eq!((setup.all("users").await.len(), setup.all("keys").await.len()), (1, 2));
    assert_eq!(setup.all("users").await[0]["teams"].as_array().unwrap().len(), 2);
}
