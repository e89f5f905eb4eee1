//! `/api/v1/teams`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde_json::json;

use super::actor::Actor;
use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path, Query};
use super::limits::WithLimits;
use super::page::{Page, Paging};
use crate::keys::{Team, TeamDraft, TeamId, TeamPatch};

impl Admin {
    fn show_team<'a>(&self, team: &'a Team) -> WithLimits<'a, Team> {
        self.with_limits(team, &team.scope())
    }

    /// The team of an id or name, if `actor` may know of it.
    pub(super) fn team(&self, actor: &Actor, id: &str) -> Answer<Arc<Team>> {
        Ok(actor.team(self.gateway.keys.find_team(id), id)?)
    }
}

/// `POST /api/v1/teams`.
pub(super) async fn create(State(admin): State<Arc<Admin>>, Body(draft): Body<TeamDraft>) -> Answer {
    let made = admin.gateway.keys.create_team(draft).await?;
    tracing::info!(team = %made.id, name = made.name, "made a team");
    Ok(Json::created(&admin.show_team(&made)))
}

/// `GET /api/v1/teams`: those that the caller may know of.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Query(paging): Query<Paging>,
) -> Answer {
    let (limit, after) = paging.read(TeamId::new)?;
    let found = admin.gateway.keys.teams(after.as_ref(), limit + 1, |team| actor.sees_team(&team.id));
    let found: Vec<&Team> = found.iter().map(Arc::as_ref).collect();
    Ok(Json::ok(&Page::new(found, limit, |team| team.id.to_string(), |team| admin.show_team(team))))
}

/// `GET /api/v1/teams/{id}`: by id or name.
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let team = admin.team(&actor, &id)?;
    Ok(Json::ok(&admin.show_team(&team)))
}

/// `PATCH /api/v1/teams/{id}`.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(patch): Body<TeamPatch>,
) -> Answer {
    let id = admin.team(&actor, &id)?.id.clone();
    let changed = admin.gateway.keys.patch_team(&id, patch).await?;
    tracing::info!(team = %changed.id, blocked = changed.blocked, "changed a team");
    Ok(Json::ok(&admin.show_team(&changed)))
}

/// `DELETE /api/v1/teams/{id}`: with its keys.
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let id = admin.team(&actor, &id)?.id.clone();
    admin.gateway.keys.delete_team(&id).await?;
    tracing::info!(team = %id, "deleted a team");
    Ok(Json::ok(&json!({"id": id, "deleted": true})))
}
