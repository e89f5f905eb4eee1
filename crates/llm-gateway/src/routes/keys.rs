//! `/api/v1/keys`: making, showing, changing, rotating and deleting virtual keys; and what a key may know of itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::admin::Admin;
use super::answer::{Answer, Body, Json, Query};
use super::page::{self, Page};
use crate::config::Period;
use crate::keys::{KeyDraft, KeyId, KeyPatch, NewKey, Team, VirtualKey, not_found};
use crate::limits::LimitStatus;

/// A key as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    key: &'a VirtualKey,
    /// The limits that hold for it alone.
    limits: Vec<LimitStatus>,
}

/// A key that was just made: the only time that its secret is shown.
#[derive(Serialize)]
struct ShownOnce<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    key: &'a str,
}

impl Admin {
    fn show<'a>(&self, key: &'a VirtualKey) -> Shown<'a> {
        Shown { key, limits: self.gateway.ledger.statuses(Timestamp::now().as_millisecond(), &key.scope()) }
    }

    fn show_once(&self, made: &NewKey, answer: impl Fn(&ShownOnce<'_>) -> Json) -> Json {
        answer(&ShownOnce { shown: self.show(&made.key), key: made.secret.expose() })
    }
}

/// `POST /api/v1/keys`.
pub(super) async fn create(State(admin): State<Arc<Admin>>, Body(draft): Body<KeyDraft>) -> Answer {
    let made = admin.gateway.keys.create(draft).await?;
    tracing::info!(key = %made.key.id, name = made.key.name, "made a key");
    Ok(admin.show_once(&made, |shown| Json::created(shown)))
}

/// What a list of keys is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    /// The id or name of a team.
    team: Option<String>,
    blocked: Option<bool>,
}

/// `GET /api/v1/keys`.
pub(super) async fn list(State(admin): State<Arc<Admin>>, Query(filter): Query<Filter>) -> Answer {
    let limit = page::limit(filter.limit)?;
    let after = filter.cursor.map(KeyId::new);
    let in_team = |team: &Option<Arc<Team>>| match (&filter.team, team) {
        (None, _) => true,
        (Some(asked), Some(team)) => team.id.as_str() == asked || team.name == *asked,
        (Some(_), None) => false,
    };
    let wanted = |key: &VirtualKey| in_team(&key.team) && filter.blocked.is_none_or(|asked| key.blocked == asked);
    let found = admin.gateway.keys.list(after.as_ref(), limit + 1, wanted);
    let shown: Vec<Shown<'_>> = found.iter().map(|key| admin.show(key)).collect();
    Ok(Json::ok(&Page::new(shown.iter().collect(), limit, |shown| shown.key.id.to_string(), |shown| *shown)))
}

/// `GET /api/v1/keys/{id}`.
pub(super) async fn show(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let key = admin.gateway.keys.get(&KeyId::new(id.as_str())).ok_or_else(|| not_found("key", &id))?;
    Ok(Json::ok(&admin.show(&key)))
}

/// `PATCH /api/v1/keys/{id}`.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    Body(patch): Body<KeyPatch>,
) -> Answer {
    let key = admin.gateway.keys.patch(&KeyId::new(id), patch).await?;
    tracing::info!(key = %key.id, blocked = key.blocked, "changed a key");
    Ok(Json::ok(&admin.show(&key)))
}

/// `DELETE /api/v1/keys/{id}`.
pub(super) async fn remove(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let id = KeyId::new(id);
    admin.gateway.keys.delete(&id).await?;
    tracing::info!(key = %id, "deleted a key");
    Ok(Json::ok(&json!({"id": id, "deleted": true})))
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotation {
    /// How long the old secret stays good; not at all unless said.
    grace: Option<Period>,
}

/// `POST /api/v1/keys/{id}/rotate`.
pub(super) async fn rotate(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Answer {
    let grace = rotation.grace.map_or(Duration::ZERO, |Period(grace)| grace);
    let made = admin.gateway.keys.rotate(&KeyId::new(id), grace).await?;
    tracing::info!(key = %made.key.id, ?grace, "gave a key a new secret");
    Ok(admin.show_once(&made, |shown| Json::ok(shown)))
}

/// What a key is told of itself.
#[derive(Serialize)]
struct Me<'a> {
    #[serde(flatten)]
    shown: Shown<'a>,
    /// The limits that it shares with the other keys of its team.
    team_limits: Vec<LimitStatus>,
}

/// `GET /api/v1/keys/me`: its limits, what they have counted, and what is left.
pub(super) async fn me(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Answer {
    let key = admin.key(&headers)?;
    let now = Timestamp::now().as_millisecond();
    let team_limits =
        key.team.as_ref().map(|team| admin.gateway.ledger.statuses(now, &team.scope())).unwrap_or_default();
    Ok(Json::ok(&Me { shown: admin.show(&key), team_limits }))
}
