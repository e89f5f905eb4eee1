//! `/key/…`.

use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked, Refused, number_or_zero};
use super::members::{self, HARMLESS};
use super::ours::{self, Ours, escaped};
use super::{budgets, limits};
use crate::keys::{KeyHash, MAX_GRACE};

/// What a key is called that nobody has given a name.
pub(super) const NAMELESS: &str = "unnamed";

/// The members of a key that LiteLLM and this gateway call otherwise.
const RENAMED: &[(&str, &str)] = &[("key_alias", "name"), ("team_id", "team"), ("user_id", "user")];

/// `POST /key/generate`.
pub(super) async fn generate(ours: &Ours, mut asked: Asked) -> Answer {
    if asked.fields.take_said("key").is_some() {
        return Err(Refused::bad("key", "`key` can't be chosen: the gateway makes the secrets of keys"));
    }
    let mut draft = Map::new();
    members::renamed(&mut asked.fields, &mut draft, RENAMED, false);
    draft.entry("name").or_insert_with(|| json!(NAMELESS));
    let blocked = members::blocked(&mut asked.fields)?;
    let budget = Budget::take(ours, &mut asked).await?;
    take(&mut asked, &mut draft, &[], budget, false)?;
    asked.finish(HARMLESS)?;
    let mut made = ours.ask(&asked.headers, Method::POST, "/api/v1/keys", Some(&Value::Object(draft))).await?;
    if blocked == Some(true) {
        let id = made["id"].as_str().unwrap_or_default();
        let path = format!("/api/v1/keys/{}", escaped(id));
        ours.ask(&asked.headers, Method::PATCH, &path, Some(&json!({"blocked": true}))).await?;
        made["blocked"] = json!(true);
    }
    Ok(with_secret(ours, &asked, &made).await)
}

/// `GET /key/info`: of the key that is named, or of the one that asks.
pub(super) async fn info(ours: &Ours, mut asked: Asked) -> Answer {
    let named = asked.fields.take_text("key");
    asked.finish(&[])?;
    let own = match &named {
        // A key may know of itself, whatever its role.
        Some(text) => presents(&asked, text),
        None => true,
    };
    let key = match &named {
        Some(text) if !own => ours.key(&asked.headers, text).await?,
        _ => ours.get(&asked.headers, "/api/v1/keys/me").await?,
    };
    let spent = if own { Default::default() } else { ours.spent(&asked.headers, "key").await };
    let shown = named.unwrap_or_else(|| key["id"].as_str().unwrap_or_default().to_owned());
    let info = show(ours, &asked, &key, spent.get(key["id"].as_str().unwrap_or_default())).await;
    Ok(json!({"key": shown, "info": info}))
}

/// `GET /key/list`.
pub(super) async fn list(ours: &Ours, mut asked: Asked) -> Answer {
    let (page, size) = members::page(&mut asked.fields, "size", 10)?;
    let team = asked.fields.take_text("team_id");
    let user = asked.fields.take_text("user_id");
    let alias = asked.fields.take_text("key_alias");
    let whole = asked.fields.take("return_full_object").and_then(|node| node.bool()).unwrap_or(false);
    asked.fields.take("include_team_keys");
    asked.finish(&[])?;
    let mut path = "/api/v1/keys".to_owned();
    let mut joint = '?';
    for (name, value) in [("team", &team), ("user", &user)] {
        if let Some(value) = value {
            path.push_str(&format!("{joint}{name}={}", escaped(value)));
            joint = '&';
        }
    }
    let mut all = ours.all(&asked.headers, &path).await?;
    all.retain(|key| alias.as_ref().is_none_or(|alias| key["name"] == **alias));
    let spent = if whole { ours.spent(&asked.headers, "key").await } else { Default::default() };
    let mut keys = Vec::new();
    for key in all.iter().skip((page - 1).saturating_mul(size)).take(size) {
        let id = key["id"].as_str().unwrap_or_default();
        keys.push(if whole { show(ours, &asked, key, spent.get(id)).await } else { json!(id) });
    }
    let pages = all.len().div_ceil(size);
    Ok(json!({"keys": keys, "total_count": all.len(), "current_page": page, "total_pages": pages}))
}

/// `POST /key/update`.
pub(super) async fn update(ours: &Ours, mut asked: Asked) -> Answer {
    let named = asked.required("key")?;
    let changed = change(ours, &mut asked, &named).await?;
    let mut shown = show(ours, &asked, &changed, None).await;
    shown["key"] = json!(named);
    Ok(shown)
}

