//! A user in two teams. Whoever administers one of them can have the secret of any key that belongs to both this team and
//! the user, so with such a key nobody reaches what the user has in the other.

use super::roles::Company;
use super::*;

/// `duo` and `root` in two teams, each with a key in either and one in none; and what `lea`, who administers the first
/// team, may make: keys of these users in her own.
struct Trap {
    company: Company,
    /// Secrets that `lea` has, with what they are.
    held: Vec<(&'static str, String)>,
    /// Secrets of keys that are in no team: the users' own.
    free: String,
    /// The call that was made in the other team.
    foreign: CallId,
    /// The call that was made in the first.
    near: CallId,
}

/// What is said nowhere but in the other team.
const FOREIGN_MODEL: &str = "the-model-of-the-other-team";
const SUBJECT: &str = "the-subject-of-duo";

impl Trap {
    async fn new() -> Self {
        let mut company = Company::new().await;
        let lead_of_both = json!([{"team": "search", "role": "team_administrator"},
                                  {"team": "ads", "role": "team_administrator"}]);
        let identities = json!([{"issuer": "https://idp.example", "subject": SUBJECT}]);
        for (name, draft) in [
            ("duo", json!({"name": "duo", "teams": lead_of_both, "identities": identities})),
            ("root", json!({"name": "root", "role": "administrator", "teams": ["search", "ads"]})),
        ] {
            let made = company.server.post("/api/v1/users", draft).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            company.ids[name] = made.json()["id"].clone();
        }
        let mut free = String::new();
        for (name, draft) in [
            ("duo_ads", json!({"user": "duo", "team": "ads", "role": "team_administrator"})),
            ("duo_ads_plain", json!({"user": "duo", "team": "ads"})),
            ("duo_free", json!({"user": "duo", "role": "team_administrator"})),
            ("root_ads", json!({"user": "root", "team": "ads", "role": "team_administrator"})),
            ("root_free", json!({"user": "root", "role": "administrator"})),
            ("ads_own", json!({"team": "ads"})),
        ] {
            let mut draft = draft;
            draft["name"] = json!(name);
            let (id, secret) = company.server.key(draft).await;
            company.ids[name] = json!(id);
            if name == "duo_free" {
                free = secret;
            }
        }
        let limits =
            [("duo_limit", "user", "duo"), ("duo_ads_limit", "key", "duo_ads"), ("root_limit", "user", "root")];
        for (name, kind, of) in limits {
            let limit = json!({"scope": {"kind": kind, "id": company.ids[of]}, "meter": "spend", "window": "month",
                               "amount": "123.25"});
            let made = company.server.post("/api/v1/limits", limit).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            company.ids[name] = made.json()["id"].clone();
        }
        let (duo, ads, search) = (company.id("duo"), company.id("ads"), company.id("search"));
        let call =
            |key: &'static str, team, model| company.server.record_call(company.id(key), team, Some(duo), model, 7);
        let foreign = call("duo_ads", Some(ads), FOREIGN_MODEL).await;
        call("duo_free", None, FOREIGN_MODEL).await;
        let near = call("plain", Some(search), "fast").await;

        // What a team administrator may do.
        let mut held = Vec::new();
        for (what, draft) in [
            ("made for a lead", json!({"name": "t", "user": "duo", "role": "team_administrator"})),
            ("made for a lead as a member's", json!({"name": "t", "user": "duo", "role": "member"})),
            ("made for the administrator", json!({"name": "t", "user": "root", "role": "team_administrator"})),
            ("made for the administrator as a member's", json!({"name": "t", "user": "root", "role": "member"})),
        ] {
            let made = company.ask(&company.lead, "POST", "keys", draft).await;
            assert_eq!(made.status, StatusCode::CREATED, "{what}: {}", made.text);
            held.push((what, made.json()["key"].as_str().unwrap().to_owned()));
        }
        let (theirs, _) = company
            .server
            .key(json!({"name": "duo_search", "user": "duo", "team": "search", "role": "team_administrator"}))
            .await;
        let rotated = company.ask(&company.lead, "POST", &format!("keys/{theirs}/rotate"), json!({})).await;
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text);
        held.push(("rotated", rotated.json()["key"].as_str().unwrap().to_owned()));
        held.push(("her own", company.lead.clone()));
        Self { company, held, free, foreign, near }
    }

    /// Whatever of the other team must not be told.
    fn secrets(&self) -> Vec<String> {
        let ids = [
            "ads",
            "duo_ads",
            "duo_ads_plain",
            "duo_free",
            "root_ads",
            "root_free",
            "ads_own",
            "their_limit",
            "duo_limit",
            "duo_ads_limit",
            "root_limit",
            "theirs",
            "eve",
        ];
        let mut all: Vec<String> = ids.iter().map(|name| self.company.id(name).to_owned()).collect();
        all.extend([self.foreign.to_string(), FOREIGN_MODEL.to_owned(), SUBJECT.to_owned()]);
        all.extend(["123.25".to_owned(), "https://idp.example".to_owned()]);
        all
    }
}

