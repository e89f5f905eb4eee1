//! `/api/v1/teams`.

use std::sync::Arc;

use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::admin::Admin;
use super::answer::{Answer, Body, Json, Query};
use super::page::{self, Page};
use crate::keys::{Team, TeamDraft, TeamId, not_found};
use crate::limits::LimitStatus;

/// A team as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    team: &'a Team,
    limits: Vec<LimitStatus>,
}

impl<'a> Shown<'a> {
    fn new(admin: &Admin, team: &'a Team) -> Self {
        Self { team, limits: admin.gateway.ledger.statuses(Timestamp::now().as_millisecond(), &team.scope()) }
    }
}

/// `POST /api/v1/teams`.
pub(super) async fn create(State(admin): State<Arc<Admin>>, Body(draft): Body<TeamDraft>) -> Answer {
    let team = admin.gateway.keys.create_team(draft).await?;
    tracing::info!(team = %team.id, name = team.name, "made a team");
    Ok(Json::created(&Shown::new(&admin, &team)))
}

/// What a list of teams is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /api/v1/teams`.
pub(super) async fn list(State(admin): State<Arc<Admin>>, Query(filter): Query<Filter>) -> Answer {
    let limit = page::limit(filter.limit)?;
    let after = filter.cursor.map(TeamId::new);
    let found = admin.gateway.keys.teams(after.as_ref(), limit + 1);
    let found: Vec<&Team> = found.iter().map(Arc::as_ref).collect();
    Ok(Json::ok(&Page::new(found, limit, |team| team.id.to_string(), |team| Shown::new(&admin, team))))
}

/// `GET /api/v1/teams/{id}`: by id or name.
pub(super) async fn show(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let team = admin.gateway.keys.find_team(&id).ok_or_else(|| not_found("team", &id))?;
    Ok(Json::ok(&Shown::new(&admin, &team)))
}