/// `POST /key/delete`.
pub(super) async fn delete(ours: &Ours, mut asked: Asked) -> Answer {
    let list = |node: Option<crate::litellm::node::Node>| node.and_then(|node| node.texts()).unwrap_or_default();
    let keys = list(asked.fields.take("keys"));
    let aliases = list(asked.fields.take("key_aliases"));
    asked.finish(&[])?;
    if keys.is_empty() && aliases.is_empty() {
        return Err(Refused::bad("keys", "`keys` or `key_aliases` is needed, a list of what is to be deleted"));
    }
    // All of them are looked for first, so that nothing is deleted where something is not there.
    let mut ids = Vec::new();
    for text in &keys {
        ids.push(ours.key(&asked.headers, text).await?["id"].as_str().unwrap_or_default().to_owned());
    }
    if !aliases.is_empty() {
        let all = ours.all(&asked.headers, "/api/v1/keys").await?;
        for alias in &aliases {
            let found = all.iter().find(|key| key["name"] == **alias).and_then(|key| key["id"].as_str());
            ids.push(found.ok_or_else(|| Refused::not_found("key", alias))?.to_owned());
        }
    }
    for id in ids {
        ours.ask(&asked.headers, Method::DELETE, &format!("/api/v1/keys/{}", escaped(&id)), None).await?;
    }
    Ok(json!({"deleted_keys": keys.into_iter().chain(aliases).collect::<Vec<_>>()}))
}

/// `POST /key/block`.
pub(super) async fn block(ours: &Ours, asked: Asked) -> Answer {
    set_blocked(ours, asked, true).await
}

/// `POST /key/unblock`.
pub(super) async fn unblock(ours: &Ours, asked: Asked) -> Answer {
    set_blocked(ours, asked, false).await
}

async fn set_blocked(ours: &Ours, mut asked: Asked, blocked: bool) -> Answer {
    let named = asked.required("key")?;
    asked.finish(&[])?;
    let path = path(ours, &asked, &named).await?;
    let changed = ours.ask(&asked.headers, Method::PATCH, &path, Some(&json!({"blocked": blocked}))).await?;
    Ok(show(ours, &asked, &changed, None).await)
}

/// `POST /key/regenerate` and `POST /key/{key}/regenerate`: a new secret, and other changes that are said beside it.
pub(super) async fn regenerate(ours: &Ours, mut asked: Asked) -> Answer {
    let named = asked.required("key")?;
    for chosen in ["new_key", "new_master_key"] {
        if asked.fields.take_said(chosen).is_some() {
            return Err(Refused::bad(
                chosen,
                format!("`{chosen}` can't be chosen: the gateway makes the secrets of keys"),
            ));
        }
    }
    let grace = asked.fields.take_text("grace_period");
    let grace = grace.map(|text| {
        let seconds = crate::litellm::duration::seconds(&text);
        seconds.ok_or_else(|| Refused::bad("grace_period", "`grace_period` is a length of time such as `24h` or `2d`"))
    });
    let grace = grace.transpose()?.unwrap_or(0);
    // Asked here, before anything is changed.
    if u64::try_from(grace).is_ok_and(|grace| grace > MAX_GRACE.as_secs()) {
        return Err(Refused::bad("grace_period", "`grace_period` is at most 30 days"));
    }
    change(ours, &mut asked, &named).await?;
    let path = format!("{}/rotate", path(ours, &asked, &named).await?);
    let body = json!({"grace": format!("{grace}s")});
    let made = ours.ask(&asked.headers, Method::POST, &path, Some(&body)).await?;
    Ok(with_secret(ours, &asked, &made).await)
}

/// Where the key stands that is meant.
async fn path(ours: &Ours, asked: &Asked, named: &str) -> Answer<String> {
    let key = ours.key(&asked.headers, named).await?;
    Ok(format!("/api/v1/keys/{}", escaped(key["id"].as_str().unwrap_or_default())))
}

