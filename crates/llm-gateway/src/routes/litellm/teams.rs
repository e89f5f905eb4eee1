//! `/team/…`.

use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked, Refused, number_or_zero};
use super::members::{self, HARMLESS};
use super::ours::{Ours, escaped};
use super::{keys, limits};
use crate::litellm::node::{Fields, Node};

const RENAMED: &[(&str, &str)] = &[("team_alias", "name"), ("organization_id", "organization")];

/// `POST /team/new`.
pub(super) async fn new(ours: &Ours, mut asked: Asked) -> Answer {
    let mut draft = Map::new();
    members::renamed(&mut asked.fields, &mut draft, RENAMED, false);
    // An id is made here; one that is said is the team's name, by which it is found as well.
    if let Some(id) = asked.fields.take_text("team_id") {
        if draft.get("name").is_some_and(|name| *name != *id) {
            return Err(Refused::bad("team_id", "`team_id` is made by the gateway; a team is found by its alias, too"));
        }
        draft.insert("name".to_owned(), json!(id));
    }
    if !draft.contains_key("name") {
        return Err(Refused::bad("team_alias", "`team_alias` is needed"));
    }
    let blocked = members::blocked(&mut asked.fields)?;
    let people = people(asked.fields.take("members_with_roles"))?;
    take(&mut asked, &mut draft, &[], false)?;
    asked.finish(HARMLESS)?;
    let made = ours.ask(&asked.headers, Method::POST, "/api/v1/teams", Some(&Value::Object(draft))).await?;
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    for (user, role) in people {
        join(ours, &asked, &id, &user, role).await?;
    }
    if blocked == Some(true) {
        ours.ask(&asked.headers, Method::PATCH, &path(&id), Some(&json!({"blocked": true}))).await?;
    }
    let team = ours.get(&asked.headers, &path(&id)).await?;
    Ok(show(ours, &asked, &team, None).await)
}

/// `GET /team/info`.
pub(super) async fn info(ours: &Ours, mut asked: Asked) -> Answer {
    let id = asked.required("team_id")?;
    asked.finish(&[])?;
    let team = ours.get(&asked.headers, &path(&id)).await?;
    let spent = ours.spent(&asked.headers, "team").await;
    let shown = show(ours, &asked, &team, spent.get(team["id"].as_str().unwrap_or_default())).await;
    let keys = keys_of(ours, &asked, &team).await?;
    Ok(json!({"team_id": team["id"], "team_info": shown, "keys": keys, "team_memberships": []}))
}

/// `GET /team/list`.
pub(super) async fn list(ours: &Ours, mut asked: Asked) -> Answer {
    let organization = asked.fields.take_text("organization_id");
    let user = asked.fields.take_text("user_id");
    asked.finish(&[])?;
    let of_user = match &user {
        None => None,
        Some(user) => Some(ours.get(&asked.headers, &format!("/api/v1/users/{}", escaped(user))).await?),
    };
    let is_of = |team: &Value| match &of_user {
        None => true,
        Some(user) => user["teams"].as_array().into_iter().flatten().any(|membership| membership["team"] == team["id"]),
    };
    let spent = ours.spent(&asked.headers, "team").await;
    let mut teams = Vec::new();
    for team in ours.all(&asked.headers, "/api/v1/teams").await? {
        if organization.as_ref().is_some_and(|id| team["organization"] != **id) || !is_of(&team) {
            continue;
        }
        let mut shown = show(ours, &asked, &team, spent.get(team["id"].as_str().unwrap_or_default())).await;
        shown["keys"] = keys_of(ours, &asked, &team).await?;
        shown["team_memberships"] = json!([]);
        teams.push(shown);
    }
    Ok(Value::Array(teams))
}

/// `POST /team/update`.
pub(super) async fn update(ours: &Ours, mut asked: Asked) -> Answer {
    let id = asked.required("team_id")?;
    let team = ours.get(&asked.headers, &path(&id)).await?;
    let mut patch = Map::new();
    members::renamed(&mut asked.fields, &mut patch, RENAMED, true);
    if let Some(blocked) = members::blocked(&mut asked.fields)? {
        patch.insert("blocked".to_owned(), json!(blocked));
    }
    take(&mut asked, &mut patch, &members::limits_of(&team), true)?;
    asked.finish(HARMLESS)?;
    let changed = match patch.is_empty() {
        true => team,
        false => ours.ask(&asked.headers, Method::PATCH, &path(&id), Some(&Value::Object(patch))).await?,
    };
    let shown = show(ours, &asked, &changed, None).await;
    Ok(json!({"team_id": changed["id"], "data": shown}))
}

/// `POST /team/delete`.
pub(super) async fn delete(ours: &Ours, mut asked: Asked) -> Answer {
    let ids = asked.fields.take("team_ids").and_then(|node| node.texts()).unwrap_or_default();
    asked.finish(&[])?;
    if ids.is_empty() {
        return Err(Refused::bad("team_ids", "`team_ids` is needed, a list of what is to be deleted"));
    }
    for id in &ids {
        ours.get(&asked.headers, &path(id)).await?;
    }
    let mut deleted = Vec::new();
    for id in &ids {
        ours.ask(&asked.headers, Method::DELETE, &path(id), None).await?;
        deleted.push(json!({"team_id": id}));
    }
    Ok(json!({"deleted_teams": ids, "data": deleted}))
}

