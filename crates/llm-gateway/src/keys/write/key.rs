//! Writing keys.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};

use super::{TEAM, USER, execute, find_if_said, json, limit, not_found};
use crate::config::Secret;
use crate::keys::adopt::{Adopted, AdoptedSecret, Adoption};
use crate::keys::rows::KeyRow;
use crate::keys::{KeyDraft, KeyHash, KeyId, KeyPatch, Keys, Role, VirtualKey, rows, secret};
use crate::limits::Scope;
use crate::store::{Transaction, query};

const INSERT: &str = "INSERT INTO keys (id, name, team, \"user\", role, models, expires_at, blocked, assume_output, \
    tags, metadata, default_limits, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const UPDATE: &str = "UPDATE keys SET name = $2, team = $3, \"user\" = $4, role = $5, models = $6, expires_at = $7, \
    blocked = $8, assume_output = $9, tags = $10, metadata = $11, default_limits = $12 WHERE id = $1";
const DELETE: &str = "DELETE FROM keys WHERE id = $1";
const INSERT_SECRET: &str = "INSERT INTO key_secrets (hash, key, prefix, created_at) VALUES ($1, $2, $3, $4)";
const ADOPT_SECRET: &str =
    "INSERT INTO key_secrets (hash, key, prefix, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
const RETIRE_SECRETS: &str =
    "UPDATE key_secrets SET expires_at = $2 WHERE key = $1 AND (expires_at IS NULL OR expires_at > $2)";
const DROP_OLD_SECRETS: &str = "DELETE FROM key_secrets WHERE key = $1 AND expires_at <= $2";
const OLD_SECRETS: &str = "SELECT count(*), coalesce(min(expires_at), 0) FROM key_secrets WHERE key = $1";

/// How long an old secret may be good at most, once its key has another.
pub(crate) const MAX_GRACE: Duration = Duration::from_secs(30 * 86_400);
/// How many old secrets of a key may be good at the same time. Every process holds all of them in memory.
const MAX_OLD: i64 = 8;

/// A key that was just made or given a new secret, which is shown this once.
#[derive(Debug)]
pub struct NewKey {
    /// The key.
    pub key: Arc<VirtualKey>,
    /// Its secret.
    pub secret: Secret,
}

impl Keys {
    /// Makes a key. It is in force when this returns.
    pub async fn create(&self, draft: KeyDraft) -> Result<NewKey> {
        draft.check()?;
        let (id, secret, now) = (KeyId::fresh(), secret::make()?, Timestamp::now().as_millisecond());
        let mut tx = self.begin().await?;
        let team = find_if_said(&mut tx, &TEAM, draft.team.as_deref()).await?;
        let user = find_if_said(&mut tx, &USER, draft.user.as_deref()).await?;
        check_role(&mut tx, draft.role, team.as_deref(), user.as_deref()).await?;
        query(INSERT)
            .bind(id.to_string())
            .bind(draft.name)
            .bind(team)
            .bind(user)
            .bind(draft.role.map(Role::as_str))
            .bind(draft.models.as_ref().map(json).transpose()?)
            .bind(draft.expires_at.map(Timestamp::as_millisecond))
            .bind(false)
            .bind(draft.assume_output.and_then(|tokens| i64::try_from(tokens).ok()))
            .bind(json(&draft.tags)?)
            .bind(json(&draft.metadata)?)
            .bind(draft.limits.is_none() || draft.keep_defaults)
            .bind(now)
            .execute(&mut tx)
            .await?;
        insert_secret(&mut tx, &id, &secret, now).await?;
        for spec in draft.limits.iter().flatten() {
            limit::insert(&mut tx, &Scope::key(id.as_str()), spec, now).await?;
        }
        self.commit(tx).await?;
        Ok(NewKey { key: self.existing(&id)?, secret })
    }

