//! Making, changing and deleting keys, teams and limits.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use serde::Serialize;

use super::{KeyDraft, KeyHash, KeyId, KeyPatch, Keys, Team, TeamDraft, TeamId, VirtualKey, id, rows, secret};
use crate::config::Secret;
use crate::limits::{Limit, LimitDraft, LimitId, LimitMeter, LimitSpec, Scope, ScopeKind, Window};
use crate::store::{Transaction, is_taken, query};

const INSERT_TEAM: &str = "INSERT INTO teams (id, name, models, created_at) VALUES ($1, $2, $3, $4)";
const FIND_TEAM: &str = "SELECT id FROM teams WHERE id = $1 OR name = $1 ORDER BY id = $1 DESC LIMIT 1";
const TEAM_NAMES: &str = "SELECT name FROM teams LIMIT 1000";
const INSERT_KEY: &str = "INSERT INTO keys \
    (id, name, team, models, expires_at, blocked, tags, metadata, default_limits, created_at) \
    VALUES ($1, $2, $3, $4, $5, FALSE, $6, $7, $8, $9)";
const INSERT_SECRET: &str = "INSERT INTO key_secrets (hash, key, prefix, created_at) VALUES ($1, $2, $3, $4)";
const RETIRE_SECRETS: &str =
    "UPDATE key_secrets SET expires_at = $2 WHERE key = $1 AND (expires_at IS NULL OR expires_at > $2)";
const DROP_OLD_SECRETS: &str = "DELETE FROM key_secrets WHERE key = $1 AND expires_at <= $2";
const UPDATE_KEY: &str = "UPDATE keys SET name = $2, team = $3, models = $4, expires_at = $5, blocked = $6, tags = $7, \
    metadata = $8, default_limits = $9 WHERE id = $1";
const DELETE_KEY: &str = "DELETE FROM keys WHERE id = $1";
const INSERT_LIMIT: &str =
    "INSERT INTO limits (id, scope_kind, scope_id, spec, created_at) VALUES ($1, $2, $3, $4, $5)";
const UPDATE_LIMIT: &str = "UPDATE limits SET spec = $2 WHERE id = $1";
const DELETE_LIMIT: &str = "DELETE FROM limits WHERE id = $1";
const DELETE_LIMITS_OF: &str = "DELETE FROM limits WHERE scope_kind = $1 AND scope_id = $2";
const LIMITS_OF: &str = "SELECT id FROM limits WHERE scope_kind = $1 AND scope_id = $2";
const SCOPE_EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM keys WHERE $1 = 'key' AND id = $2 \
    UNION SELECT 1 FROM teams WHERE $1 = 'team' AND id = $2)";
const PUT_SETTING: &str =
    "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// The setting that says that the first key was made, whatever became of it.
