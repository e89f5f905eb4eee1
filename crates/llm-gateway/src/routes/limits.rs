//! `/api/v1/limits`: limits on keys, teams, tags and end users, and what they have counted.

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::Timestamp;
use llm_core::Error;
use serde::Deserialize;
use serde_json::json;

use super::admin::Admin;
use super::answer::{Answer, Body, Json, Query};
use super::page::{self, Page};
use crate::keys::not_found;
use crate::limits::{Limit, LimitDraft, LimitId, LimitStatus, ScopeKind};

impl Admin {
    /// A limit and what it has counted. The ledger has every limit that is shown, unless it was deleted just now.
    fn status(&self, id: &LimitId) -> Option<LimitStatus> {
        self.gateway.ledger.status(Timestamp::now().as_millisecond(), id)
    }
}

/// `POST /api/v1/limits`.
pub(super) async fn create(State(admin): State<Arc<Admin>>, Body(draft): Body<LimitDraft>) -> Answer {
    let limit = admin.gateway.keys.create_limit(draft).await?;
    tracing::info!(limit = %limit.id, scope = %limit.scope.kind, of = &*limit.scope.id, "made a limit");
    let status = admin.status(&limit.id).ok_or_else(|| not_found("limit", limit.id.as_str()))?;
    Ok(Json::created(&status))
}

/// What a list of limits is asked for: `scope` is the kind (`key`, `team`, …), `id` the one thing of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    scope: Option<String>,
    id: Option<String>,
}

/// `GET /api/v1/limits`: those that were made by someone; those of the configuration are shown with their key.
pub(super) async fn list(State(admin): State<Arc<Admin>>, Query(filter): Query<Filter>) -> Answer {
    let limit = page::limit(filter.limit)?;
    let kind = filter.scope.map(|kind| kind.parse::<ScopeKind>()).transpose().map_err(Error::from)?;
    let after = filter.cursor.map(LimitId::new);
    let wanted = |limit: &Limit| {
        kind.is_none_or(|kind| limit.scope.kind == kind) && filter.id.as_deref().is_none_or(|id| &*limit.scope.id == id)
    };
    let found = admin.gateway.keys.limits(after.as_ref(), limit + 1, wanted);
    Ok(Json::ok(&Page::new(found, limit, |limit| limit.id.to_string(), |limit| admin.status(&limit.id))))
}

/// `GET /api/v1/limits/{id}`.
pub(super) async fn show(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let status = admin.status(&LimitId::new(id.as_str())).ok_or_else(|| not_found("limit", &id))?;
    Ok(Json::ok(&status))
}

/// `DELETE /api/v1/limits/{id}`.
pub(super) async fn remove(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let id = LimitId::new(id);
    admin.gateway.keys.delete_limit(&id).await?;
    tracing::info!(limit = %id, "deleted a limit");
    Ok(Json::ok(&json!({"id": id, "deleted": true})))
}