    /// Changes a key. The change is in force when this returns.
    pub async fn patch(&self, id: &KeyId, patch: KeyPatch) -> Result<Arc<VirtualKey>> {
        patch.check()?;
        let now = Timestamp::now().as_millisecond();
        let mut tx = self.begin().await?;
        let KeyRow { key, team, user, .. } = read(&mut tx, id).await?;
        if key.login && (patch.team.is_some() || patch.user.is_some() || patch.role.is_some()) {
            let message = "this key stands for a user who comes with tokens, which say its `team`, `user` and `role`";
            return Err(Error::invalid_request(message));
        }
        let team = match patch.team {
            None => team.map(|id| id.to_string()),
            Some(said) => find_if_said(&mut tx, &TEAM, said.as_deref()).await?,
        };
        let user = match patch.user {
            None => user.map(|id| id.to_string()),
            Some(said) => find_if_said(&mut tx, &USER, said.as_deref()).await?,
        };
        let role = patch.role.unwrap_or(key.role);
        check_role(&mut tx, role, team.as_deref(), user.as_deref()).await?;
        let models = patch.models.unwrap_or(key.models);
        let default_limits = match &patch.limits {
            None => key.default_limits,
            Some(limits) => limits.is_none() || (key.default_limits && patch.keep_defaults),
        };
        let tags = patch.tags.unwrap_or_else(|| key.tags.iter().map(ToString::to_string).collect());
        let assume_output = patch.assume_output.unwrap_or(key.assume_output);
        query(UPDATE)
            .bind(id.to_string())
            .bind(patch.name.unwrap_or(key.name))
            .bind(team)
            .bind(user)
            .bind(role.map(Role::as_str))
            .bind(models.as_ref().map(json).transpose()?)
            .bind(patch.expires_at.unwrap_or(key.expires_at).map(Timestamp::as_millisecond))
            .bind(patch.blocked.unwrap_or(key.blocked))
            .bind(assume_output.and_then(|tokens| i64::try_from(tokens).ok()))
            .bind(json(&tags)?)
            .bind(json(&patch.metadata.unwrap_or(key.metadata))?)
            .bind(default_limits)
            .execute(&mut tx)
            .await?;
        if let Some(limits) = patch.limits {
            limit::replace(&mut tx, &Scope::key(id.as_str()), limits.unwrap_or_default(), now).await?;
        }
        self.commit(tx).await?;
        self.existing(id)
    }

    /// Gives a key a new secret. The old one is good for `grace` longer, at most 30 days; without any it is dead when this
    /// returns, and so are those that had some left. At most 8 old ones may be good beside the new one: one more is an
    /// error of the kind [`ErrorKind::Conflict`], since no application is to lose its secret before the time it was told.
    pub async fn rotate(&self, id: &KeyId, grace: Duration) -> Result<NewKey> {
        if grace > MAX_GRACE {
            return Err(Error::invalid_request("`grace` is at most 30 days").with_param("grace"));
        }
        let (secret, now) = (secret::make()?, Timestamp::now().as_millisecond());
        let until = now.saturating_add(i64::try_from(grace.as_millis()).unwrap_or(i64::MAX));
        let mut tx = self.begin().await?;
        if read(&mut tx, id).await?.key.login {
            let message = "this key stands for a user who comes with tokens; it has no secret";
            return Err(Error::invalid_request(message).with_hint("make another key"));
        }
        for (sql, time) in [(RETIRE_SECRETS, until), (DROP_OLD_SECRETS, now)] {
            query(sql).bind(id.to_string()).bind(time).execute(&mut tx).await?;
        }
        let (old, first): (i64, i64) = query(OLD_SECRETS).bind(id.to_string()).one(&mut tx).await?;
        if old > MAX_OLD {
            return Err(too_many_old(first));
        }
        insert_secret(&mut tx, id, &secret, now).await?;
        self.commit(tx).await?;
        Ok(NewKey { key: self.existing(id)?, secret })
    }

