//! `/user/…`.

use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked, Refused, number_or_zero};
use super::members::{self, HARMLESS};
use super::ours::{Ours, escaped};
use super::{keys, limits};
use crate::litellm::node::Node;

/// LiteLLM's roles and ours.
const ROLES: [(&str, &str); 4] = [
    ("proxy_admin", "administrator"),
    ("proxy_admin_viewer", "auditor"),
    ("internal_user", "member"),
    ("internal_user_viewer", "member"),
];

/// `POST /user/new`: the user, and a key unless `auto_create_key` is false.
pub(super) async fn new(ours: &Ours, mut asked: Asked) -> Answer {
    let mut draft = Map::new();
    let id = asked.fields.take_text("user_id");
    let alias = asked.fields.take_text("user_alias");
    members::renamed(&mut asked.fields, &mut draft, &[("user_email", "email")], false);
    let email = draft.get("email").and_then(Value::as_str).map(str::to_owned);
    // Ids are made here. What the user is to be known by is its name, by which it is found as well.
    let name = id.clone().or_else(|| alias.clone()).or_else(|| email.clone());
    draft.insert("name".to_owned(), json!(name.ok_or_else(|| Refused::bad("user_id", "`user_id` is needed"))?));
    if let Some(role) = asked.fields.take_text("user_role") {
        let ours = ROLES.iter().find(|(theirs, _)| *theirs == role).map(|(_, ours)| *ours);
        let ours = ours.ok_or_else(|| Refused::bad("user_role", format!("there is no role like `{role}` here")))?;
        draft.insert("role".to_owned(), json!(ours));
    }
    if let Some(node) = asked.fields.take("teams") {
        draft.insert("teams".to_owned(), teams(node)?);
    }
    let with_key = asked.fields.take("auto_create_key").and_then(|node| node.bool()).unwrap_or(true);
    let key_alias = asked.fields.take_text("key_alias");
    let mut of_key = Map::new();
    members::expiry(&mut asked.fields, &mut of_key)?;
    members::renamed(&mut asked.fields, &mut of_key, &[("team_id", "team")], false);
    members::models(&mut asked.fields, &mut draft, false)?;
    members::metadata(&mut asked.fields, &mut draft)?;
    if let Some(alias) = alias.filter(|alias| id.as_ref().is_some_and(|id| id != alias)) {
        let metadata = draft.entry("metadata").or_insert_with(|| json!({}));
        metadata["user_alias"] = json!(alias);
    }
    if let Some(limits) = limits::take(&mut asked.fields, &[])? {
        draft.insert("limits".to_owned(), Value::Array(limits));
    }
    asked.finish(HARMLESS)?;
    let made = ours.ask(&asked.headers, Method::POST, "/api/v1/users", Some(&Value::Object(draft))).await?;
    let mut shown = show(ours, &asked, &made, None).await;
    if with_key {
        of_key.insert("name".to_owned(), json!(key_alias.as_deref().unwrap_or(keys::NAMELESS)));
        of_key.insert("user".to_owned(), made["id"].clone());
        let key = ours.ask(&asked.headers, Method::POST, "/api/v1/keys", Some(&Value::Object(of_key))).await?;
        shown["key"] = key["key"].clone();
        shown["token"] = key["id"].clone();
        shown["key_name"] = key["prefix"].clone();
        shown["expires"] = key["expires_at"].clone();
    }
    Ok(shown)
}

fn teams(node: Node) -> Answer {
    let wrong = || Refused::bad("teams", "`teams` is a list of ids, or of objects with `team_id` and `user_role`");
    let Node::List(items) = node else { return Err(wrong()) };
    let team = |item: Node| match item {
        Node::Text(id) => Ok(json!(id)),
        Node::Table(mut fields) => {
            let id = fields.take_text("team_id").ok_or_else(wrong)?;
            let role = match fields.take_text("user_role").as_deref() {
                Some("admin") => "team_administrator",
                _ => "member",
            };
            match fields.0.iter().find(|(_, node)| !node.is_empty()) {
                Some((name, _)) => {
                    Err(Refused::bad(name, format!("`{name}` is not supported by this gateway's LiteLLM routes")))
                }
                None => Ok(json!({"team": id, "role": role})),
            }
        }
        _ => Err(wrong()),
    };
    items.into_iter().map(team).collect::<Answer<Vec<_>>>().map(Value::Array)
}

