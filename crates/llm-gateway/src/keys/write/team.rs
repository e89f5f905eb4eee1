//! Writing teams, and who is a member of them.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::Result;

use super::{ORGANIZATION, execute, find_if_said, ids, json, key, limit, not_found, taken};
use crate::keys::adopt::{Adopted, Adoption};
use crate::keys::rows::TeamRow;
use crate::keys::{Keys, Team, TeamDraft, TeamId, TeamPatch, rows};
use crate::limits::{Scope, ScopeKind};
use crate::store::{Transaction, query};

const INSERT: &str = "INSERT INTO teams (id, name, organization, models, blocked, metadata, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const UPDATE: &str = "UPDATE teams SET name = $2, organization = $3, models = $4, blocked = $5, metadata = $6 \
    WHERE id = $1";
const KEYS: &str = "SELECT id FROM keys WHERE team = $1";
const DELETE_MEMBERS: &str = "DELETE FROM members WHERE team = $1";
const DELETE: &str = "DELETE FROM teams WHERE id = $1";

impl Keys {
    /// Makes a team.
    pub async fn create_team(&self, mut draft: TeamDraft) -> Result<Arc<Team>> {
        draft.check()?;
        let (id, now) = (TeamId::fresh(), Timestamp::now().as_millisecond());
        let mut tx = self.begin().await?;
        draft.organization = find_if_said(&mut tx, &ORGANIZATION, draft.organization.as_deref()).await?;
        insert(&mut tx, id.as_str(), &draft, false, now).await?;
        for spec in &draft.limits {
            limit::insert(&mut tx, &scope(id.as_str()), spec, now).await?;
        }
        self.commit(tx).await?;
        self.existing_team(&id)
    }

    /// Changes a team. The change is in force when this returns, for all its keys.
    pub async fn patch_team(&self, id: &TeamId, patch: TeamPatch) -> Result<Arc<Team>> {
        patch.check()?;
        let mut tx = self.begin().await?;
        let found = rows::teams(&mut tx, Some(id.as_str())).await?.pop();
        let TeamRow { team, organization } = found.ok_or_else(|| not_found("team", id.as_str()))?;
        let organization = match patch.organization {
            None => organization.map(|id| id.to_string()),
            Some(said) => find_if_said(&mut tx, &ORGANIZATION, said.as_deref()).await?,
        };
        let name = patch.name.unwrap_or(team.name);
        query(UPDATE)
            .bind(id.to_string())
            .bind(name.clone())
            .bind(organization)
            .bind(patch.models.unwrap_or(team.models).as_ref().map(json).transpose()?)
            .bind(patch.blocked.unwrap_or(team.blocked))
            .bind(json(&patch.metadata.unwrap_or(team.metadata))?)
            .execute(&mut tx)
            .await
            .map_err(|error| taken(error, "a team", &name))?;
        if let Some(limits) = patch.limits {
            limit::replace(&mut tx, &scope(id.as_str()), limits, Timestamp::now().as_millisecond()).await?;
        }
        self.commit(tx).await?;
        self.existing_team(id)
    }

    /// Deletes a team with its keys and all their limits. What they spent stays on record.
    pub async fn delete_team(&self, id: &TeamId) -> Result<()> {
        let mut tx = self.begin().await?;
        if delete(&mut tx, id.as_str()).await? == 0 {
            return Err(not_found("team", id.as_str()));
        }
        self.commit(tx).await
    }

    fn existing_team(&self, id: &TeamId) -> Result<Arc<Team>> {
        self.team(id).ok_or_else(|| not_found("team", id.as_str()))
    }
}

fn scope(id: &str) -> Scope {
    Scope::new(ScopeKind::Team, id)
}

/// Deletes a team with its keys and all their limits; says how many teams that were.
pub(super) async fn delete(db: &mut Transaction, id: &str) -> Result<u64> {
    for key in ids(db, KEYS, id).await? {
        key::delete(db, &key).await?;
    }
    execute(db, DELETE_MEMBERS, id).await?;
    limit::delete_of(db, &scope(id)).await?;
    execute(db, DELETE, id).await
}

/// Writes a team whose draft names its organization by its id.
pub(super) async fn insert(db: &mut Transaction, id: &str, draft: &TeamDraft, blocked: bool, now: i64) -> Result<()> {
    query(INSERT)
        .bind(id)
        .bind(draft.name.as_str())
        .bind(draft.organization.clone())
        .bind(draft.models.as_ref().map(json).transpose()?)
        .bind(blocked)
        .bind(json(&draft.metadata)?)
        .bind(now)
        .execute(db)
        .await
        .map_err(|error| taken(error, "a team", &draft.name))?;
    Ok(())
}

/// Writes one that was made elsewhere.
pub(in crate::keys) async fn adopt(adoption: &mut Adoption, adopted: &Adopted<TeamDraft>) -> Result<()> {
    let made = adopted.created_at.as_millisecond();
    insert(&mut adoption.tx, &adopted.id, &adopted.draft, adopted.blocked, made).await?;
    adoption.limits(&scope(&adopted.id), &adopted.limits).await
}
