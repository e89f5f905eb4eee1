//! Writing limits.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::Result;

use super::{execute, ids, json, not_found};
use crate::keys::{Keys, id, rows};
use crate::limits::{Limit, LimitDraft, LimitId, LimitPatch, LimitSpec, Scope, ScopeKind};
use crate::store::{Transaction, query};

const INSERT: &str = "INSERT INTO limits (id, scope_kind, scope_id, spec, created_at) VALUES ($1, $2, $3, $4, $5)";
const UPDATE: &str = "UPDATE limits SET spec = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM limits WHERE id = $1";
const DELETE_OF: &str = "DELETE FROM limits WHERE scope_kind = $1 AND scope_id = $2";
const OF: &str = "SELECT id FROM limits WHERE scope_kind = $1 AND scope_id = $2";

impl Keys {
    /// Makes a limit. What can't be enforced is refused, and so is one on something that is not there.
    pub async fn create_limit(&self, draft: LimitDraft) -> Result<Arc<Limit>> {
        draft.check()?;
        let LimitDraft { scope, spec } = draft;
        let mut tx = self.begin().await?;
        let exists = match scope.kind {
            ScopeKind::Organization => Some("SELECT id FROM organizations WHERE id = $1"),
            ScopeKind::Team => Some("SELECT id FROM teams WHERE id = $1"),
            ScopeKind::User => Some("SELECT id FROM users WHERE id = $1"),
            ScopeKind::Key => Some("SELECT id FROM keys WHERE id = $1"),
            // Whoever and whatever an application names.
            ScopeKind::EndUser | ScopeKind::Tag => None,
        };
        if let Some(exists) = exists
            && ids(&mut tx, exists, &scope.id).await?.is_empty()
        {
            return Err(not_found(scope.kind.as_str(), &scope.id).with_param("scope"));
        }
        let id = insert(&mut tx, &scope, &spec, Timestamp::now().as_millisecond()).await?;
        self.commit(tx).await?;
        self.limit(&id).ok_or_else(|| not_found("limit", id.as_str()))
    }

    /// Changes a limit that was made by someone. It goes on from what it has counted.
    pub async fn patch_limit(&self, id: &LimitId, patch: LimitPatch) -> Result<Arc<Limit>> {
        let mut tx = self.begin().await?;
        let found = rows::limits(&mut tx, Some(id.as_str())).await?.pop();
        let spec = patch.over(found.ok_or_else(|| not_found("limit", id.as_str()))?.spec)?;
        update(&mut tx, id, &spec).await?;
        self.commit(tx).await?;
        self.limit(id).ok_or_else(|| not_found("limit", id.as_str()))
    }

    /// Deletes a limit that was made by someone.
    pub async fn delete_limit(&self, id: &LimitId) -> Result<()> {
        let mut tx = self.begin().await?;
        if execute(&mut tx, DELETE, id.as_str()).await? == 0 {
            return Err(not_found("limit", id.as_str()));
        }
        self.commit(tx).await
    }
}

pub(super) async fn insert(db: &mut Transaction, scope: &Scope, spec: &LimitSpec, now: i64) -> Result<LimitId> {
    let id = id::fresh_limit();
    insert_as(db, &id, scope, spec, now).await?;
    Ok(id)
}

/// The same under an id that is known.
pub(in crate::keys) async fn insert_as(
    db: &mut Transaction,
    id: &LimitId,
    scope: &Scope,
    spec: &LimitSpec,
    now: i64,
) -> Result<()> {
    query(INSERT)
        .bind(id.to_string())
        .bind(scope.kind.as_str())
        .bind(scope.id.to_string())
        .bind(json(spec)?)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

async fn update(db: &mut Transaction, id: &LimitId, spec: &LimitSpec) -> Result<()> {
    let update = query(UPDATE).bind(id.to_string()).bind(json(spec)?);
    update.execute(db).await?;
    Ok(())
}

/// Puts `specs` in the place of all limits of a scope. One that counts like an old one keeps its id, and so what it has
/// counted: who raises a budget in mid-month has not earned a new month.
pub(super) async fn replace(db: &mut Transaction, scope: &Scope, specs: Vec<LimitSpec>, now: i64) -> Result<()> {
    let ids: Vec<(String,)> = query(OF).bind(scope.kind.as_str()).bind(&*scope.id).all(&mut *db).await?;
    let mut old = Vec::new();
    for (id,) in ids {
        old.append(&mut rows::limits(db, Some(&id)).await?);
    }
    for spec in specs {
        match old.iter().position(|limit| limit.spec.counts_like(&spec)) {
            Some(place) => update(db, &old.swap_remove(place).id, &spec).await?,
            None => _ = insert(db, scope, &spec, now).await?,
        }
    }
    for limit in old {
        execute(db, DELETE, limit.id.as_str()).await?;
    }
    Ok(())
}

pub(super) async fn delete_of(db: &mut Transaction, scope: &Scope) -> Result<()> {
    let delete = query(DELETE_OF).bind(scope.kind.as_str()).bind(scope.id.to_string());
    delete.execute(db).await?;
    Ok(())
}
