//! `llm-gateway organization`.

use std::sync::Arc;

use super::args::{OrganizationCommand, TenantArgs};
use super::tenant::{Common, Tenant, made, missing, patterns, row, said_blocked};
use super::{Failure, open, tenant};
use crate::config::Overrides;
use crate::keys::{Keys, Organization, OrganizationDraft, OrganizationPatch};
use crate::store::UsageFilter;

pub(super) async fn run(command: OrganizationCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let OrganizationCommand::Create(args) = command {
        return create(&open::keys(overrides).await?.0, args).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        OrganizationCommand::Create(_) => Ok(()),
        OrganizationCommand::List { json } => tenant::list(&keys, &keys.organizations(None, usize::MAX), json),
        OrganizationCommand::Show { organization, json } => {
            tenant::show(&keys, &*find(&keys, &organization)?, json).await
        }
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
    made(keys, &*keys.create_organization(draft).await?, json)
}

impl Tenant for Organization {
    const WHAT: &str = "organization";
    const COLUMNS: &[&str] = &[];

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
        UsageFilter { organization: Some(self.id.to_string()), ..UsageFilter::default() }
    }

    fn columns(&self, _keys: &Keys) -> Vec<String> {
        Vec::new()
    }

    fn rows(&self, keys: &Keys) -> Vec<[String; 2]> {
        let teams =
            keys.teams(None, usize::MAX, |team| team.organization.as_ref().is_some_and(|own| own.id == self.id));
        let teams: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
        vec![row("teams", if teams.is_empty() { "none".to_owned() } else { teams.join(", ") })]
    }
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
