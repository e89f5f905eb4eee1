//! Writing users, and the teams that they are members of.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::Result;

use super::{TEAM, execute, find, ids, json, key, limit, login, not_found, taken};
use crate::keys::adopt::{Adopted, Adoption};
use crate::keys::{Keys, MembershipDraft, Role, TeamId, User, UserDraft, UserId, UserPatch, rows};
use crate::limits::{Scope, ScopeKind};
use crate::store::{Transaction, query};

const INSERT: &str = "INSERT INTO users (id, name, email, role, models, blocked, metadata, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const UPDATE: &str = "UPDATE users SET name = $2, email = $3, role = $4, models = $5, blocked = $6, metadata = $7 \
    WHERE id = $1";
const PUT_MEMBER: &str = "INSERT INTO members (\"user\", team, role) VALUES ($1, $2, $3) \
    ON CONFLICT (\"user\", team) DO UPDATE SET role = excluded.role";
const DELETE_MEMBER: &str = "DELETE FROM members WHERE \"user\" = $1 AND team = $2";
const DELETE_MEMBERS: &str = "DELETE FROM members WHERE \"user\" = $1";
const DELETE_IDENTITIES: &str = "DELETE FROM identities WHERE \"user\" = $1";
const KEYS: &str = "SELECT id FROM keys WHERE \"user\" = $1";
const DELETE: &str = "DELETE FROM users WHERE id = $1";

impl Keys {
    /// Makes a user.
    pub async fn create_user(&self, draft: UserDraft) -> Result<Arc<User>> {
        draft.check()?;
        let (id, now) = (UserId::fresh(), Timestamp::now().as_millisecond());
        let mut tx = self.begin().await?;
        insert(&mut tx, &id, &draft, false, now).await?;
        for spec in &draft.limits {
            limit::insert(&mut tx, &scope(&id), spec, now).await?;
        }
        self.commit(tx).await?;
        self.existing_user(&id)
    }

    /// Changes a user. The change is in force when this returns, for all its keys.
    pub async fn patch_user(&self, id: &UserId, patch: UserPatch) -> Result<Arc<User>> {
        patch.check()?;
        let mut tx = self.begin().await?;
        let user = read(&mut tx, id).await?;
        let name = patch.name.unwrap_or(user.name);
        query(UPDATE)
            .bind(id.to_string())
            .bind(name.clone())
            .bind(patch.email.unwrap_or(user.email))
            .bind(patch.role.unwrap_or(user.role).as_str())
            .bind(patch.models.unwrap_or(user.models).as_ref().map(json).transpose()?)
            .bind(patch.blocked.unwrap_or(user.blocked))
            .bind(json(&patch.metadata.unwrap_or(user.metadata))?)
            .execute(&mut tx)
            .await
            .map_err(|error| taken(error, "a user of that address, or called", &name))?;
        if let Some(teams) = patch.teams {
            execute(&mut tx, DELETE_MEMBERS, id.as_str()).await?;
            join(&mut tx, id, &teams).await?;
        }
        if let Some(identities) = patch.identities {
            execute(&mut tx, DELETE_IDENTITIES, id.as_str()).await?;
            for identity in &identities {
                login::identify(&mut tx, id, identity, Timestamp::now().as_millisecond()).await?;
            }
        }
        if let Some(limits) = patch.limits {
            limit::replace(&mut tx, &scope(id), limits, Timestamp::now().as_millisecond()).await?;
        }
        self.commit(tx).await?;
        self.existing_user(id)
    }

    /// Makes a user a member of a team, or gives it another role there.
    pub async fn put_member(&self, id: &UserId, membership: MembershipDraft) -> Result<Arc<User>> {
        membership.check()?;
        let mut tx = self.begin().await?;
        read(&mut tx, id).await?;
        join(&mut tx, id, &[membership]).await?;
        self.commit(tx).await?;
        self.existing_user(id)
    }

    /// Takes a user out of a team.
    pub async fn remove_member(&self, id: &UserId, team: &TeamId) -> Result<Arc<User>> {
        let mut tx = self.begin().await?;
        let delete = query(DELETE_MEMBER).bind(id.to_string()).bind(team.to_string());
        if delete.execute(&mut tx).await? == 0 {
            return Err(not_found("member", id.as_str()));
        }
        self.commit(tx).await?;
        self.existing_user(id)
    }

    /// Deletes a user with its keys and all their limits. What they spent stays on record.
    pub async fn delete_user(&self, id: &UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        for key in ids(&mut tx, KEYS, id.as_str()).await? {
            key::delete(&mut tx, &key).await?;
        }
        execute(&mut tx, DELETE_MEMBERS, id.as_str()).await?;
        execute(&mut tx, DELETE_IDENTITIES, id.as_str()).await?;
        limit::delete_of(&mut tx, &scope(id)).await?;
        if execute(&mut tx, DELETE, id.as_str()).await? == 0 {
            return Err(not_found("user", id.as_str()));
        }
        self.commit(tx).await
    }

    fn existing_user(&self, id: &UserId) -> Result<Arc<User>> {
        self.user(id).ok_or_else(|| not_found("user", id.as_str()))
    }
}

fn scope(id: &UserId) -> Scope {
    Scope::new(ScopeKind::User, id.as_str())
}

async fn read(db: &mut Transaction, id: &UserId) -> Result<User> {
    rows::users(db, Some(id.as_str())).await?.pop().ok_or_else(|| not_found("user", id.as_str()))
}

pub(super) async fn join(db: &mut Transaction, user: &UserId, teams: &[MembershipDraft]) -> Result<()> {
    for membership in teams {
        let team = find(db, &TEAM, &membership.team).await?;
        let put = query(PUT_MEMBER).bind(user.to_string()).bind(team).bind(membership.role.as_str());
        put.execute(&mut *db).await?;
    }
    Ok(())
}

/// Writes a user, with its memberships and identities.
pub(super) async fn insert(
    db: &mut Transaction,
    id: &UserId,
    draft: &UserDraft,
    blocked: bool,
    now: i64,
) -> Result<()> {
    query(INSERT)
        .bind(id.as_str())
        .bind(draft.name.as_str())
        .bind(draft.email.clone())
        .bind(draft.role.unwrap_or(Role::Member).as_str())
        .bind(draft.models.as_ref().map(json).transpose()?)
        .bind(blocked)
        .bind(json(&draft.metadata)?)
        .bind(now)
        .execute(&mut *db)
        .await
        .map_err(|error| taken(error, "a user of that address, or called", &draft.name))?;
    for identity in &draft.identities {
        login::identify(db, id, identity, now).await?;
    }
    join(db, id, &draft.teams).await
}

/// Writes one that was made elsewhere.
pub(in crate::keys) async fn adopt(adoption: &mut Adoption, adopted: &Adopted<UserDraft>) -> Result<()> {
    let id = UserId::new(adopted.id.as_str());
    let made = adopted.created_at.as_millisecond();
    insert(&mut adoption.tx, &id, &adopted.draft, adopted.blocked, made).await?;
    adoption.limits(&scope(&id), &adopted.limits).await
}
