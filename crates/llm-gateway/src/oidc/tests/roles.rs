//! What a token may do beside calling models.

use super::*;

const ROLES: &str = "[issuers.team]\nclaim = \"team\"\ndefault = \"search\"\n[issuers.role]\nclaim = \"roles\"\n\
    map = { boss = \"administrator\", watcher = \"auditor\", lead = \"team_administrator\" }";

async fn with_roles() -> Setup {
    let setup = Setup::new(ROLES).await;
    for team in ["search", "ads"] {
        setup.make("teams", json!({"name": team})).await;
    }
    setup
}

#[tokio::test]
async fn a_role_is_given_by_the_mapped_claim_alone() {
    let setup = with_roles().await;
    let sees = |claims: Value| {
        let (setup, token) = (&setup, setup.token(claims));
        async move {
            let organizations = setup.get(&token, "/api/v1/organizations").await.status.as_u16();
            let made = setup.send(&token, "POST", "/api/v1/organizations", r#"{"name":"x"}"#).await.status.as_u16();
            (organizations, made)
        }
    };
    for escalation in [
        json!({"role": "administrator"}),
        json!({"roles": "administrator"}),
        json!({"roles": ["administrator", "Boss", "boss "]}),
        json!({"roles": {"boss": true}}),
        json!({"roles": [["boss"]]}),
        json!({"realm_access": {"roles": ["boss"]}, "scope": "boss", "groups": ["boss"]}),
        json!({"roles": "member boss"}),
        json!({}),
    ] {
        assert_eq!(sees(escalation.clone()).await, (403, 403), "{escalation}");
    }
    assert_eq!(sees(json!({"roles": "watcher"})).await, (200, 403));
    assert_eq!(sees(json!({"roles": ["lead", "boss", "watcher"]})).await, (200, 201));
    // It is the token's, and not the user's from then on.
    assert_eq!(sees(json!({})).await, (403, 403));
    assert_eq!(setup.all("users").await[0]["role"], "member");
    let by = &setup.get(ADMIN, "/api/v1/audit?kind=organization").await.json()["data"][0]["by"];
    assert_eq!((&by["kind"], &by["user"]), (&json!("key"), &setup.all("users").await[0]["id"]));
}

#[tokio::test]
async fn a_team_administrator_by_token_reaches_the_team_of_the_token() {
    let setup = with_roles().await;
    // A member of another team as well, by an earlier token.
    assert_eq!(setup.call(&setup.token(json!({"team": "ads"}))).await.status, StatusCode::OK);
    let lead = setup.token(json!({"roles": ["lead"]}));
    let make = |team: &str| {
        let (setup, lead) = (&setup, &lead);
        let draft = json!({"name": "ci", "team": team}).to_string();
        async move { setup.send(lead, "POST", "/api/v1/keys", draft).await.status.as_u16() }
    };
    assert_eq!((make("search").await, make("ads").await), (201, 404));
    // A role that is said of the user here adds nothing to what the issuer says.
    let user = setup.all("users").await[0]["id"].as_str().unwrap().to_owned();
    let raised = setup.patch(&format!("users/{user}"), json!({"role": "administrator"})).await;
    assert_eq!(raised.status, StatusCode::OK);
    let plain = setup.token(json!({"jti": "2"}));
    assert_eq!(setup.get(&plain, "/api/v1/organizations").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_a_map_of_roles_the_user_has_those_of_this_gateway() {
    let setup = Setup::new("").await;
    let token = setup.token(json!({"roles": ["administrator"], "role": "administrator"}));
    assert_eq!(setup.get(&token, "/api/v1/keys").await.status, StatusCode::OK);
    assert_eq!(setup.get(&token, "/api/v1/organizations").await.status, StatusCode::FORBIDDEN);
    let user = setup.all("users").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(setup.patch(&format!("users/{user}"), json!({"role": "auditor"})).await.status, StatusCode::OK);
    assert_eq!(setup.get(&token, "/api/v1/organizations").await.status, StatusCode::OK);
    assert_eq!(setup.patch(&format!("users/{user}"), json!({"role": "member"})).await.status, StatusCode::OK);
    assert_eq!(setup.get(&token, "/api/v1/organizations").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_leaves_no_secret_that_outlives_it() {
    let setup = with_roles().await;
    let boss = setup.token(json!({"roles": "boss"}));
    assert_eq!(setup.call(&boss).await.status, StatusCode::OK);
    let key = setup.all("keys").await[0]["id"].as_str().unwrap().to_owned();
    for token in [&boss, &setup.token(json!({})), ADMIN] {
        let rotated = setup.send(token, "POST", &format!("/api/v1/keys/{key}/rotate"), "{}").await;
        assert_eq!(rotated.status, StatusCode::BAD_REQUEST, "{}", rotated.text);
    }
    for change in [json!({"team": "ads"}), json!({"user": null}), json!({"role": "administrator"})] {
        let changed = setup.patch(&format!("keys/{key}"), change.clone()).await;
        assert_eq!(changed.status, StatusCode::BAD_REQUEST, "{change}: {}", changed.text);
    }
    // No part of a token is kept.
    let (_, signature) = boss.rsplit_once('.').unwrap();
    setup.gateway.flush().await.unwrap();
    for table in ["keys", "users", "calls", "audit"] {
        assert!(!setup.get(ADMIN, &format!("/api/v1/{table}")).await.text.contains(signature));
    }
}

#[tokio::test]
async fn identities_are_for_administrators_to_say() {
    let setup = with_roles().await;
    let lead = setup.token(json!({"roles": "lead"}));
    assert_eq!(setup.call(&lead).await.status, StatusCode::OK);
    let identity = json!([{"issuer": setup.idp.url, "subject": "the-boss"}]);
    let draft = json!({"name": "trap", "teams": ["search"], "identities": identity});
    assert_eq!(setup.send(&lead, "POST", "/api/v1/users", draft.to_string()).await.status, StatusCode::FORBIDDEN);
    let plain = json!({"name": "trap", "teams": ["search"]});
    assert_eq!(setup.send(&lead, "POST", "/api/v1/users", plain.to_string()).await.status, StatusCode::CREATED);
    let change = json!({"identities": identity}).to_string();
    assert_eq!(setup.send(&lead, "PATCH", "/api/v1/users/trap", change).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_is_its_users_in_every_team() {
    let setup = with_roles().await;
    let token = setup.token(json!({}));
    assert_eq!(setup.call(&token).await.status, StatusCode::OK);
    // A member of the other team as well, with a key there. It is the token that proves who comes, and not the team.
    assert_eq!(setup.call(&setup.token(json!({"team": "ads"}))).await.status, StatusCode::OK);
    let user = setup.all("users").await[0]["id"].clone();
    let theirs = setup.make("keys", json!({"name": "theirs", "team": "ads", "user": user})).await;
    let path = format!("/api/v1/keys/{}", theirs["id"].as_str().unwrap());
    assert_eq!(setup.get(&token, &path).await.status, StatusCode::OK);
    assert_eq!(setup.send(&token, "POST", &format!("{path}/rotate"), "{}").await.status, StatusCode::OK);
    let own = setup.get(&token, &format!("/api/v1/users/{}", user.as_str().unwrap())).await.json();
    assert_eq!((own["teams"].as_array().unwrap().len(), own["identities"].as_array().unwrap().len()), (2, 1));
    setup.gateway.flush().await.unwrap();
    let sums = setup.get(&token, "/api/v1/usage?group_by=team").await.json();
    assert_eq!(sums["data"].as_array().unwrap().len(), 2, "{sums}");
}
