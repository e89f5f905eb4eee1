//! `/api/v1/keys`: making, showing, changing, rotating and deleting virtual keys; and what a key may know of itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use http::{HeaderMap, Uri};
use llm_core::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::{Actor, out_of_reach};
use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path, Query};
use super::limits::WithLimits;
use super::page::{self, Page};
use crate::config::Period;
use crate::keys::{KeyDraft, KeyId, KeyPatch, NewKey, VirtualKey};
use crate::limits::{LimitStatus, Scope};
use crate::store::{self, UsageFilter, UsageRow};

/// A key that was just made: the only time that its secret is shown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewKey")]
pub(super) struct ShownOnce<'a> {
    #[serde(flatten)]
    shown: WithLimits<'a, VirtualKey>,
    key: &'a str,
}

impl Admin {
    fn show_key<'a>(&self, key: &'a VirtualKey) -> WithLimits<'a, VirtualKey> {
        self.with_limits(key, &key.scope())
    }

    fn show_once(&self, made: &NewKey, answer: impl Fn(&ShownOnce<'_>) -> Json) -> Json {
        answer(&ShownOnce { shown: self.show_key(&made.key), key: made.secret.expose() })
    }

    fn key_of(&self, id: &str) -> Option<Arc<VirtualKey>> {
        self.gateway.keys.get(&KeyId::new(id))
    }

    /// Refuses whom a team administrator may not bind a key to: another's team, or a user who is not in it.
    fn check_owner(&self, actor: &Actor, team: &str, user: Option<&str>) -> Answer<()> {
        let team = actor.own_team(self.gateway.keys.find_team(team), team)?;
        let Some(asked) = user else { return Ok(()) };
        let user = self.gateway.keys.find_user(asked).filter(|user| user.is_in(&team.id));
        actor.any_user(user, asked)?;
        Ok(())
    }
}

/// `POST /api/v1/keys`. A team administrator makes them for its teams.
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Body(mut draft): Body<KeyDraft>,
) -> Answer {
    if !actor.is_administrator() {
        if let ([only], None) = (actor.teams(), &draft.team) {
            draft.team = Some(only.to_string());
        }
        let missing = || Error::invalid_request("missing required parameter `team`").with_param("team");
        admin.check_owner(&actor, draft.team.as_deref().ok_or_else(missing)?, draft.user.as_deref())?;
        if !actor.may_give(draft.role) {
            return Err(out_of_reach().into());
        }
        // From under the limits of the configuration only the administrator takes a key out.
        draft.keep_defaults = true;
    }
    let made = admin.gateway.keys.create(draft).await?;
    tracing::info!(key = %made.key.id, name = made.key.name, "made a key");
    Ok(admin.show_once(&made, |shown| Json::created(shown)))
}

/// What a list of keys is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    /// The id or name of a team.
    team: Option<String>,
    /// The id or name of a user.
    user: Option<String>,
    blocked: Option<bool>,
}

/// `GET /api/v1/keys`: those that the caller may know of.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Query(filter): Query<Filter>,
) -> Answer {
    let limit = page::limit(filter.limit)?;
    let after = filter.cursor.map(KeyId::new);
    let in_team = |key: &VirtualKey| match (&filter.team, &key.team) {
        (None, _) => true,
        (Some(asked), Some(team)) => team.id.as_str() == asked || team.name == *asked,
        (Some(_), None) => false,
    };
    let of_user = |key: &VirtualKey| match (&filter.user, &key.user) {
        (None, _) => true,
        (Some(asked), Some(user)) => user.id.as_str() == asked || user.name == *asked,
        (Some(_), None) => false,
    };
    let is_blocked = |key: &VirtualKey| filter.blocked.is_none_or(|asked| key.blocked == asked);
    let wanted = |key: &VirtualKey| actor.sees_key(key) && in_team(key) && of_user(key) && is_blocked(key);
    let found = admin.gateway.keys.list(after.as_ref(), limit + 1, wanted);
    let found: Vec<&VirtualKey> = found.iter().map(Arc::as_ref).collect();
    Ok(Json::ok(&Page::new(found, limit, |key| key.id.to_string(), |key| admin.show_key(key))))
}