const FIRST_KEY: &str = "first_key";
/// A US dollar in the unit of limits on spend.
const DOLLAR: i64 = 1_000_000_000;

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
        let mut tx = self.db.write().await?;
        let team = match &draft.team {
            Some(text) => Some(find_team(&mut tx, text).await?),
            None => None,
        };
        query(INSERT_KEY)
            .bind(id.as_str())
            .bind(&draft.name)
            .bind(team)
            .bind(draft.models.as_ref().map(json).transpose()?)
            .bind(draft.expires_at.map(Timestamp::as_millisecond))
            .bind(json(&draft.tags)?)
            .bind(json(&draft.metadata)?)
            .bind(draft.limits.is_none())
            .bind(now)
            .execute(&mut tx)
            .await?;
        insert_secret(&mut tx, &id, &secret, now).await?;
        for spec in draft.limits.iter().flatten() {
            insert_limit(&mut tx, &Scope::key(id.as_str()), spec, now).await?;
        }
        self.commit(tx).await?;
        Ok(NewKey { key: self.existing(&id)?, secret })
    }

    /// Changes a key. The change is in force when this returns.
    pub async fn patch(&self, id: &KeyId, patch: KeyPatch) -> Result<Arc<VirtualKey>> {
        patch.check()?;
        let now = Timestamp::now().as_millisecond();
        let mut tx = self.db.write().await?;
        let key = read_key(&mut tx, id).await?;
        let team = match &patch.team {
            None => key.team.as_ref().map(|team| team.id.to_string()),
            Some(None) => None,
            Some(Some(text)) => Some(find_team(&mut tx, text).await?),
        };
        let models = patch.models.unwrap_or(key.models);
        let default_limits = patch.limits.as_ref().map_or(key.default_limits, Option::is_none);
        let tags = patch.tags.unwrap_or_else(|| key.tags.iter().map(ToString::to_string).collect());
        query(UPDATE_KEY)
            .bind(id.as_str())
            .bind(patch.name.unwrap_or(key.name))
            .bind(team)
            .bind(models.as_ref().map(json).transpose()?)
            .bind(patch.expires_at.unwrap_or(key.expires_at).map(Timestamp::as_millisecond))
            .bind(patch.blocked.unwrap_or(key.blocked))
            .bind(json(&tags)?)
            .bind(json(&patch.metadata.unwrap_or(key.metadata))?)
            .bind(default_limits)
            .execute(&mut tx)
            .await?;
        if let Some(limits) = patch.limits {
            replace_limits(&mut tx, &Scope::key(id.as_str()), limits.unwrap_or_default(), now).await?;
        }
        self.commit(tx).await?;
        self.existing(id)
    }

    /// Gives a key a new secret. The old one is good for `grace` longer.
    pub async fn rotate(&self, id: &KeyId, grace: Duration) -> Result<NewKey> {
        let (secret, now) = (secret::make()?, Timestamp::now().as_millisecond());
        let until = now.saturating_add(i64::try_from(grace.as_millis()).unwrap_or(i64::MAX));
        let mut tx = self.db.write().await?;
        read_key(&mut tx, id).await?;
        for (sql, time) in [(RETIRE_SECRETS, until), (DROP_OLD_SECRETS, now)] {
            query(sql).bind(id.as_str()).bind(time).execute(&mut tx).await?;
        }
        insert_secret(&mut tx, id, &secret, now).await?;
        self.commit(tx).await?;
        Ok(NewKey { key: self.existing(id)?, secret })
    }

    /// Deletes a key and its limits. It is dead when this returns; what it spent stays on record.
    pub async fn delete(&self, id: &KeyId) -> Result<()> {
        let mut tx = self.db.write().await?;
        read_key(&mut tx, id).await?;
        delete_limits_of(&mut tx, &Scope::key(id.as_str())).await?;
        query(DELETE_KEY).bind(id.as_str()).execute(&mut tx).await?;
        self.commit(tx).await
    }

    /// Makes a team.
    pub async fn create_team(&self, draft: TeamDraft) -> Result<Arc<Team>> {
        draft.check()?;
        let (id, now) = (TeamId::fresh(), Timestamp::now().as_millisecond());
        let mut tx = self.db.write().await?;
        let made = query(INSERT_TEAM)
            .bind(id.as_str())
            .bind(&draft.name)
            .bind(draft.models.as_ref().map(json).transpose()?)
            .bind(now)
            .execute(&mut tx)
            .await;
        made.map_err(|error| {
            if !is_taken(&error) {
                return error;
            }
            let message = format!("there is a team `{}` already", draft.name);
            Error::new(ErrorKind::Conflict, message).with_param("name")
        })?;
        for spec in &draft.limits {
            insert_limit(&mut tx, &Scope::new(ScopeKind::Team, id.as_str()), spec, now).await?;
        }
        self.commit(tx).await?;
        self.team(&id).ok_or_else(|| not_found("team", id.as_str()))
    }

    /// The team of that id or name, if there is one.
    pub fn find_team(&self, text: &str) -> Option<Arc<Team>> {
        self.team(&TeamId::new(text)).or_else(|| self.index().teams(None).find(|team| team.name == text).cloned())
    }

    /// Makes a limit on a key, team, tag or end user. What can't be enforced is refused.
    pub async fn create_limit(&self, draft: LimitDraft) -> Result<Arc<Limit>> {
        draft.spec.check()?;
        let LimitDraft { scope, spec } = draft;
        let mut tx = self.db.write().await?;
        match scope.kind {
            ScopeKind::Key | ScopeKind::Team => {
                let (exists,): (bool,) =
                    query(SCOPE_EXISTS).bind(scope.kind.as_str()).bind(&*scope.id).one(&mut tx).await?;
                if !exists {
                    return Err(not_found(scope.kind.as_str(), &scope.id).with_param("scope"));
                }
            }
            ScopeKind::Tag | ScopeKind::EndUser if !scope.id.is_empty() => {}
            ScopeKind::Tag | ScopeKind::EndUser => {
                return Err(Error::invalid_request("`scope.id` can't be empty").with_param("scope"));
            }
            ScopeKind::Organization | ScopeKind::User => {
                let message = format!("limits on a scope `{}` can't be enforced yet", scope.kind);
                return Err(Error::new(ErrorKind::NotImplemented, message).with_param("scope"));
            }
        }
        let id = insert_limit(&mut tx, &scope, &spec, Timestamp::now().as_millisecond()).await?;
        self.commit(tx).await?;
        self.limit(&id).ok_or_else(|| not_found("limit", id.as_str()))
    }

    /// Deletes a limit that was made by someone.
    pub async fn delete_limit(&self, id: &LimitId) -> Result<()> {
        let mut tx = self.db.write().await?;
        let deleted = query(DELETE_LIMIT).bind(id.as_str()).execute(&mut tx).await?;
        if deleted == 0 {
            return Err(not_found("limit", id.as_str()));
        }
        self.commit(tx).await
    }

    /// Makes the first key of all, limited to 5 USD a day, so that a new gateway can be tried. None where any key stands
    /// or this was done before.
    pub async fn create_first(&self) -> Result<Option<NewKey>> {
        if !self.is_empty() || self.setting(FIRST_KEY).is_some() {
            return Ok(None);
        }
        let limit = LimitSpec::new(LimitMeter::Spend, Window::Day, 5 * DOLLAR);
        let draft = KeyDraft { name: "first".to_owned(), limits: Some(vec![limit]), ..KeyDraft::default() };
        let made = self.create(draft).await?;
        self.put_setting(FIRST_KEY, made.key.id.as_str()).await?;
        Ok(Some(made))
    }

    /// Writes a setting of the gateway.
    pub(crate) async fn put_setting(&self, name: &str, value: &str) -> Result<()> {
        let mut tx = self.db.write().await?;
        query(PUT_SETTING).bind(name).bind(value).execute(&mut tx).await?;
        self.commit(tx).await
    }

    async fn commit(&self, tx: Transaction) -> Result<()> {
        tx.commit().await?;
        self.refresh().await
    }

    fn existing(&self, id: &KeyId) -> Result<Arc<VirtualKey>> {
        self.get(id).ok_or_else(|| not_found("key", id.as_str()))
    }
}