    /// Deletes a key and its limits. It is dead when this returns; what it spent stays on record.
    pub async fn delete(&self, id: &KeyId) -> Result<()> {
        let mut tx = self.begin().await?;
        read(&mut tx, id).await?;
        delete(&mut tx, id.as_str()).await?;
        self.commit(tx).await
    }

    fn existing(&self, id: &KeyId) -> Result<Arc<VirtualKey>> {
        self.get(id).ok_or_else(|| not_found("key", id.as_str()))
    }
}

/// Deletes a key and its limits.
pub(super) async fn delete(db: &mut Transaction, id: &str) -> Result<()> {
    limit::delete_of(db, &Scope::key(id)).await?;
    execute(db, DELETE, id).await?;
    Ok(())
}

async fn read(db: &mut Transaction, id: &KeyId) -> Result<KeyRow> {
    rows::keys(db, Some(id.as_str())).await?.pop().ok_or_else(|| not_found("key", id.as_str()))
}

/// Refuses a role that would be of no effect: one that reaches further than the user's, or one over no team.
async fn check_role(db: &mut Transaction, role: Option<Role>, team: Option<&str>, user: Option<&str>) -> Result<()> {
    let Some(role) = role else { return Ok(()) };
    let wrong = |message: &str| Err(Error::invalid_request(message).with_param("role"));
    let Some(user) = user else {
        return match role {
            Role::TeamAdministrator if team.is_none() => wrong("a team administrator's key needs a `team` or a `user`"),
            _ => Ok(()),
        };
    };
    let user = rows::users(db, Some(user)).await?.pop().ok_or_else(|| not_found("user", user))?;
    if user.reaches(role, team) {
        return Ok(());
    }
    wrong("a key's role can't reach further than its user's")
}

/// The error of a key with so many old secrets that one more can't be left good. `first` is when the next of them ends.
fn too_many_old(first: i64) -> Error {
    let first = Timestamp::from_millisecond(first).unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ");
    let message = format!("{MAX_OLD} old secrets of this key are still good beside the one it has, and no more can be");
    Error::new(ErrorKind::Conflict, message)
        .with_param("grace")
        .with_hint(format!("wait until one of them ends at {first}, or rotate without `grace`, which ends all of them"))
}

async fn insert_secret(db: &mut Transaction, key: &KeyId, secret: &Secret, now: i64) -> Result<()> {
    query(INSERT_SECRET)
        .bind(KeyHash::of(secret.expose()).to_string())
        .bind(key.to_string())
        .bind(secret::shown(secret))
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Writes one that was made elsewhere, by the hashes of its secrets. The limits of the configuration don't hold for it.
pub(in crate::keys) async fn adopt(
    adoption: &mut Adoption,
    adopted: &Adopted<KeyDraft>,
    secrets: &[AdoptedSecret],
) -> Result<()> {
    let draft = &adopted.draft;
    query(INSERT)
        .bind(adopted.id.as_str())
        .bind(draft.name.as_str())
        .bind(draft.team.clone())
        .bind(draft.user.clone())
        .bind(draft.role.map(Role::as_str))
        .bind(draft.models.as_ref().map(json).transpose()?)
        .bind(draft.expires_at.map(Timestamp::as_millisecond))
        .bind(adopted.blocked)
        .bind(None::<i64>)
        .bind(json(&draft.tags)?)
        .bind(json(&draft.metadata)?)
        .bind(false)
        .bind(adopted.created_at.as_millisecond())
        .execute(&mut adoption.tx)
        .await?;
    for (place, secret) in (0..).zip(secrets) {
        query(ADOPT_SECRET)
            .bind(secret.hash.to_string())
            .bind(adopted.id.as_str())
            .bind(secret.shown.as_str())
            .bind(adopted.created_at.as_millisecond().saturating_add(place))
            .bind(secret.until.map(Timestamp::as_millisecond))
            .execute(&mut adoption.tx)
            .await?;
    }
    adoption.limits(&Scope::key(adopted.id.as_str()), &adopted.limits).await
}