/// `POST /team/member_add`.
pub(super) async fn member_add(ours: &Ours, mut asked: Asked) -> Answer {
    let id = asked.required("team_id")?;
    let people = people(asked.fields.take("member"))?;
    asked.finish(&[])?;
    if people.is_empty() {
        return Err(Refused::bad("member", "`member` is needed, such as `{\"role\":\"user\",\"user_id\":\"…\"}`"));
    }
    let mut users = Vec::new();
    for (user, role) in people {
        users.push(join(ours, &asked, &id, &user, role).await?);
    }
    let team = ours.get(&asked.headers, &path(&id)).await?;
    let mut shown = show(ours, &asked, &team, None).await;
    let mut updated = Vec::new();
    for user in &users {
        updated.push(super::users::show(ours, &asked, user, None).await);
    }
    shown["updated_users"] = Value::Array(updated);
    shown["updated_team_memberships"] = json!([]);
    Ok(shown)
}

/// Makes a user a member, and gives the user.
async fn join(ours: &Ours, asked: &Asked, team: &str, user: &str, role: &str) -> Answer {
    let path = format!("{}/members/{}", path(team), escaped(user));
    ours.ask(&asked.headers, Method::PUT, &path, Some(&json!({"role": role}))).await?;
    ours.get(&asked.headers, &format!("/api/v1/users/{}", escaped(user))).await
}

/// One person or a list of them, and what they are to be in the team.
fn people(node: Option<Node>) -> Answer<Vec<(String, &'static str)>> {
    let items = match node {
        None => return Ok(Vec::new()),
        Some(Node::List(items)) => items,
        Some(one) => vec![one],
    };
    items.into_iter().map(person).collect()
}

fn person(node: Node) -> Answer<(String, &'static str)> {
    let Node::Table(mut fields) = node else {
        return Err(Refused::bad("member", "a member is an object with `user_id` and `role`"));
    };
    let role = match fields.take_text("role").as_deref() {
        None | Some("user") => "member",
        Some("admin") => "team_administrator",
        Some(_) => return Err(Refused::bad("role", "`role` is `admin` or `user`")),
    };
    let user = fields.take_text("user_id");
    if fields.take_said("user_email").is_some() && user.is_none() {
        return Err(Refused::bad("user_email", "a member is named by `user_id`"));
    }
    let rest = |fields: &Fields| fields.0.iter().find(|(_, node)| !node.is_empty()).map(|(name, _)| name.clone());
    if let Some(name) = rest(&fields) {
        return Err(Refused::bad(&name, format!("`{name}` is not supported by this gateway's LiteLLM routes")));
    }
    Ok((user.ok_or_else(|| Refused::bad("user_id", "`user_id` is needed"))?, role))
}

fn path(id: &str) -> String {
    format!("/api/v1/teams/{}", escaped(id))
}

fn take(asked: &mut Asked, ours: &mut Map<String, Value>, current: &[Value], changing: bool) -> Answer<()> {
    members::models(&mut asked.fields, ours, changing)?;
    members::metadata(&mut asked.fields, ours)?;
    if let Some(limits) = limits::take(&mut asked.fields, current)? {
        ours.insert("limits".to_owned(), Value::Array(limits));
    }
    Ok(())
}

async fn keys_of(ours: &Ours, asked: &Asked, team: &Value) -> Answer {
    let id = escaped(team["id"].as_str().unwrap_or_default());
    let mut shown = Vec::new();
    for key in ours.all(&asked.headers, &format!("/api/v1/keys?team={id}")).await? {
        shown.push(keys::show(ours, asked, &key, None).await);
    }
    Ok(Value::Array(shown))
}

/// A team in LiteLLM's members.
async fn show(ours: &Ours, asked: &Asked, team: &Value, spent: Option<&Value>) -> Value {
    let id = team["id"].as_str().unwrap_or_default();
    let mut shown = limits::show(&team["limits"]);
    let mut people = Vec::new();
    let members = ours.get(&asked.headers, &format!("{}/members?limit=500", path(id))).await.unwrap_or_default();
    for member in members["data"].as_array().into_iter().flatten() {
        let user = member.get("user").or_else(|| member.get("id"));
        let user = user.map(|user| user.get("id").unwrap_or(user).clone());
        let role = if member["role"] == "team_administrator" { "admin" } else { "user" };
        people.push(json!({"user_id": ours.user_id(&asked.headers, user.as_ref()).await, "role": role}));
    }
    let members = [
        ("team_id", team["id"].clone()),
        ("team_alias", team["name"].clone()),
        ("organization_id", team["organization"].clone()),
        ("models", members::shown_models(team)),
        ("metadata", team["metadata"].clone()),
        ("blocked", team["blocked"].clone()),
        ("members_with_roles", Value::Array(people)),
        ("created_at", team["created_at"].clone()),
    ];
    for (name, value) in members {
        shown.insert(name.to_owned(), value);
    }
    if spent.is_some() || !shown.contains_key("spend") {
        shown.insert("spend".to_owned(), number_or_zero(spent));
    }
    Value::Object(shown)
}
