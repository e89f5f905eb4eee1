//! `/api/v1/teams/{id}/members`: who is in a team, and as what.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::{Actor, out_of_reach};
use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path};
use crate::keys::{MembershipDraft, Role, TeamId, User, UserId};

/// A member as it is shown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(super) struct Shown<'a> {
    user: &'a UserId,
    name: &'a str,
    role: Role,
}

impl<'a> Shown<'a> {
    fn of(user: &'a User, team: &TeamId) -> Option<Self> {
        let membership = user.teams.iter().find(|membership| membership.team == *team)?;
        Some(Self { user: &user.id, name: &user.name, role: membership.role })
    }
}

/// `GET /api/v1/teams/{id}/members`: all of them, to those who look after the team.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let team = admin.team(&actor, &id)?;
    if !actor.sees_everything() && !actor.administers(&team.id) {
        return Err(out_of_reach().into());
    }
    let found = admin.gateway.keys.users(None, usize::MAX, |user| user.is_in(&team.id));
    let shown: Vec<Shown<'_>> = found.iter().filter_map(|user| Shown::of(user, &team.id)).collect();
    Ok(Json::ok(&json!({"data": shown, "next_cursor": null})))
}

/// What a member is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct As {
    role: Option<Role>,
}

/// `PUT /api/v1/teams/{id}/members/{user}`: makes a user a member, or gives it another role there.
pub(super) async fn put(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path((id, user)): Path<(String, String)>,
    Body(wanted): Body<As>,
) -> Answer {
    let (team, user) = named(&admin, &actor, &id, &user)?;
    let membership = MembershipDraft { team: team.to_string(), role: wanted.role.unwrap_or(Role::Member) };
    let user = admin.gateway.keys.put_member(&user, membership).await?;
    tracing::info!(%team, user = %user.id, "made a user a member of a team");
    Ok(Json::ok(&Shown::of(&user, &team)))
}

/// `DELETE /api/v1/teams/{id}/members/{user}`.
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path((id, user)): Path<(String, String)>,
) -> Answer {
    let (team, user) = named(&admin, &actor, &id, &user)?;
    admin.gateway.keys.remove_member(&user, &team).await?;
    tracing::info!(%team, %user, "took a user out of a team");
    Ok(Json::ok(&json!({"team": team, "user": user, "deleted": true})))
}

/// The team and the user that are meant, if the caller may bring them together: the team must be its own, and the user
/// one that it knows and that is not itself.
fn named(admin: &Admin, actor: &Actor, team: &str, user: &str) -> Answer<(TeamId, UserId)> {
    let team = actor.own_team(admin.gateway.keys.find_team(team), team)?;
    let user = actor.any_user(admin.gateway.keys.find_user(user), user)?;
    let is_itself = actor.user.as_ref().is_some_and(|own| own.id == user.id);
    if is_itself && !actor.is_administrator() {
        return Err(out_of_reach().into());
    }
    Ok((team.id.clone(), user.id.clone()))
}