/// `GET /user/info`: of the user that is named, or of the one whose key asks.
pub(super) async fn info(ours: &Ours, mut asked: Asked) -> Answer {
    let id = match asked.fields.take_text("user_id") {
        Some(id) => id,
        None => {
            let key = ours.get(&asked.headers, "/api/v1/keys/me").await?;
            let user = key["user"].as_str().map(str::to_owned);
            user.ok_or_else(|| Refused::bad("user_id", "`user_id` is needed: the key that asks belongs to no user"))?
        }
    };
    asked.finish(&[])?;
    let user = ours.get(&asked.headers, &format!("/api/v1/users/{}", escaped(&id))).await?;
    let own = user["id"].as_str().unwrap_or_default().to_owned();
    let spent = ours.spent(&asked.headers, "user").await;
    let info = show(ours, &asked, &user, spent.get(&own)).await;
    let mut shown = Vec::new();
    for key in ours.all(&asked.headers, &format!("/api/v1/keys?user={}", escaped(&own))).await? {
        shown.push(keys::show(ours, &asked, &key, None).await);
    }
    let mut teams = Vec::new();
    for membership in user["teams"].as_array().into_iter().flatten() {
        let id = membership["team"].as_str().unwrap_or_default();
        if let Ok(team) = ours.get(&asked.headers, &format!("/api/v1/teams/{}", escaped(id))).await {
            teams.push(
                json!({"team_id": team["id"], "team_alias": team["name"], "models": members::shown_models(&team)}),
            );
        }
    }
    Ok(json!({"user_id": info["user_id"], "user_info": info, "keys": shown, "teams": teams}))
}

/// `GET /user/list`.
pub(super) async fn list(ours: &Ours, mut asked: Asked) -> Answer {
    let (page, size) = members::page(&mut asked.fields, "page_size", 25)?;
    let email = asked.fields.take_text("user_email");
    let ids: Option<Vec<String>> =
        asked.fields.take_text("user_ids").map(|ids| ids.split(',').map(|id| id.trim().to_owned()).collect());
    asked.finish(&[])?;
    let mut all = ours.all(&asked.headers, "/api/v1/users").await?;
    all.retain(|user| {
        email.as_ref().is_none_or(|email| user["email"].as_str().is_some_and(|own| own.contains(email.as_str())))
    });
    all.retain(|user| ids.as_ref().is_none_or(|ids| ids.iter().any(|id| user["id"] == **id || user["name"] == **id)));
    let spent = ours.spent(&asked.headers, "user").await;
    let mut users = Vec::new();
    for user in all.iter().skip((page - 1).saturating_mul(size)).take(size) {
        users.push(show(ours, &asked, user, spent.get(user["id"].as_str().unwrap_or_default())).await);
    }
    let pages = all.len().div_ceil(size);
    Ok(json!({"users": users, "total": all.len(), "page": page, "page_size": size, "total_pages": pages}))
}

/// A user in LiteLLM's members.
pub(super) async fn show(ours: &Ours, asked: &Asked, user: &Value, spent: Option<&Value>) -> Value {
    let mut shown = limits::show(&user["limits"]);
    let role = ROLES.iter().find(|(_, own)| user["role"] == **own).map(|(theirs, _)| *theirs);
    let alias = user["metadata"].get("user_alias").cloned().unwrap_or(Value::Null);
    let teams: Vec<Value> =
        user["teams"].as_array().into_iter().flatten().map(|membership| membership["team"].clone()).collect();
    let members = [
        ("user_id", ours.user_id(&asked.headers, user.get("id")).await),
        ("user_alias", alias),
        ("user_email", user["email"].clone()),
        ("user_role", json!(role)),
        ("teams", Value::Array(teams)),
        ("models", members::shown_models(user)),
        ("metadata", user["metadata"].clone()),
        ("created_at", user["created_at"].clone()),
    ];
    for (name, value) in members {
        shown.insert(name.to_owned(), value);
    }
    if spent.is_some() || !shown.contains_key("spend") {
        shown.insert("spend".to_owned(), number_or_zero(spent));
    }
    Value::Object(shown)
}
