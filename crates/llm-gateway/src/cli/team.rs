//! `llm-gateway team`.

use std::sync::Arc;

use crate::config::Overrides;
use crate::keys::{Keys, MembershipDraft, Role, Team, TeamDraft, TeamPatch, User};
use crate::store::UsageFilter;
use serde_json::{Value, json};

use super::args::{TeamCommand, TenantArgs};
use super::tenant::{
    day, describe, limits_of, limits_text, missing, models_text, patterns, said_blocked, spent, state,
};
use super::{Failure, open, output, tenant, user};

pub(super) async fn run(command: TeamCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let TeamCommand::Create { tenant, organization } = command {
        return create(&open::keys(overrides).await?.0, tenant, organization).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        TeamCommand::Create { .. } => Ok(()),
        TeamCommand::List { json } => list(&keys, json),
        TeamCommand::Show { team, json } => show(&keys, &*find(&keys, &team)?, json).await,
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
    let made = keys.create_team(draft).await?;
    if json {
        output::json(&describe(keys, &*made, &made.scope())?)?;
    } else {
        output::line(made.id.as_str())?;
    }
    eprintln!("made the team `{}`", made.name);
    Ok(())
}

fn list(keys: &Keys, as_json: bool) -> Result<(), Failure> {
    let found = keys.teams(None, usize::MAX, |_| true);
    if as_json {
        let shown: Result<Vec<Value>, Failure> = found.iter().map(|one| describe(keys, &**one, &one.scope())).collect();
        return output::json(&shown?);
    }
    let head = ["NAME", "ORGANIZATION", "STATE", "MODELS", "LIMITS", "CREATED", "ID"].map(str::to_owned);
    let row = |one: &Arc<Team>| {
        [
            one.name.clone(),
            one.organization.as_ref().map_or_else(|| "-".to_owned(), |organization| organization.name.clone()),
            state(one.blocked).to_owned(),
            models_text(one.models.as_deref()),
            limits_text(&limits_of(keys, &one.scope())),
            day(one.created_at),
            one.id.to_string(),
        ]
    };
    output::table(&std::iter::once(head).chain(found.iter().map(row)).collect::<Vec<_>>())
}

async fn show(keys: &Keys, found: &Team, as_json: bool) -> Result<(), Failure> {
    let filter = UsageFilter { team: Some(found.id.to_string()), ..UsageFilter::default() };
    let spent = spent(keys, &filter).await?;
    let users = keys.users(None, usize::MAX, |user| user.is_in(&found.id));
    let role = |user: &User| {
        user.teams.iter().find(|membership| membership.team == found.id).map_or(Role::Member, |found| found.role)
    };
    if as_json {
        let mut shown = tenant::with_spent(describe(keys, found, &found.scope())?, spent);
        let member = |user: &Arc<User>| json!({"user": user.id, "name": user.name, "role": role(user)});
        shown["members"] = users.iter().map(member).collect();
        return output::json(&shown);
    }
    let members: Vec<String> = users
        .iter()
        .map(|user| match role(user) {
            Role::Member => user.name.clone(),
            role => format!("{} ({role})", user.name),
        })
        .collect();
    let none = || "none".to_owned();
    let organization = found.organization.as_ref().map(|one| format!("{} ({})", one.name, one.id));
    let row = |name: &str, value: String| [name.to_owned(), value];
    output::table(&[
        row("name", found.name.clone()),
        row("id", found.id.to_string()),
        row("state", state(found.blocked).to_owned()),
        row("organization", organization.unwrap_or_else(none)),
        row("members", if members.is_empty() { none() } else { members.join(", ") }),
        row("models", models_text(found.models.as_deref())),
        row("limits", limits_text(&limits_of(keys, &found.scope()))),
        row("spent", format!("{} USD in {} calls", spent.1, spent.0)),
        row("created", found.created_at.to_string()),
    ])
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
