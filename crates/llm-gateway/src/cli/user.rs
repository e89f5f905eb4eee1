//! `llm-gateway user`.

use std::sync::Arc;

use super::args::{TenantArgs, UserCommand};
use super::tenant::{Common, Tenant, made, missing, patterns, row, said_blocked};
use super::{Failure, open, team, tenant};
use crate::config::Overrides;
use crate::keys::{Keys, MembershipDraft, Role, User, UserDraft, UserPatch};
use crate::store::UsageFilter;

pub(super) async fn run(command: UserCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let UserCommand::Create { tenant, email, role, teams } = command {
        return create(&open::keys(overrides).await?.0, tenant, email, role, teams).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        UserCommand::Create { .. } => Ok(()),
        UserCommand::List { team, json } => list(&keys, team.as_deref(), json),
        UserCommand::Show { user, json } => tenant::show(&keys, &*find(&keys, &user)?, json).await,
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
    let draft = UserDraft { name, email, role, teams, limits, models, ..UserDraft::default() };
    made(keys, &*keys.create_user(draft).await?, json)
}

fn list(keys: &Keys, team: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let team = team.map(|text| team::find(keys, text)).transpose()?;
    let found = keys.users(None, usize::MAX, |user| team.as_ref().is_none_or(|team| user.is_in(&team.id)));
    tenant::list(keys, &found, as_json)
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

impl Tenant for User {
    const WHAT: &str = "user";
    const COLUMNS: &[&str] = &["EMAIL", "ROLE", "TEAMS"];

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
        UsageFilter { user: Some(self.id.to_string()), ..UsageFilter::default() }
    }

    fn columns(&self, keys: &Keys) -> Vec<String> {
        vec![email(self), self.role.to_string(), teams(keys, self)]
    }

    fn rows(&self, keys: &Keys) -> Vec<[String; 2]> {
        vec![row("email", email(self)), row("role", self.role.to_string()), row("teams", teams(keys, self))]
    }
}

fn email(user: &User) -> String {
    user.email.clone().unwrap_or_else(|| "-".to_owned())
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
