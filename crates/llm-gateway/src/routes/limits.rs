//! `/api/v1/limits`: limits of every scope, and what they have counted.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use llm_core::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::{Actor, out_of_reach};
use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path, Query};
use super::page::{self, Page};
use crate::keys::{KeyId, TeamId, UserId, not_found};
use crate::limits::{Limit, LimitDraft, LimitId, LimitPatch, LimitStatus, Scope, ScopeKind};

/// Something with the limits that hold for it alone, as it is shown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}WithLimits")]
pub(super) struct WithLimits<'a, T: Clone> {
    #[serde(flatten)]
    of: Cow<'a, T>,
    limits: Vec<LimitStatus>,
}

impl<'a, T: Clone> WithLimits<'a, T> {
    /// `of` with these limits.
    pub(super) fn new(of: Cow<'a, T>, limits: Vec<LimitStatus>) -> Self {
        Self { of, limits }
    }
}

impl Admin {
    /// `of` with the limits of its `scope`.
    pub(super) fn with_limits<'a, T: Clone>(&self, of: &'a T, scope: &Scope) -> WithLimits<'a, T> {
        WithLimits::new(Cow::Borrowed(of), self.statuses(scope))
    }

    /// What the limits of a scope have counted.
    pub(super) fn statuses(&self, scope: &Scope) -> Vec<LimitStatus> {
        self.gateway.ledger.statuses(Timestamp::now().as_millisecond(), scope)
    }

    /// A limit and what it has counted. The ledger has every limit that is shown, unless it was deleted just now.
    fn status(&self, id: &LimitId) -> Option<LimitStatus> {
        self.gateway.ledger.status(Timestamp::now().as_millisecond(), id)
    }

    /// Whether the caller may know of the limits of a scope: those of all that it may know of, whole.
    fn sees_scope(&self, actor: &Actor, scope: &Scope) -> bool {
        let (keys, id) = (&self.gateway.keys, &*scope.id);
        actor.sees_everything()
            || match scope.kind {
                ScopeKind::Key => keys.get(&KeyId::new(id)).is_some_and(|key| actor.sees_key(&key)),
                ScopeKind::User => keys.user(&UserId::new(id)).is_some_and(|user| actor.sees_whole(&user)),
                ScopeKind::Team => actor.sees_team(&TeamId::new(id)),
                ScopeKind::Organization | ScopeKind::EndUser | ScopeKind::Tag => false,
            }
    }

    /// Refuses whoever may not change the limits of a scope. A team administrator rules over its team's keys and users,
    /// within the limits of the team itself.
    fn check_scope(&self, actor: &Actor, scope: &Scope) -> Answer<()> {
        if actor.is_administrator() {
            return Ok(());
        }
        let (keys, id) = (&self.gateway.keys, &*scope.id);
        match scope.kind {
            ScopeKind::Key => _ = actor.own_key(keys.get(&KeyId::new(id)), id)?,
            ScopeKind::User => _ = actor.own_user(keys.user(&UserId::new(id)), id)?,
            ScopeKind::Team if self.sees_scope(actor, scope) => return Err(out_of_reach().into()),
            ScopeKind::Team => return Err(not_found("team", id).into()),
            ScopeKind::Organization | ScopeKind::EndUser | ScopeKind::Tag => return Err(out_of_reach().into()),
        }
        Ok(())
    }

    /// The limit that was made by someone, if the caller may know of it.
    fn made_limit(&self, actor: &Actor, id: &str) -> Answer<Arc<Limit>> {
        let found = self.gateway.keys.limit(&LimitId::new(id));
        Ok(found.filter(|limit| self.sees_scope(actor, &limit.scope)).ok_or_else(|| not_found("limit", id))?)
    }
}

/// `POST /api/v1/limits`.
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Body(mut draft): Body<LimitDraft>,
) -> Answer {
    admin.name_scope(&mut draft.scope);
    admin.check_scope(&actor, &draft.scope)?;
    let limit = admin.gateway.keys.create_limit(draft).await?;
    tracing::info!(limit = %limit.id, scope = %limit.scope.kind, of = &*limit.scope.id, "made a limit");
    let status = admin.status(&limit.id).ok_or_else(|| not_found("limit", limit.id.as_str()))?;
    Ok(Json::created(&status))
}

impl Admin {
    /// Puts the id in the place of a unique name.
    fn name_scope(&self, scope: &mut Scope) {
        let (keys, said) = (&self.gateway.keys, &*scope.id);
        let id: Option<Arc<str>> = match scope.kind {
            ScopeKind::Organization => keys.find_organization(said).map(|found| found.id.as_str().into()),
            ScopeKind::Team => keys.find_team(said).map(|found| found.id.as_str().into()),
            ScopeKind::User => keys.find_user(said).map(|found| found.id.as_str().into()),
            ScopeKind::Key | ScopeKind::EndUser | ScopeKind::Tag => None,
        };
        if let Some(id) = id {
            scope.id = id;
        }
    }
}

/// What a list of limits is asked for: `scope` is the kind (`key`, `team`, …), `id` the one thing of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    scope: Option<String>,
    id: Option<String>,
}

/// `GET /api/v1/limits`: those that were made by someone; those of the configuration are shown with their key.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Query(filter): Query<Filter>,
) -> Answer {
    let limit = page::limit(filter.limit)?;
    let kind = filter.scope.map(|kind| kind.parse::<ScopeKind>()).transpose().map_err(Error::from)?;
    let after = filter.cursor.map(LimitId::new);
    let wanted = |limit: &Limit| {
        kind.is_none_or(|kind| limit.scope.kind == kind) && filter.id.as_deref().is_none_or(|id| &*limit.scope.id == id)
    };
    // Who sees what is asked of the index, which is held while limits are looked through.
    let mut found = admin.gateway.keys.limits(after.as_ref(), usize::MAX, wanted);
    found.retain(|limit| admin.sees_scope(&actor, &limit.scope));
    found.truncate(limit + 1);
    Ok(Json::ok(&Page::new(found, limit, |limit| limit.id.to_string(), |limit| admin.status(&limit.id))))
}

/// `GET /api/v1/limits/{id}`.
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let status = admin.status(&LimitId::new(id.as_str()));
    let status = status.filter(|status| admin.sees_scope(&actor, &status.limit.scope));
    Ok(Json::ok(&status.ok_or_else(|| not_found("limit", &id))?))
}

/// `PATCH /api/v1/limits/{id}`: it goes on from what it has counted.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(patch): Body<LimitPatch>,
) -> Answer {
    let limit = admin.made_limit(&actor, &id)?;
    admin.check_scope(&actor, &limit.scope)?;
    let limit = admin.gateway.keys.patch_limit(&limit.id, patch).await?;
    tracing::info!(limit = %limit.id, "changed a limit");
    Ok(Json::ok(&admin.status(&limit.id).ok_or_else(|| not_found("limit", &id))?))
}

/// `DELETE /api/v1/limits/{id}`.
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let limit = admin.made_limit(&actor, &id)?;
    admin.check_scope(&actor, &limit.scope)?;
    admin.gateway.keys.delete_limit(&limit.id).await?;
    tracing::info!(limit = %limit.id, "deleted a limit");
    Ok(Json::ok(&json!({"id": limit.id, "deleted": true})))
}