/// `GET /api/v1/keys/{id}`.
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let key = actor.any_key(admin.key_of(&id), &id)?;
    Ok(Json::ok(&admin.show_key(&key)))
}

/// `PATCH /api/v1/keys/{id}`.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(mut patch): Body<KeyPatch>,
) -> Answer {
    let key = actor.own_key(admin.key_of(&id), &id)?;
    if !actor.is_administrator() {
        let own_team = key.team.as_ref().map(|team| team.id.to_string());
        let team = patch.team.clone().unwrap_or(own_team).ok_or_else(out_of_reach)?;
        let own_user = key.user.as_ref().map(|user| user.id.to_string());
        let is_moved = patch.team.is_some() || patch.user.is_some();
        if is_moved {
            admin.check_owner(&actor, &team, patch.user.clone().unwrap_or(own_user).as_deref())?;
        }
        if patch.role.is_some_and(|role| !actor.may_give(role)) {
            return Err(out_of_reach().into());
        }
        patch.keep_defaults = true;
    }
    let key = admin.gateway.keys.patch(&key.id, patch).await?;
    tracing::info!(key = %key.id, blocked = key.blocked, "changed a key");
    Ok(Json::ok(&admin.show_key(&key)))
}

/// `DELETE /api/v1/keys/{id}`.
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let key = actor.own_key(admin.key_of(&id), &id)?;
    admin.gateway.keys.delete(&key.id).await?;
    tracing::info!(key = %key.id, "deleted a key");
    Ok(Json::ok(&json!({"id": key.id, "deleted": true})))
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotation {
    /// How long the old secret stays good, at most 30 days; not at all unless said.
    #[schemars(with = "Option<String>")]
    grace: Option<Period>,
}

/// `POST /api/v1/keys/{id}/rotate`. Who owns a key may give it a new secret.
pub(super) async fn rotate(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Answer {
    let key = actor.rotatable_key(admin.key_of(&id), &id)?;
    let grace = rotation.grace.map_or(Duration::ZERO, |Period(grace)| grace);
    let made = admin.gateway.keys.rotate(&key.id, grace).await?;
    tracing::info!(key = %made.key.id, ?grace, "gave a key a new secret");
    Ok(admin.show_once(&made, |shown| Json::ok(shown)))
}

/// What a key is told of itself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnKey")]
pub(super) struct Me<'a> {
    #[serde(flatten)]
    shown: WithLimits<'a, VirtualKey>,
    /// The limits that it shares with the other keys of its user.
    user_limits: Vec<LimitStatus>,
    /// The limits that it shares with the other keys of its team.
    team_limits: Vec<LimitStatus>,
    /// The limits that it shares with the other keys of its organization.
    organization_limits: Vec<LimitStatus>,
    /// What it has used since it was made; none while the database does not answer.
    #[schemars(with = "Option<super::usage::Sum>")]
    spend: Option<UsageRow>,
}

/// `GET /api/v1/keys/me`: its limits, what they have counted, and what is left.
pub(super) async fn me(State(admin): State<Arc<Admin>>, uri: Uri, headers: HeaderMap) -> Answer {
    let key = admin.key(&headers, uri.query()).await?;
    let of = |scope: Option<Scope>| scope.map(|scope| admin.statuses(&scope)).unwrap_or_default();
    let filter = UsageFilter { key: Some(key.id.to_string()), ..UsageFilter::default() };
    let used = store::usage(&admin.gateway.db, &[], &filter).await;
    let spend = used.ok().map(|rows| rows.into_iter().next().unwrap_or_default());
    Ok(Json::ok(&Me {
        shown: admin.show_key(&key),
        user_limits: of(key.user.as_ref().map(|user| user.scope())),
        team_limits: of(key.team.as_ref().map(|team| team.scope())),
        organization_limits: of(key.organization().map(|organization| organization.scope())),
        spend,
    }))
}
