//! `/api/v1/users`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::actor::{Actor, out_of_reach};
use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path, Query};
use super::limits::WithLimits;
use super::page::{self, Page};
use crate::keys::{Identity, MembershipDraft, Role, User, UserDraft, UserId, UserPatch};

impl Admin {
    /// A user, as far as the caller may know of it.
    fn show_user<'a>(&self, actor: &Actor, user: &'a User) -> WithLimits<'a, User> {
        let limits = if actor.sees_whole(user) { self.statuses(&user.scope()) } else { Vec::new() };
        WithLimits::new(actor.known_of(user), limits)
    }

    /// Refuses what only the administrator may say of a user: a role everywhere, who it is elsewhere, no team at all, or
    /// a team that is not the caller's.
    fn check_user(
        &self,
        actor: &Actor,
        role: Option<Role>,
        teams: Option<&[MembershipDraft]>,
        identities: Option<&[Identity]>,
    ) -> Answer<()> {
        if actor.is_administrator() {
            return Ok(());
        }
        if identities.is_some() || role.is_some_and(|role| role != Role::Member) || teams.is_some_and(<[_]>::is_empty) {
            return Err(out_of_reach().into());
        }
        for membership in teams.unwrap_or_default() {
            actor.own_team(self.gateway.keys.find_team(&membership.team), &membership.team)?;
        }
        Ok(())
    }
}

/// `POST /api/v1/users`. A team administrator makes members of its teams.
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Body(draft): Body<UserDraft>,
) -> Answer {
    let identities = Some(&draft.identities[..]).filter(|said| !said.is_empty());
    admin.check_user(&actor, draft.role, Some(&draft.teams), identities)?;
    let made = admin.gateway.keys.create_user(draft).await?;
    tracing::info!(user = %made.id, name = made.name, role = %made.role, "made a user");
    Ok(Json::created(&admin.show_user(&actor, &made)))
}

/// What a list of users is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    /// The id or name of a team.
    team: Option<String>,
}

/// `GET /api/v1/users`: those that the caller may know of.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Query(filter): Query<Filter>,
) -> Answer {
    let limit = page::limit(filter.limit)?;
    let after = filter.cursor.map(UserId::new);
    let team = filter.team.map(|asked| admin.team(&actor, &asked)).transpose()?;
    let wanted = |user: &User| actor.sees_user(user) && team.as_ref().is_none_or(|team| user.is_in(&team.id));
    let found = admin.gateway.keys.users(after.as_ref(), limit + 1, wanted);
    let found: Vec<&User> = found.iter().map(Arc::as_ref).collect();
    Ok(Json::ok(&Page::new(found, limit, |user| user.id.to_string(), |user| admin.show_user(&actor, user))))
}

/// `GET /api/v1/users/{id}`: by id or name.
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let user = actor.any_user(admin.gateway.keys.find_user(&id), &id)?;
    Ok(Json::ok(&admin.show_user(&actor, &user)))
}

/// `PATCH /api/v1/users/{id}`.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(patch): Body<UserPatch>,
) -> Answer {
    let user = actor.own_user(admin.gateway.keys.find_user(&id), &id)?;
    admin.check_user(&actor, patch.role, patch.teams.as_deref(), patch.identities.as_deref())?;
    let changed = admin.gateway.keys.patch_user(&user.id, patch).await?;
    tracing::info!(user = %changed.id, role = %changed.role, blocked = changed.blocked, "changed a user");
    Ok(Json::ok(&admin.show_user(&actor, &changed)))
}

/// `DELETE /api/v1/users/{id}`: with its keys.
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let user = actor.own_user(admin.gateway.keys.find_user(&id), &id)?;
    admin.gateway.keys.delete_user(&user.id).await?;
    tracing::info!(user = %user.id, "deleted a user");
    Ok(Json::ok(&json!({"id": user.id, "deleted": true})))
}
