//! Writing organizations.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::Result;

use super::{execute, ids, json, limit, not_found, taken, team};
use crate::keys::adopt::{Adopted, Adoption};
use crate::keys::{Keys, Organization, OrganizationDraft, OrganizationId, OrganizationPatch, rows};
use crate::limits::{Scope, ScopeKind};
use crate::store::{Transaction, query};

const INSERT: &str = "INSERT INTO organizations (id, name, models, blocked, metadata, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6)";
const UPDATE: &str = "UPDATE organizations SET name = $2, models = $3, blocked = $4, metadata = $5 WHERE id = $1";
const TEAMS: &str = "SELECT id FROM teams WHERE organization = $1";
const DELETE: &str = "DELETE FROM organizations WHERE id = $1";

impl Keys {
    /// Makes an organization.
    pub async fn create_organization(&self, draft: OrganizationDraft) -> Result<Arc<Organization>> {
        draft.check()?;
        let (id, now) = (OrganizationId::fresh(), Timestamp::now().as_millisecond());
        let mut tx = self.begin().await?;
        insert(&mut tx, id.as_str(), &draft, false, now).await?;
        for spec in &draft.limits {
            limit::insert(&mut tx, &scope(&id), spec, now).await?;
        }
        self.commit(tx).await?;
        self.existing_organization(&id)
    }

    /// Changes an organization. The change is in force when this returns, for all its keys.
    pub async fn patch_organization(&self, id: &OrganizationId, patch: OrganizationPatch) -> Result<Arc<Organization>> {
        patch.check()?;
        let mut tx = self.begin().await?;
        let found = rows::organizations(&mut tx, Some(id.as_str())).await?.pop();
        let organization = found.ok_or_else(|| not_found("organization", id.as_str()))?;
        let name = patch.name.unwrap_or(organization.name);
        query(UPDATE)
            .bind(id.to_string())
            .bind(name.clone())
            .bind(patch.models.unwrap_or(organization.models).as_ref().map(json).transpose()?)
            .bind(patch.blocked.unwrap_or(organization.blocked))
            .bind(json(&patch.metadata.unwrap_or(organization.metadata))?)
            .execute(&mut tx)
            .await
            .map_err(|error| taken(error, "an organization", &name))?;
        if let Some(limits) = patch.limits {
            limit::replace(&mut tx, &scope(id), limits, Timestamp::now().as_millisecond()).await?;
        }
        self.commit(tx).await?;
        self.existing_organization(id)
    }

    /// Deletes an organization with its teams, their keys and all their limits. What they spent stays on record.
    pub async fn delete_organization(&self, id: &OrganizationId) -> Result<()> {
        let mut tx = self.begin().await?;
        for team in ids(&mut tx, TEAMS, id.as_str()).await? {
            team::delete(&mut tx, &team).await?;
        }
        limit::delete_of(&mut tx, &scope(id)).await?;
        if execute(&mut tx, DELETE, id.as_str()).await? == 0 {
            return Err(not_found("organization", id.as_str()));
        }
        self.commit(tx).await
    }

    fn existing_organization(&self, id: &OrganizationId) -> Result<Arc<Organization>> {
        self.organization(id).ok_or_else(|| not_found("organization", id.as_str()))
    }
}

fn scope(id: &OrganizationId) -> Scope {
    Scope::new(ScopeKind::Organization, id.as_str())
}

pub(super) async fn insert(
    db: &mut Transaction,
    id: &str,
    draft: &OrganizationDraft,
    blocked: bool,
    now: i64,
) -> Result<()> {
    query(INSERT)
        .bind(id)
        .bind(draft.name.as_str())
        .bind(draft.models.as_ref().map(json).transpose()?)
        .bind(blocked)
        .bind(json(&draft.metadata)?)
        .bind(now)
        .execute(db)
        .await
        .map_err(|error| taken(error, "an organization", &draft.name))?;
    Ok(())
}

/// Writes one that was made elsewhere.
pub(in crate::keys) async fn adopt(adoption: &mut Adoption, adopted: &Adopted<OrganizationDraft>) -> Result<()> {
    let made = adopted.created_at.as_millisecond();
    insert(&mut adoption.tx, &adopted.id, &adopted.draft, adopted.blocked, made).await?;
    adoption.limits(&scope(&OrganizationId::new(adopted.id.as_str())), &adopted.limits).await
}
