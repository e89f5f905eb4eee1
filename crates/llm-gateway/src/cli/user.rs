//! `llm-gateway user`.

use std::sync::Arc;

use crate::config::Overrides;
use crate::keys::{Keys, MembershipDraft, Role, User, UserDraft, UserPatch};
use crate::store::UsageFilter;
use serde_json::Value;

use super::args::{TenantArgs, UserCommand};
use super::tenant::{
    day, describe, limits_of, limits_text, missing, models_text, patterns, said_blocked, spent, state,
};
use super::{Failure, open, output, team, tenant};

pub(super) async fn run(command: UserCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let UserCommand::Create { tenant, email, role, teams } = command {
        return create(&open::keys(overrides).await?.0, tenant, email, role, teams).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        UserCommand::Create { .. } => Ok(()),
        UserCommand::List { team, json } => list(&keys, team.as_deref(), json),
        UserCommand::Show { user, json } => show(&keys, &*find(&keys, &user)?, json).await,
        UserCommand::Block { user } => block(&keys, &user, true).await,
        UserCommand::Unblock { user } => block(&keys, &user, false).await,
        UserCommand::Delete { user } => {
            let found = find(&keys, &user)?;
            keys.delete_user(&found.id).await?;
            eprintln!("deleted `{}` ({}), with its keys", found.name, found.id);
            Ok(())
        }
    }
}

async fn create(
    keys: &Keys,
    tenant: TenantArgs,
    email: Option<String>,
    role: Option<Role>,
    teams: Vec<String>,
) -> Result<(), Failure> {
    let TenantArgs { name, limits, models, json } = tenant;
    let teams = teams.into_iter().map(|team| MembershipDraft { team, role: Role::Member }).collect();
    let models = models.map(patterns);
    let made = keys.create_user(UserDraft { name, email, role, teams, limits, models, ..UserDraft::default() }).await?;
    if json {
        output::json(&describe(keys, &*made, &made.scope())?)?;
    } else {
        output::line(made.id.as_str())?;
    }
    eprintln!("made the user `{}`", made.name);
    Ok(())
}

fn list(keys: &Keys, team: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let team = team.map(|text| team::find(keys, text)).transpose()?;
    let found = keys.users(None, usize::MAX, |user| team.as_ref().is_none_or(|team| user.is_in(&team.id)));
    if as_json {
        let shown: Result<Vec<Value>, Failure> = found.iter().map(|one| describe(keys, &**one, &one.scope())).collect();
        return output::json(&shown?);
    }
    let head = ["NAME", "EMAIL", "ROLE", "TEAMS", "STATE", "LIMITS", "CREATED", "ID"].map(str::to_owned);
    let row = |one: &Arc<User>| {
        [
            one.name.clone(),
            one.email.clone().unwrap_or_else(|| "-".to_owned()),
            one.role.to_string(),
            teams(keys, one),
            state(one.blocked).to_owned(),
            limits_text(&limits_of(keys, &one.scope())),
            day(one.created_at),
            one.id.to_string(),
        ]
    };
    output::table(&std::iter::once(head).chain(found.iter().map(row)).collect::<Vec<_>>())
}

/// The names of its teams, with its role where it is more than a member.
fn teams(keys: &Keys, user: &User) -> String {
    let names: Vec<String> = user
        .teams
        .iter()
        .map(|membership| {
            let name =
                keys.team(&membership.team).map_or_else(|| membership.team.to_string(), |team| team.name.clone());
            if membership.role == Role::Member { name } else { format!("{name} ({})", membership.role) }
        })
        .collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

async fn show(keys: &Keys, found: &User, as_json: bool) -> Result<(), Failure> {
    let filter = UsageFilter { user: Some(found.id.to_string()), ..UsageFilter::default() };
    let spent = spent(keys, &filter).await?;
    if as_json {
        return output::json(&tenant::with_spent(describe(keys, found, &found.scope())?, spent));
    }
    let row = |name: &str, value: String| [name.to_owned(), value];
    output::table(&[
        row("name", found.name.clone()),
        row("id", found.id.to_string()),
        row("email", found.email.clone().unwrap_or_else(|| "-".to_owned())),
        row("role", found.role.to_string()),
        row("teams", teams(keys, found)),
        row("state", state(found.blocked).to_owned()),
        row("models", models_text(found.models.as_deref())),
        row("limits", limits_text(&limits_of(keys, &found.scope()))),
        row("spent", format!("{} USD in {} calls", spent.1, spent.0)),
        row("created", found.created_at.to_string()),
    ])
}

async fn block(keys: &Keys, text: &str, blocked: bool) -> Result<(), Failure> {
    let id = find(keys, text)?.id.clone();
    let changed = keys.patch_user(&id, UserPatch { blocked: Some(blocked), ..UserPatch::default() }).await?;
    said_blocked(blocked, &changed.name, &changed.id);
    Ok(())
}

/// The user that a person means, by its id or name.
pub(super) fn find(keys: &Keys, text: &str) -> Result<Arc<User>, Failure> {
    keys.find_user(text).ok_or_else(|| {
        let all = keys.users(None, usize::MAX, |_| true);
        missing("user", text, all.iter().map(|one| one.name.as_str()))
    })
}
