//! `/budget/…`: amounts that LiteLLM's keys name instead of saying them.
//!
//! Here an amount stands with what it limits. So a budget is kept as limits on a tag of its own that no call carries, and
//! a key that names it gets the same limits for itself. A changed budget changes the keys that name it.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Asked, Refused};
use super::limits;
use super::ours::{Ours, escaped};

/// What the tag of a budget begins with.
const TAG: &str = "litellm-budget:";

/// `POST /budget/new`.
pub(super) async fn new(ours: &Ours, mut asked: Asked) -> Answer {
    let id = asked.fields.take_text("budget_id").unwrap_or_else(|| Uuid::now_v7().to_string());
    let limits = limits::take(&mut asked.fields, &[])?.filter(|limits| !limits.is_empty());
    asked.finish(&[])?;
    if !find(ours, &asked, &id).await?.is_empty() {
        return Err(Refused::bad("budget_id", format!("there is a budget `{id}` already")));
    }
    let limits = limits.ok_or_else(|| Refused::bad("max_budget", "a budget says `max_budget` or a rate"))?;
    put(ours, &asked, &id, &limits).await?;
    Ok(show(&id, &find(ours, &asked, &id).await?))
}

/// `POST /budget/info`.
pub(super) async fn info(ours: &Ours, mut asked: Asked) -> Answer {
    let ids = asked.fields.take("budgets").and_then(|node| node.texts());
    asked.finish(&[])?;
    let ids = ids.ok_or_else(|| Refused::bad("budgets", "`budgets` is needed, a list of ids"))?;
    let mut shown = Vec::new();
    for id in ids {
        let limits = existing(ours, &asked, &id).await?;
        shown.push(show(&id, &limits));
    }
    Ok(Value::Array(shown))
}

/// `GET /budget/list`.
pub(super) async fn list(ours: &Ours, mut asked: Asked) -> Answer {
    asked.finish(&[])?;
    let mut budgets: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for limit in ours.all(&asked.headers, "/api/v1/limits?scope=tag").await? {
        if let Some(id) = limit["scope"]["id"].as_str().and_then(|id| id.strip_prefix(TAG)) {
            budgets.entry(id.to_owned()).or_default().push(limit);
        }
    }
    Ok(Value::Array(budgets.iter().map(|(id, limits)| show(id, limits)).collect()))
}

/// `POST /budget/update`.
pub(super) async fn update(ours: &Ours, mut asked: Asked) -> Answer {
    let id = asked.required("budget_id")?;
    let before = existing(ours, &asked, &id).await?;
    let after = limits::take(&mut asked.fields, &before)?;
    asked.finish(&[])?;
    if let Some(after) = after {
        if after.is_empty() {
            return Err(Refused::bad("max_budget", "a budget says `max_budget` or a rate; delete it instead"));
        }
        remove(ours, &asked, &before).await?;
        put(ours, &asked, &id, &after).await?;
        for key in ours.all(&asked.headers, "/api/v1/keys").await? {
            if key["metadata"]["budget_id"] == *id {
                let path = format!("/api/v1/keys/{}", escaped(key["id"].as_str().unwrap_or_default()));
                ours.ask(&asked.headers, Method::PATCH, &path, Some(&json!({"limits": after}))).await?;
            }
        }
    }
    Ok(show(&id, &find(ours, &asked, &id).await?))
}

/// `POST /budget/delete`. The keys that name it keep their limits.
pub(super) async fn delete(ours: &Ours, mut asked: Asked) -> Answer {
    let id = asked.required("id")?;
    asked.finish(&[])?;
    let limits = existing(ours, &asked, &id).await?;
    remove(ours, &asked, &limits).await?;
    Ok(show(&id, &limits))
}

/// The limits of a budget; none where there is no such one.
async fn find(ours: &Ours, asked: &Asked, id: &str) -> Answer<Vec<Value>> {
    let tag = format!("{TAG}{id}");
    ours.all(&asked.headers, &format!("/api/v1/limits?scope=tag&id={}", escaped(&tag))).await
}

/// The limits of a budget that must be there.
pub(super) async fn existing(ours: &Ours, asked: &Asked, id: &str) -> Answer<Vec<Value>> {
    let limits = find(ours, asked, id).await?;
    if limits.is_empty() { Err(Refused::not_found("budget", id)) } else { Ok(limits) }
}

async fn put(ours: &Ours, asked: &Asked, id: &str, limits: &[Value]) -> Answer<()> {
    for limit in limits {
        let mut limit = limit.clone();
        limit["scope"] = json!({"kind": "tag", "id": format!("{TAG}{id}")});
        ours.ask(&asked.headers, Method::POST, "/api/v1/limits", Some(&limit)).await?;
    }
    Ok(())
}

async fn remove(ours: &Ours, asked: &Asked, limits: &[Value]) -> Answer<()> {
    for limit in limits {
        let id = escaped(limit["id"].as_str().unwrap_or_default());
        ours.ask(&asked.headers, Method::DELETE, &format!("/api/v1/limits/{id}"), None).await?;
    }
    Ok(())
}

fn show(id: &str, limits: &[Value]) -> Value {
    let mut shown = limits::show(&json!(limits));
    shown.shift_remove("spend");
    shown.insert("budget_id".to_owned(), json!(id));
    Value::Object(shown)
}
