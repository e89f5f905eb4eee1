//! `llm-gateway team`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::args::{TeamCommand, TenantArgs};
use super::tenant::{Common, Tenant, made, missing, patterns, row, said_blocked};
use super::{Failure, open, tenant, user};
use crate::config::Overrides;
use crate::keys::{Keys, MembershipDraft, Role, Team, TeamDraft, TeamPatch, User};
use crate::store::UsageFilter;

pub(super) async fn run(command: TeamCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let TeamCommand::Create { tenant, organization } = command {
        return create(&open::keys(overrides).await?.0, tenant, organization).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        TeamCommand::Create { .. } => Ok(()),
        TeamCommand::List { json } => tenant::list(&keys, &keys.teams(None, usize::MAX, |_| true), json),
        TeamCommand::Show { team, json } => tenant::show(&keys, &*find(&keys, &team)?, json).await,
        TeamCommand::Block { team } => block(&keys, &team, true).await,
        TeamCommand::Unblock { team } => block(&keys, &team, false).await,
        TeamCommand::Delete { team } => {
            let found = find(&keys, &team)?;
            keys.delete_team(&found.id).await?;
            eprintln!("deleted `{}` ({}), with its keys", found.name, found.id);
            Ok(())
        }
        TeamCommand::Add { team, user, role } => add(&keys, &team, &user, role).await,
        TeamCommand::Remove { team, user } => {
            let (team, user) = (find(&keys, &team)?, user::find(&keys, &user)?);
            keys.remove_member(&user.id, &team.id).await?;
            eprintln!("took `{}` out of `{}`", user.name, team.name);
            Ok(())
        }
    }
}

async fn create(keys: &Keys, tenant: TenantArgs, organization: Option<String>) -> Result<(), Failure> {
    let TenantArgs { name, limits, models, json } = tenant;
    let draft = TeamDraft { name, organization, limits, models: models.map(patterns), ..TeamDraft::default() };
    made(keys, &*keys.create_team(draft).await?, json)
}

impl Tenant for Team {
    const WHAT: &str = "team";
    const COLUMNS: &[&str] = &["ORGANIZATION"];

    fn common(&self) -> Common<'_> {
        Common {
            id: self.id.as_str(),
            name: &self.name,
            scope: self.scope(),
            blocked: self.blocked,
            models: self.models.as_deref(),
            created_at: self.created_at,
        }
    }

    fn calls(&self) -> UsageFilter {
        UsageFilter { team: Some(self.id.to_string()), ..UsageFilter::default() }
    }

    fn columns(&self, _keys: &Keys) -> Vec<String> {
        vec![self.organization.as_ref().map_or_else(|| "-".to_owned(), |organization| organization.name.clone())]
    }

    fn rows(&self, keys: &Keys) -> Vec<[String; 2]> {
        let none = || "none".to_owned();
        let organization = self.organization.as_ref().map(|one| format!("{} ({})", one.name, one.id));
        let members: Vec<String> = members(self, keys)
            .iter()
            .map(|(user, role)| match role {
                Role::Member => user.name.clone(),
                role => format!("{} ({role})", user.name),
            })
            .collect();
        vec![
            row("organization", organization.unwrap_or_else(none)),
            row("members", if members.is_empty() { none() } else { members.join(", ") }),
        ]
    }

    fn more(&self, keys: &Keys) -> Map<String, Value> {
        let member = |(user, role): (Arc<User>, Role)| json!({"user": user.id, "name": user.name, "role": role});
        let members = members(self, keys).into_iter().map(member).collect();
        Map::from_iter([("members".to_owned(), members)])
    }
}

/// The members of a team, and what they are there.
fn members(team: &Team, keys: &Keys) -> Vec<(Arc<User>, Role)> {
    let role = |user: &User| {
        user.teams.iter().find(|membership| membership.team == team.id).map_or(Role::Member, |found| found.role)
    };
    keys.users(None, usize::MAX, |user| user.is_in(&team.id))
        .into_iter()
        .map(|user| (Arc::clone(&user), role(&user)))
        .collect()
}

async fn block(keys: &Keys, text: &str, blocked: bool) -> Result<(), Failure> {
    let id = find(keys, text)?.id.clone();
    let changed = keys.patch_team(&id, TeamPatch { blocked: Some(blocked), ..TeamPatch::default() }).await?;
    said_blocked(blocked, &changed.name, &changed.id);
    Ok(())
}

async fn add(keys: &Keys, team: &str, user: &str, role: Role) -> Result<(), Failure> {
    let (team, user) = (find(keys, team)?, user::find(keys, user)?);
    keys.put_member(&user.id, MembershipDraft { team: team.id.to_string(), role }).await?;
    eprintln!("`{}` is in `{}` as {role}", user.name, team.name);
    Ok(())
}

/// The team that a person means, by its id or name.
pub(super) fn find(keys: &Keys, text: &str) -> Result<Arc<Team>, Failure> {
    keys.find_team(text).ok_or_else(|| {
        let all = keys.teams(None, usize::MAX, |_| true);
        missing("team", text, all.iter().map(|one| one.name.as_str()))
    })
}