/// Changes what is said of a key, if anything is.
async fn change(ours: &Ours, asked: &mut Asked, named: &str) -> Answer {
    let key = ours.key(&asked.headers, named).await?;
    let mut patch = Map::new();
    members::renamed(&mut asked.fields, &mut patch, RENAMED, true);
    if patch.get("name") == Some(&Value::Null) {
        patch.insert("name".to_owned(), json!(NAMELESS));
    }
    if let Some(blocked) = members::blocked(&mut asked.fields)? {
        patch.insert("blocked".to_owned(), json!(blocked));
    }
    let budget = Budget::take(ours, asked).await?;
    let of_budget =
        budget.as_ref().map(|budget| json!(budget.id)).or_else(|| key["metadata"].get("budget_id").cloned());
    let only_budget = budget.is_some() && asked.fields.get("metadata").is_none();
    take(asked, &mut patch, &members::limits_of(&key), budget, true)?;
    if only_budget {
        // What else is remembered stays.
        patch.insert("metadata".to_owned(), key["metadata"].clone());
    }
    if let (Some(id), Some(metadata)) = (of_budget, patch.get_mut("metadata")) {
        metadata["budget_id"] = id;
    }
    asked.finish(HARMLESS)?;
    if patch.is_empty() {
        return Ok(key);
    }
    let path = format!("/api/v1/keys/{}", escaped(key["id"].as_str().unwrap_or_default()));
    ours.ask(&asked.headers, Method::PATCH, &path, Some(&Value::Object(patch))).await
}

/// A budget that a key names, and its limits.
struct Budget {
    id: String,
    limits: Vec<Value>,
}

impl Budget {
    /// Takes `budget_id`.
    async fn take(ours: &Ours, asked: &mut Asked) -> Answer<Option<Self>> {
        let Some(id) = asked.fields.take_text("budget_id") else { return Ok(None) };
        let limits = budgets::existing(ours, asked, &id).await?;
        Ok(Some(Self { id, limits }))
    }
}

/// Takes what keys are made and changed with alike. What is said beside a budget goes before it.
fn take(
    asked: &mut Asked,
    ours: &mut Map<String, Value>,
    current: &[Value],
    budget: Option<Budget>,
    changing: bool,
) -> Answer<()> {
    members::models(&mut asked.fields, ours, changing)?;
    members::metadata(&mut asked.fields, ours)?;
    members::tags(&mut asked.fields, ours)?;
    members::expiry(&mut asked.fields, ours)?;
    let current = budget.as_ref().map_or(current, |budget| &budget.limits);
    let limits = limits::take(&mut asked.fields, current)?;
    if let Some(budget) = &budget {
        let metadata = ours.entry("metadata").or_insert_with(|| json!({}));
        metadata["budget_id"] = json!(budget.id);
        let limits = limits.unwrap_or_else(|| budget.limits.iter().map(limits::written).collect());
        ours.insert("limits".to_owned(), Value::Array(limits));
    } else if let Some(limits) = limits {
        ours.insert("limits".to_owned(), Value::Array(limits));
    }
    Ok(())
}

/// A key with the secret that is shown this once.
async fn with_secret(ours: &Ours, asked: &Asked, made: &Value) -> Value {
    let mut shown = show(ours, asked, made, None).await;
    shown["key"] = made["key"].clone();
    shown["token_id"] = made["id"].clone();
    shown
}

/// A key in LiteLLM's members. Its token is its id here.
pub(super) async fn show(ours: &Ours, asked: &Asked, key: &Value, spent: Option<&Value>) -> Value {
    let mut shown = limits::show(&key["limits"]);
    let alias = key["name"].as_str().filter(|name| *name != NAMELESS);
    let mut metadata = key.get("metadata").cloned().unwrap_or_else(|| json!({}));
    if key["tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
        metadata["tags"] = key["tags"].clone();
    }
    let members = [
        ("token", key["id"].clone()),
        ("key_name", key["prefix"].clone()),
        ("key_alias", json!(alias)),
        ("user_id", ours.user_id(&asked.headers, key.get("user")).await),
        ("team_id", key["team"].clone()),
        ("models", members::shown_models(key)),
        ("expires", key["expires_at"].clone()),
        ("blocked", key["blocked"].clone()),
        ("tags", key["tags"].clone()),
        ("budget_id", key["metadata"]["budget_id"].clone()),
        ("metadata", metadata),
        ("created_at", key["created_at"].clone()),
        ("aliases", json!({})),
        ("config", json!({})),
        ("permissions", json!({})),
    ];
    for (name, value) in members {
        shown.insert(name.to_owned(), value);
    }
    if spent.is_some() || !shown.contains_key("spend") {
        shown.insert("spend".to_owned(), number_or_zero(spent));
    }
    Value::Object(shown)
}

/// Whether the key that is named is the one that asks.
fn presents(asked: &Asked, named: &str) -> bool {
    let Some(presented) = ours::presented(&asked.headers) else { return false };
    let named = KeyHash::from_hex(named).unwrap_or_else(|| KeyHash::of(named));
    named.same(&KeyHash::of(&presented))
}