#[tokio::test]
async fn a_key_of_a_team_shows_nothing_of_its_user_in_another() {
    let trap = Trap::new().await;
    let company = &trap.company;
    let secrets = trap.secrets();
    let paths = [
        "/api/v1/me",
        "/api/v1/keys",
        "/api/v1/keys?user=duo",
        "/api/v1/keys?team=ads",
        "/api/v1/keys?user=root&limit=500",
        "/api/v1/keys/{duo_ads}",
        "/api/v1/keys/{duo_ads_plain}",
        "/api/v1/keys/{duo_free}",
        "/api/v1/keys/{root_ads}",
        "/api/v1/keys/{root_free}",
        "/api/v1/teams",
        "/api/v1/teams/ads",
        "/api/v1/teams/{ads}",
        "/api/v1/teams/{ads}/members",
        "/api/v1/teams/{search}/members",
        "/api/v1/users",
        "/api/v1/users?team=search",
        "/api/v1/users?team=ads",
        "/api/v1/users/duo",
        "/api/v1/users/{duo}",
        "/api/v1/users/root",
        "/api/v1/users/two",
        "/api/v1/limits",
        "/api/v1/limits?scope=user&id={duo}",
        "/api/v1/limits?scope=key",
        "/api/v1/limits/{duo_limit}",
        "/api/v1/limits/{duo_ads_limit}",
        "/api/v1/limits/{root_limit}",
        "/api/v1/calls",
        "/api/v1/calls?user={duo}",
        "/api/v1/calls?team={ads}",
        "/api/v1/calls?user={duo}&team={ads}",
        "/api/v1/calls?key={duo_ads}",
        "/api/v1/calls/{foreign}",
        "/api/v1/usage?group_by=key,team,model,user",
        "/api/v1/usage?group_by=model&user={duo}",
        "/api/v1/usage?group_by=model&team={ads}",
        "/api/v1/usage?group_by=model&team={ads}&user={duo}",
        "/api/v1/usage?group_by=team,model&format=csv",
        "/api/v1/usage?group_by=team,model&user={duo}&format=csv",
        "/api/v1/usage?group_by=team,model&team={ads}&format=csv",
        "/api/v1/audit",
        "/api/v1/audit?target={duo_ads}",
        "/key/list",
        "/key/list?return_full_object=true",
        "/key/list?user_id=duo&return_full_object=true",
        "/key/list?team_id=ads&return_full_object=true",
        "/key/info?key={duo_ads}",
        "/key/info?key={duo_free}",
        "/team/list",
        "/team/list?user_id=duo",
        "/team/info?team_id=ads",
        "/team/info?team_id={ads}",
        "/team/info?team_id=search",
        "/user/info?user_id=duo",
        "/user/info?user_id={duo}",
        "/user/info?user_id=root",
        "/user/info?user_id=two",
        "/user/list",
        "/spend/logs",
        "/spend/logs?user_id=duo",
        "/spend/logs?api_key={duo_ads}",
        "/spend/logs?request_id={foreign}",
        "/spend/logs?start_date=2020-01-01&end_date=2099-01-01",
        "/global/spend/report?start_date=2020-01-01&end_date=2099-01-01",
        "/global/spend/report?start_date=2020-01-01&end_date=2099-01-01&group_by=api_key",
        "/global/spend/report?start_date=2020-01-01&end_date=2099-01-01&team_id={ads}",
        "/global/spend/report?start_date=2020-01-01&end_date=2099-01-01&internal_user_id=duo",
    ];
    for (what, key) in &trap.held {
        for path in paths {
            let mut asked = path.replace("{foreign}", &trap.foreign.to_string());
            for (name, id) in company.ids.as_object().unwrap() {
                asked = asked.replace(&format!("{{{name}}}"), id.as_str().unwrap());
            }
            let reply = company.server.send(Some(key), "GET", &asked, Body::empty()).await;
            assert!(reply.status != StatusCode::INTERNAL_SERVER_ERROR, "{path}: {}", reply.text);
            for secret in &secrets {
                // What was asked for by its id may be said back.
                let is_told = reply.text.contains(secret.as_str())
                    && (reply.status.is_success() || !asked.contains(secret.as_str()));
                assert!(!is_told, "a key {what}: {path} tells `{secret}`: {}", reply.text);
            }
        }
    }
}

