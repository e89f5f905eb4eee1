//! Nobody reaches further than its role, and nobody can raise itself.

use super::*;

/// Two teams of an organization, and someone of every kind in the first of them.
pub(super) struct Company {
    pub(super) server: Server,
    /// Secrets by what their keys are.
    administrator: String,
    auditor: String,
    pub(super) lead: String,
    member: String,
    plain: String,
    pub(super) ids: Value,
}

impl Company {
    pub(super) async fn new() -> Self {
        let server = Server::whole("[limits.defaults]\nrequests = \"600/minute\"").await;
        let make = |kind: &'static str, draft: Value| {
            let server = &server;
            async move {
                let made = server.post(&format!("/api/v1/{kind}"), draft).await;
                assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
                made.json()
            }
        };
        let id = |made: &Value| made["id"].clone();
        let organization = make("organizations", json!({"name": "acme"})).await;
        let mut ids = json!({"acme": id(&organization)});
        for team in ["search", "ads"] {
            ids[team] = id(&make("teams", json!({"name": team, "organization": "acme"})).await);
        }
        ids["lea"] = id(&make(
            "users",
            json!({
                "name": "lea", "teams": [{"team": "search", "role": "team_administrator"}]
            }),
        )
        .await);
        ids["max"] = id(&make("users", json!({"name": "max", "teams": ["search"]})).await);
        ids["eve"] = id(&make("users", json!({"name": "eve", "teams": ["ads"]})).await);
        ids["two"] = id(&make("users", json!({"name": "two", "teams": ["search", "ads"]})).await);
        let mut secrets = Vec::new();
        for draft in [
            json!({"name": "administrator", "role": "administrator", "team": "search"}),
            json!({"name": "auditor", "role": "auditor"}),
            json!({"name": "lead", "role": "team_administrator", "user": "lea", "team": "search"}),
            json!({"name": "member", "role": "member", "user": "max", "team": "search"}),
            json!({"name": "plain", "team": "search", "user": "max"}),
            json!({"name": "theirs", "team": "ads", "user": "eve"}),
        ] {
            let made = make("keys", draft).await;
            ids[made["name"].as_str().unwrap()] = id(&made);
            secrets.push(made["key"].as_str().unwrap().to_owned());
        }
        let limit = |kind: &str, of: &Value| json!({"scope": {"kind": kind, "id": of}, "meter": "requests", "window": "minute", "amount": 5});
        for (name, kind, of) in
            [("team_limit", "team", "search"), ("their_limit", "team", "ads"), ("tag_limit", "tag", "acme")]
        {
            ids[name] = id(&make("limits", limit(kind, &ids[of].clone())).await);
        }
        let [administrator, auditor, lead, member, plain, _] = <[String; 6]>::try_from(secrets).unwrap();
        Self { server, administrator, auditor, lead, member, plain, ids }
    }

    pub(super) fn id(&self, name: &str) -> &str {
        self.ids[name].as_str().unwrap()
    }

    /// The status of a request whose path names things by `{name}`.
    pub(super) async fn ask(&self, key: &str, method: &str, path: &str, body: Value) -> Reply {
        let mut path = path.to_owned();
        for (name, id) in self.ids.as_object().unwrap() {
            path = path.replace(&format!("{{{name}}}"), id.as_str().unwrap());
        }
        self.server.send(Some(key), method, &format!("/api/v1/{path}"), body.to_string()).await
    }

    pub(super) async fn status(&self, key: &str, method: &str, path: &str, body: Value) -> u16 {
        self.ask(key, method, path, body).await.status.as_u16()
    }

    pub(super) async fn names(&self, key: &str, list: &str) -> Vec<String> {
        let reply = self.ask(key, "GET", list, json!({})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let data = reply.json()["data"].clone();
        let mut names: Vec<String> =
            data.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn each_role_sees_what_it_may() {
    let company = Company::new().await;
    let everything = ["administrator", "auditor", "lead", "member", "plain", "theirs"];
    for key in [ADMIN, &company.administrator, &company.auditor] {
        assert_eq!(company.names(key, "keys").await, everything);
        assert_eq!(company.names(key, "teams").await, ["ads", "search"]);
        assert_eq!(company.names(key, "users").await, ["eve", "lea", "max", "two"]);
        assert_eq!(company.names(key, "organizations").await, ["acme"]);
    }
    assert_eq!(company.names(&company.lead, "keys").await, ["administrator", "lead", "member", "plain"]);
    assert_eq!(company.names(&company.lead, "teams").await, ["search"]);
    assert_eq!(company.names(&company.lead, "users").await, ["lea", "max", "two"]);
    assert_eq!(company.names(&company.lead, "users?team=search").await, ["lea", "max", "two"]);
    assert_eq!(company.names(&company.member, "keys").await, ["member", "plain"]);
    assert_eq!(company.names(&company.member, "teams").await, ["search"]);
    assert_eq!(company.names(&company.member, "users").await, ["max"]);

    // What is out of reach is not there, whether it exists or not.
    for path in [
        "keys/{theirs}",
        "keys/key_no",
        "teams/{ads}",
        "teams/ads",
        "users/{eve}",
        "users/eve",
        "limits/{their_limit}",
        "limits/{tag_limit}",
        "users?team=ads",
        "calls?team={ads}",
        "usage?team={ads}",
    ] {
        assert_eq!(company.status(&company.lead, "GET", path, json!({})).await, 404, "{path}");
    }
    for path in
        ["keys/{lead}", "users/{lea}", "teams/{ads}", "limits/{their_limit}", "calls?user={lea}", "usage?user={eve}"]
    {
        assert_eq!(company.status(&company.member, "GET", path, json!({})).await, 404, "{path}");
    }
    for path in ["organizations", "organizations/{acme}", "deployments", "models"] {
        for key in [&company.lead, &company.member] {
            assert_eq!(company.status(key, "GET", path, json!({})).await, 403, "{path}");
        }
    }
    assert_eq!(company.status(&company.member, "GET", "teams/{search}/members", json!({})).await, 403);
    assert_eq!(company.names(&company.lead, "teams/{search}/members").await, ["lea", "max", "two"]);
    assert_eq!(company.status(&company.lead, "GET", "limits/{team_limit}", json!({})).await, 200);
}

#[tokio::test]
async fn calls_and_sums_are_narrowed() {
    let company = Company::new().await;
    let (own, theirs) = (company.id("plain").to_owned(), company.id("theirs").to_owned());
    company.server.record_of(&own, Some(company.id("search")), Some(company.id("max"))).await;
    let foreign = company.server.record_of(&theirs, Some(company.id("ads")), Some(company.id("eve"))).await;
    let count = |key: &str, path: &'static str| {
        let (company, key) = (&company, key.to_owned());
        async move {
            let reply = company.ask(&key, "GET", path, json!({})).await;
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
            let data = reply.json()["data"].clone();
            let data = data.as_array().unwrap().clone();
            data.first().and_then(|row| row["calls"].as_u64()).unwrap_or(data.len() as u64)
        }
    };
    for path in ["calls", "usage"] {
        assert_eq!(count(&company.auditor, path).await, 2, "{path}");
        assert_eq!(count(&company.lead, path).await, 1, "{path}");
        assert_eq!(count(&company.member, path).await, 1, "{path}");
    }
    for key in [&company.lead, &company.member] {
        let path = format!("calls/{foreign}");
        assert_eq!(company.status(key, "GET", &path, json!({})).await, 404);
    }
    let path = format!("calls/{foreign}");
    assert_eq!(company.status(&company.auditor, "GET", &path, json!({})).await, 200);
    // A key of another team is not seen through one's own.
    let path = format!("usage?key={theirs}");
    assert_eq!(company.ask(&company.lead, "GET", &path, json!({})).await.json()["data"], json!([]));
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    let company = Company::new().await;
    for (method, path, rule) in ADMIN_ROUTES {
        let changes = *method != "GET" && !matches!(rule, Rule::Open | Rule::Key | Rule::Login);
        let path = path.trim_start_matches("/api/v1/").replace("{id}", "x").replace("{user}", "x");
        if changes {
            let reply = company.ask(&company.auditor, method, &path, json!({})).await;
            assert_eq!(reply.refused(), (403, "permission_denied".into()), "{method} {path}");
        }
        if !matches!(rule, Rule::Open | Rule::Key | Rule::Login) {
            let reply = company.ask(&company.plain, method, &path, json!({})).await;
            assert_eq!(reply.refused(), (403, "permission_denied".into()), "{method} {path}");
        }
        let lets_in = matches!(rule, Rule::Member | Rule::Open | Rule::Key | Rule::Login);
        if !lets_in {
            let reply = company.ask(&company.member, method, &path, json!({})).await;
            assert_eq!(reply.refused(), (403, "permission_denied".into()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_team_administrator_looks_after_its_team() {
    let company = Company::new().await;
    let lead = &company.lead;
    // Its only team is meant where none is said, and the limits of the configuration hold whatever is said.
    let made = company.ask(lead, "POST", "keys", json!({"name": "new", "user": "max", "limits": []})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["team"], &made["limits"][0]["amount"]), (&company.ids["search"], &json!(600)));
    let path = format!("keys/{}", made["id"].as_str().unwrap());
    let changed = company
        .ask(
            lead,
            "PATCH",
            &path,
            json!({"blocked": true, "limits": [
                {"meter": "spend", "window": "day", "amount": "1"}
            ]}),
        )
        .await;
    assert_eq!(changed.json()["limits"].as_array().unwrap().len(), 2, "{}", changed.text);
    assert_eq!(company.status(lead, "POST", &format!("{path}/rotate"), json!({})).await, 200);
    let limit = json!({"scope": {"kind": "key", "id": made["id"]}, "meter": "requests", "window": "hour", "amount": 5});
    let limit = company.ask(lead, "POST", "limits", limit).await;
    assert_eq!(limit.status, StatusCode::CREATED, "{}", limit.text);
    let limit = format!("limits/{}", limit.json()["id"].as_str().unwrap());
    let raised = company.ask(lead, "PATCH", &limit, json!({"amount": 9})).await.json();
    assert_eq!((&raised["amount"], &raised["window"]), (&json!(9), &json!("hour")));
    assert_eq!(company.status(lead, "DELETE", &limit, json!({})).await, 200);
    assert_eq!(company.status(lead, "DELETE", &path, json!({})).await, 200);

    let made = company.ask(lead, "POST", "users", json!({"name": "new", "teams": ["search"]})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(company.status(lead, "PATCH", "users/new", json!({"models": ["fast"]})).await, 200);
    let role = json!({"role": "team_administrator"});
    assert_eq!(company.ask(lead, "PUT", "teams/{search}/members/new", role).await.json()["role"], "team_administrator");
    assert_eq!(company.status(lead, "DELETE", "teams/{search}/members/new", json!({})).await, 200);
}

#[tokio::test]
async fn a_team_administrator_reaches_no_further() {
    let company = Company::new().await;
    let member = |team: &str, role: &str| json!({"name": "x", "teams": [{"team": team, "role": role}]});
    let limit = |kind: &str, id: &str| {
        json!({"scope": {"kind": kind, "id": company.ids.get(id).unwrap_or(&json!(id))}, "meter": "requests",
               "window": "minute", "amount": 1_000_000})
    };
    let rows = [
        // Another's team, by its id and by its name, is not there.
        ("POST", "keys", json!({"name": "x", "team": company.id("ads")}), 404),
        ("POST", "keys", json!({"name": "x", "team": "ads"}), 404),
        ("POST", "keys", json!({"name": "x", "team": "nothing"}), 404),
        ("POST", "keys", json!({"name": "x", "user": "eve"}), 404),
        ("POST", "users", member("ads", "member"), 404),
        ("PATCH", "keys/{plain}", json!({"team": "ads"}), 404),
        ("PATCH", "keys/{plain}", json!({"user": "eve"}), 404),
        ("PATCH", "keys/{theirs}", json!({"blocked": false}), 404),
        ("DELETE", "keys/{theirs}", json!({}), 404),
        ("POST", "keys/{theirs}/rotate", json!({}), 404),
        ("PATCH", "users/{eve}", json!({"blocked": true}), 404),
        ("PUT", "teams/{search}/members/{eve}", json!({}), 404),
        ("PUT", "teams/{ads}/members/{max}", json!({}), 404),
        ("DELETE", "teams/{ads}/members/{eve}", json!({}), 404),
        ("POST", "limits", limit("team", "ads"), 404),
        ("POST", "limits", limit("key", "theirs"), 404),
        ("POST", "limits", limit("user", "eve"), 404),
        ("PATCH", "limits/{their_limit}", json!({"amount": 9}), 404),
        ("DELETE", "limits/{their_limit}", json!({}), 404),
        // No key, user or secret of a higher role.
        ("POST", "keys", json!({"name": "x", "role": "administrator"}), 403),
        ("POST", "keys", json!({"name": "x", "role": "auditor"}), 403),
        ("PATCH", "keys/{plain}", json!({"role": "administrator"}), 403),
        ("PATCH", "keys/{plain}", json!({"team": null}), 403),
        ("PATCH", "keys/{administrator}", json!({"blocked": true}), 403),
        ("DELETE", "keys/{administrator}", json!({}), 403),
        ("POST", "keys/{administrator}/rotate", json!({}), 403),
        ("POST", "users", json!({"name": "x", "role": "administrator", "teams": ["search"]}), 403),
        ("POST", "users", json!({"name": "x", "role": "team_administrator", "teams": ["search"]}), 403),
        ("POST", "users", json!({"name": "x"}), 403),
        ("PATCH", "users/{max}", json!({"role": "auditor"}), 403),
        ("PATCH", "users/{max}", json!({"teams": []}), 403),
        // Who is in another team as well is not its own to change.
        ("PATCH", "users/{two}", json!({"blocked": true}), 403),
        ("POST", "limits", limit("user", "two"), 403),
        // Not itself, nor what its team is under.
        ("PATCH", "keys/{lead}", json!({"limits": []}), 403),
        ("PATCH", "keys/{lead}", json!({"role": "administrator"}), 403),
        ("DELETE", "keys/{lead}", json!({}), 403),
        ("PATCH", "users/{lea}", json!({"models": null}), 403),
        ("PUT", "teams/{search}/members/{lea}", json!({"role": "team_administrator"}), 403),
        ("POST", "limits", limit("key", "lead"), 403),
        ("POST", "limits", limit("user", "lea"), 403),
        ("PATCH", "teams/{search}", json!({"models": null}), 403),
        ("DELETE", "teams/{search}", json!({}), 403),
        ("POST", "limits", limit("team", "search"), 403),
        ("POST", "limits", limit("tag", "batch"), 403),
        ("POST", "limits", limit("end_user", "*"), 403),
        ("POST", "limits", limit("organization", "acme"), 403),
        ("PATCH", "limits/{team_limit}", json!({"amount": 9}), 403),
        ("DELETE", "limits/{team_limit}", json!({}), 403),
        ("POST", "teams", json!({"name": "x"}), 403),
        ("POST", "organizations", json!({"name": "x"}), 403),
        ("PATCH", "organizations/{acme}", json!({"blocked": false}), 403),
        ("DELETE", "users/{max}", json!({}), 403),
    ];
    let before = company.server.get("/api/v1/keys").await.text;
    for (method, path, body, status) in rows {
        let reply = company.ask(&company.lead, method, path, body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{method} {path} {body}: {}", reply.text);
        assert!(!reply.text.contains("did you mean"), "{}", reply.text);
    }
    assert_eq!(company.server.get("/api/v1/keys").await.text, before);
}

#[tokio::test]
async fn a_member_keeps_to_its_own() {
    let company = Company::new().await;
    let member = &company.member;
    assert_eq!(company.status(member, "POST", "keys/{plain}/rotate", json!({"grace": "1h"})).await, 200);
    assert_eq!(company.status(member, "POST", "keys/{lead}/rotate", json!({})).await, 404);
    for (method, path, body) in [
        ("POST", "keys", json!({"name": "x"})),
        ("PATCH", "keys/{member}", json!({"role": "administrator"})),
        ("PATCH", "keys/{member}", json!({"limits": []})),
        ("PATCH", "users/{max}", json!({"role": "administrator"})),
        ("PUT", "teams/{search}/members/{max}", json!({"role": "team_administrator"})),
        (
            "POST",
            "limits",
            json!({"scope": {"kind": "user", "id": "max"}, "meter": "requests", "window": "minute", "amount": 1}),
        ),
    ] {
        assert_eq!(company.status(member, method, path, body).await, 403, "{method} {path}");
    }
    // A secret opens all that its key may do, so one's own key of a higher role is not rotated by a lower one.
    company.server.send(Some(ADMIN), "PATCH", "/api/v1/users/max", r#"{"role":"auditor"}"#).await;
    let (id, _) = company.server.key(json!({"name": "high", "user": "max", "team": "search", "role": "auditor"})).await;
    assert_eq!(company.status(member, "POST", &format!("keys/{id}/rotate"), json!({})).await, 403);
}

#[tokio::test]
async fn a_role_ends_with_the_users() {
    let company = Company::new().await;
    let as_admin = |method: &'static str, path: &'static str, body: Value| company.ask(ADMIN, method, path, body);
    assert_eq!(as_admin("PATCH", "users/{lea}", json!({"role": "administrator"})).await.status, StatusCode::OK);
    let (_, high) = company.server.key(json!({"name": "high", "user": "lea", "role": "administrator"})).await;
    assert_eq!(company.status(&high, "POST", "teams", json!({"name": "new"})).await, 201);
    assert_eq!(as_admin("PATCH", "users/{lea}", json!({"role": "member"})).await.status, StatusCode::OK);
    assert_eq!(company.status(&high, "POST", "teams", json!({"name": "newer"})).await, 403);
    assert_eq!(company.status(&high, "GET", "keys/{plain}", json!({})).await, 404);

    assert_eq!(company.status(&company.lead, "PATCH", "keys/{plain}", json!({})).await, 200);
    let member = json!({"role": "member"});
    assert_eq!(as_admin("PUT", "teams/{search}/members/{lea}", member).await.status, StatusCode::OK);
    assert_eq!(company.status(&company.lead, "PATCH", "keys/{plain}", json!({})).await, 403);
    assert_eq!(as_admin("PATCH", "users/{lea}", json!({"blocked": true})).await.status, StatusCode::OK);
    let refused = company.ask(&company.lead, "GET", "keys", json!({})).await.refused();
    assert_eq!(refused, (403, "key_blocked".into()));
}

#[tokio::test]
async fn organizations_and_users_are_made_shown_changed_and_deleted() {
    let company = Company::new().await;
    let organization = company.ask(ADMIN, "GET", "organizations/acme", json!({})).await.json();
    let members: Vec<&String> = organization.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "name", "models", "blocked", "metadata", "created_at", "limits"]);
    let changed = company
        .ask(
            ADMIN,
            "PATCH",
            "organizations/{acme}",
            json!({"limits": [
        {"meter": "spend", "window": "month", "amount": "100"}
    ], "metadata": {"cost_centre": 7}}),
        )
        .await
        .json();
    assert_eq!((&changed["limits"][0]["remaining"], &changed["metadata"]["cost_centre"]), (&json!("100"), &json!(7)));
    let user = company.ask(ADMIN, "GET", "users/{lea}", json!({})).await.json();
    assert_eq!(user["teams"], json!([{"team": company.ids["search"], "role": "team_administrator"}]));
    let gone = company.ask(ADMIN, "DELETE", "organizations/{acme}", json!({})).await;
    assert_eq!(gone.json(), json!({"id": company.ids["acme"], "deleted": true}));
    assert_eq!(company.server.send(Some(&company.plain), "GET", "/api/v1/keys/me", "").await.refused().0, 401);
    assert_eq!(company.names(ADMIN, "teams").await, Vec::<String>::new());
    assert_eq!(company.status(ADMIN, "DELETE", "users/{lea}", json!({})).await, 200);
}