/// The error for an id that nothing has.
pub(crate) fn not_found(what: &str, id: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {what} `{id}`"))
}

async fn read_key(db: &mut Transaction, id: &KeyId) -> Result<VirtualKey> {
    let teams = rows::teams(db, None).await?.into_iter().map(|team| (team.id.clone(), Arc::new(team))).collect();
    let (key, _) =
        rows::keys(db, Some(id.as_str()), &teams).await?.pop().ok_or_else(|| not_found("key", id.as_str()))?;
    Ok(key)
}

async fn find_team(db: &mut Transaction, text: &str) -> Result<String> {
    if let Some((id,)) = query(FIND_TEAM).bind(text).optional::<(String,)>(&mut *db).await? {
        return Ok(id);
    }
    let names: Vec<(String,)> = query(TEAM_NAMES).all(db).await?;
    let error = Error::invalid_request(format!("there is no team `{text}`")).with_param("team");
    Err(match llm_providers::registry::nearest(text, names.iter().map(|(name,)| name.as_str())) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

async fn insert_secret(db: &mut Transaction, key: &KeyId, secret: &Secret, now: i64) -> Result<()> {
    query(INSERT_SECRET)
        .bind(KeyHash::of(secret.expose()).to_string())
        .bind(key.as_str())
        .bind(secret::shown(secret))
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

async fn insert_limit(db: &mut Transaction, scope: &Scope, spec: &LimitSpec, now: i64) -> Result<LimitId> {
    let id = id::fresh_limit();
    query(INSERT_LIMIT)
        .bind(id.as_str())
        .bind(scope.kind.as_str())
        .bind(&*scope.id)
        .bind(json(spec)?)
        .bind(now)
        .execute(db)
        .await?;
    Ok(id)
}

/// Puts `specs` in the place of all limits of a scope. One that counts like an old one keeps its id, and so what it has
/// counted: who raises a budget in mid-month has not earned a new month.
async fn replace_limits(db: &mut Transaction, scope: &Scope, specs: Vec<LimitSpec>, now: i64) -> Result<()> {
    let ids: Vec<(String,)> = query(LIMITS_OF).bind(scope.kind.as_str()).bind(&*scope.id).all(&mut *db).await?;
    let mut old = Vec::new();
    for (id,) in ids {
        old.append(&mut rows::limits(db, Some(&id)).await?);
    }
    for spec in specs {
        match old.iter().position(|limit| limit.spec.counts_like(&spec)) {
            Some(place) => {
                let id = old.swap_remove(place).id;
                let update = query(UPDATE_LIMIT).bind(id.to_string()).bind(json(&spec)?);
                update.execute(&mut *db).await?;
            }
            None => _ = insert_limit(db, scope, &spec, now).await?,
        }
    }
    for limit in old {
        query(DELETE_LIMIT).bind(limit.id.to_string()).execute(&mut *db).await?;
    }
    Ok(())
}

async fn delete_limits_of(db: &mut Transaction, scope: &Scope) -> Result<()> {
    let delete = query(DELETE_LIMITS_OF).bind(scope.kind.as_str()).bind(scope.id.to_string());
    delete.execute(db).await?;
    Ok(())
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "can't be written as JSON").with_source(error))
}