#[tokio::test]
async fn a_key_of_a_team_changes_nothing_of_its_user_in_another() {
    let trap = Trap::new().await;
    let company = &trap.company;
    let everything = async || {
        let mut all = String::new();
        for list in ["keys?limit=500", "users", "teams", "limits"] {
            all.push_str(&company.server.get(&format!("/api/v1/{list}")).await.text);
        }
        all
    };
    let before = everything().await;
    for (what, key) in &trap.held {
        for target in ["duo_ads", "duo_ads_plain", "duo_free", "root_ads", "root_free", "ads_own", "theirs"] {
            let id = company.id(target);
            for (method, path, body) in [
                ("POST", format!("/api/v1/keys/{id}/rotate"), json!({})),
                ("POST", format!("/api/v1/keys/{id}/rotate"), json!({"grace": "1h"})),
                ("PATCH", format!("/api/v1/keys/{id}"), json!({"blocked": true})),
                ("DELETE", format!("/api/v1/keys/{id}"), json!({})),
                ("POST", format!("/key/{id}/regenerate"), json!({})),
                ("POST", "/key/update".to_owned(), json!({"key": id, "models": ["fast"]})),
                ("POST", "/key/block".to_owned(), json!({"key": id})),
                ("POST", "/key/delete".to_owned(), json!({"keys": [id]})),
            ] {
                let reply = company.server.send(Some(key), method, &path, body.to_string()).await;
                // A member may not even try to change; and what it might rotate is not there.
                let status = reply.status.as_u16();
                assert!(matches!(status, 403 | 404), "a key {what}: {method} {path}: {}", reply.text);
                assert!(status == 404 || !path.contains("rotate"), "a key {what}: {method} {path}: {}", reply.text);
            }
        }
        for (method, path, body) in [
            ("POST", "keys", json!({"name": "x", "team": "ads"})),
            ("POST", "keys", json!({"name": "x", "team": "ads", "user": "duo"})),
            ("PUT", "teams/{ads}/members/{duo}", json!({"role": "team_administrator"})),
            ("PUT", "teams/{ads}/members/{lea}", json!({"role": "team_administrator"})),
            ("DELETE", "teams/{ads}/members/{duo}", json!({})),
            ("PATCH", "users/{duo}", json!({"blocked": true})),
            ("PATCH", "users/{root}", json!({"blocked": true})),
            ("PATCH", "limits/{duo_limit}", json!({"amount": "1"})),
            ("DELETE", "limits/{duo_ads_limit}", json!({})),
            (
                "POST",
                "limits",
                json!({"scope": {"kind": "key", "id": company.ids["duo_ads"]}, "meter": "requests",
                                      "window": "minute", "amount": 1}),
            ),
            (
                "POST",
                "limits",
                json!({"scope": {"kind": "user", "id": "duo"}, "meter": "requests",
                                      "window": "minute", "amount": 1}),
            ),
        ] {
            let status = company.status(key, method, path, body).await;
            assert!(matches!(status, 403 | 404), "a key {what}: {method} {path}: {status}");
        }
    }
    assert_eq!(everything().await, before);
}

#[tokio::test]
async fn what_the_user_has_in_the_keys_own_team_is_seen_as_before() {
    let trap = Trap::new().await;
    let company = &trap.company;
    let (_, member) = &trap.held[1];
    assert_eq!(company.names(member, "teams").await, ["search"]);
    assert_eq!(company.names(member, "keys").await, ["duo_search", "t", "t"]);
    let calls = company.ask(member, "GET", "calls", json!({})).await.json();
    assert_eq!((&calls["data"][0]["id"], calls["data"].as_array().unwrap().len()), (&json!(trap.near), 1));
    assert_eq!(company.status(member, "GET", &format!("calls/{}", trap.near), json!({})).await, 200);
    let sums = company.ask(member, "GET", "usage?group_by=team", json!({})).await.json();
    assert_eq!((&sums["data"][0]["team"], &sums["data"][0]["calls"]), (&company.ids["search"], &json!(1)));
    // Whoever looks after a team sees of a user what is of the team.
    let seen = company.ask(&company.lead, "GET", "users/duo", json!({})).await.json();
    let own = json!([{"team": company.ids["search"], "role": "team_administrator"}]);
    assert_eq!((&seen["teams"], &seen["identities"], &seen["limits"]), (&own, &json!([]), &json!([])));
    let max = company.ask(&company.lead, "GET", "users/max", json!({})).await.json();
    assert_eq!(max["limits"], json!([]));
    let limit = json!({"scope": {"kind": "user", "id": "max"}, "meter": "requests", "window": "minute", "amount": 1});
    assert_eq!(company.status(&company.lead, "POST", "limits", limit).await, 201);
    let max = company.ask(&company.lead, "GET", "users/max", json!({})).await.json();
    assert_eq!(max["limits"][0]["amount"], 1, "of whoever is in no other team all is seen");
}

#[tokio::test]
async fn a_key_of_no_team_is_its_users_everywhere() {
    let trap = Trap::new().await;
    let company = &trap.company;
    let own = &trap.free;
    assert_eq!(company.names(own, "teams").await, ["ads", "search"]);
    let seen = company.ask(own, "GET", "users/duo", json!({})).await.json();
    assert_eq!((seen["teams"].as_array().unwrap().len(), &seen["limits"][0]["amount"]), (2, &json!("123.25")));
    assert_eq!(seen["identities"][0]["subject"], SUBJECT);
    assert_eq!(company.status(own, "GET", &format!("calls/{}", trap.foreign), json!({})).await, 200);
    assert_eq!(company.status(own, "POST", "keys/{duo_ads}/rotate", json!({})).await, 200);
    assert_eq!(company.status(own, "POST", "keys/{duo_free}/rotate", json!({})).await, 200);
}
