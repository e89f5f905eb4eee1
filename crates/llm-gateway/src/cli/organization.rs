//! `llm-gateway organization`.

use std::sync::Arc;

use crate::config::Overrides;
use crate::keys::{Keys, Organization, OrganizationDraft, OrganizationPatch};
use crate::store::UsageFilter;
use serde_json::Value;

use super::args::{OrganizationCommand, TenantArgs};
use super::tenant::{
    day, describe, limits_of, limits_text, missing, models_text, patterns, said_blocked, spent, state,
};
use super::{Failure, open, output, tenant};

pub(super) async fn run(command: OrganizationCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let OrganizationCommand::Create(args) = command {
        return create(&open::keys(overrides).await?.0, args).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        OrganizationCommand::Create(_) => Ok(()),
        OrganizationCommand::List { json } => list(&keys, json),
        OrganizationCommand::Show { organization, json } => show(&keys, &*find(&keys, &organization)?, json).await,
        OrganizationCommand::Block { organization } => block(&keys, &organization, true).await,
        OrganizationCommand::Unblock { organization } => block(&keys, &organization, false).await,
        OrganizationCommand::Delete { organization } => {
            let found = find(&keys, &organization)?;
            keys.delete_organization(&found.id).await?;
            eprintln!("deleted `{}` ({}), with its teams and their keys", found.name, found.id);
            Ok(())
        }
    }
}

async fn create(keys: &Keys, args: TenantArgs) -> Result<(), Failure> {
    let TenantArgs { name, limits, models, json } = args;
    let draft = OrganizationDraft { name, limits, models: models.map(patterns), ..OrganizationDraft::default() };
    let made = keys.create_organization(draft).await?;
    if json {
        output::json(&describe(keys, &*made, &made.scope())?)?;
    } else {
        output::line(made.id.as_str())?;
    }
    eprintln!("made the organization `{}`", made.name);
    Ok(())
}

fn list(keys: &Keys, as_json: bool) -> Result<(), Failure> {
    let found = keys.organizations(None, usize::MAX);
    if as_json {
        let shown: Result<Vec<Value>, Failure> = found.iter().map(|one| describe(keys, &**one, &one.scope())).collect();
        return output::json(&shown?);
    }
    let head = ["NAME", "STATE", "MODELS", "LIMITS", "CREATED", "ID"].map(str::to_owned);
    let row = |one: &Arc<Organization>| {
        [
            one.name.clone(),
            state(one.blocked).to_owned(),
            models_text(one.models.as_deref()),
            limits_text(&limits_of(keys, &one.scope())),
            day(one.created_at),
            one.id.to_string(),
        ]
    };
    output::table(&std::iter::once(head).chain(found.iter().map(row)).collect::<Vec<_>>())
}

async fn show(keys: &Keys, found: &Organization, as_json: bool) -> Result<(), Failure> {
    let filter = UsageFilter { organization: Some(found.id.to_string()), ..UsageFilter::default() };
    let spent = spent(keys, &filter).await?;
    if as_json {
        return output::json(&tenant::with_spent(describe(keys, found, &found.scope())?, spent));
    }
    let teams = keys.teams(None, usize::MAX, |team| team.organization.as_ref().is_some_and(|own| own.id == found.id));
    let teams: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    let row = |name: &str, value: String| [name.to_owned(), value];
    output::table(&[
        row("name", found.name.clone()),
        row("id", found.id.to_string()),
        row("state", state(found.blocked).to_owned()),
        row("teams", if teams.is_empty() { "none".to_owned() } else { teams.join(", ") }),
        row("models", models_text(found.models.as_deref())),
        row("limits", limits_text(&limits_of(keys, &found.scope()))),
        row("spent", format!("{} USD in {} calls", spent.1, spent.0)),
        row("created", found.created_at.to_string()),
    ])
}

async fn block(keys: &Keys, text: &str, blocked: bool) -> Result<(), Failure> {
    let id = find(keys, text)?.id.clone();
    let patch = OrganizationPatch { blocked: Some(blocked), ..OrganizationPatch::default() };
    let changed = keys.patch_organization(&id, patch).await?;
    said_blocked(blocked, &changed.name, &changed.id);
    Ok(())
}

/// The organization that a person means, by its id or name.
pub(super) fn find(keys: &Keys, text: &str) -> Result<Arc<Organization>, Failure> {
    keys.find_organization(text).ok_or_else(|| {
        let all = keys.organizations(None, usize::MAX);
        missing("organization", text, all.iter().map(|one| one.name.as_str()))
    })
}
