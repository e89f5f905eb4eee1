//! Keys, teams and limits as rows of the database.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use super::{KeyHash, KeyId, Team, TeamId, VirtualKey};
use crate::limits::{Limit, LimitId, LimitSpec, Scope};
use crate::store::{Row, Transaction, query};

/// A key with its secrets.
pub(super) type KeyRow = (VirtualKey, Vec<(KeyHash, Option<Timestamp>)>);

const ALL_TEAMS: &str = "SELECT id, name, models, created_at FROM teams";
const ONE_TEAM: &str = "SELECT id, name, models, created_at FROM teams WHERE id = $1";
const ALL_KEYS: &str = "SELECT id, name, team, models, expires_at, blocked, tags, metadata, default_limits, created_at \
    FROM keys";
const ONE_KEY: &str = "SELECT id, name, team, models, expires_at, blocked, tags, metadata, default_limits, created_at \
    FROM keys WHERE id = $1";
const ALL_SECRETS: &str = "SELECT hash, key, prefix, expires_at FROM key_secrets ORDER BY created_at, hash";
const SECRETS_OF_KEY: &str =
    "SELECT hash, key, prefix, expires_at FROM key_secrets WHERE key = $1 ORDER BY created_at, hash";
const ALL_LIMITS: &str = "SELECT id, scope_kind, scope_id, spec FROM limits";
const ONE_LIMIT: &str = "SELECT id, scope_kind, scope_id, spec FROM limits WHERE id = $1";
const ALL_SETTINGS: &str = "SELECT name, value FROM settings";
const ONE_SETTING: &str = "SELECT name, value FROM settings WHERE name = $1";

/// Teams: the one of `id`, or all.
pub(super) async fn teams(db: &mut Transaction, id: Option<&str>) -> Result<Vec<Team>> {
    fetch(db, ALL_TEAMS, ONE_TEAM, id).await?.iter().map(team).collect()
}

/// Keys: the one of `id`, or all. `teams` holds every team that they can belong to.
pub(super) async fn keys(
    db: &mut Transaction,
    id: Option<&str>,
    teams: &HashMap<TeamId, Arc<Team>>,
) -> Result<Vec<KeyRow>> {
    let mut secrets: HashMap<String, Vec<SecretRow>> = HashMap::new();
    for row in fetch(db, ALL_SECRETS, SECRETS_OF_KEY, id).await? {
        let key: String = row.get("key")?;
        secrets.entry(key).or_default().push(secret(&row)?);
    }
    let rows = fetch(db, ALL_KEYS, ONE_KEY, id).await?;
    rows.iter().map(|row| key(row, teams, secrets.remove(&row.get::<String, _>("id")?).unwrap_or_default())).collect()
}

/// Limits: the one of `id`, or all.
pub(super) async fn limits(db: &mut Transaction, id: Option<&str>) -> Result<Vec<Limit>> {
    fetch(db, ALL_LIMITS, ONE_LIMIT, id).await?.iter().map(limit).collect()
}

/// Settings by name: the one of `name`, or all.
pub(super) async fn settings(db: &mut Transaction, name: Option<&str>) -> Result<Vec<(String, String)>> {
    let rows = fetch(db, ALL_SETTINGS, ONE_SETTING, name).await?;
    rows.iter().map(|row| Ok((row.get("name")?, row.get("value")?))).collect()
}

async fn fetch(db: &mut Transaction, all: &'static str, one: &'static str, id: Option<&str>) -> Result<Vec<Row>> {
    match id {
        Some(id) => query(one).bind(id),
        None => query(all),
    }
    .rows(db)
    .await
}

fn team(row: &Row) -> Result<Team> {
    Ok(Team {
        id: TeamId::new(row.get::<String, _>("id")?),
        name: row.get("name")?,
        models: optional_json(row, "models")?,
        created_at: time(row.get("created_at")?),
    })
}

struct SecretRow {
    hash: KeyHash,
    prefix: String,
    until: Option<Timestamp>,
}

fn secret(row: &Row) -> Result<SecretRow> {
    let hash: String = row.get("hash")?;
    let hash = KeyHash::from_hex(&hash).ok_or_else(|| unreadable("hash"))?;
    Ok(SecretRow { hash, prefix: row.get("prefix")?, until: row.get::<Option<i64>, _>("expires_at")?.map(time) })
}

fn key(row: &Row, teams: &HashMap<TeamId, Arc<Team>>, secrets: Vec<SecretRow>) -> Result<KeyRow> {
    let team: Option<String> = row.get("team")?;
    let team = match team.map(TeamId::new) {
        // A team that can't be found must not widen what its key may do.
        Some(id) => Some(teams.get(&id).cloned().ok_or_else(|| unreadable("team"))?),
        None => None,
    };
    let key = VirtualKey {
        id: KeyId::new(row.get::<String, _>("id")?),
        name: row.get("name")?,
        prefix: secrets.last().map(|secret| secret.prefix.clone()).unwrap_or_default(),
        team,
        models: optional_json(row, "models")?,
        expires_at: row.get::<Option<i64>, _>("expires_at")?.map(time),
        blocked: row.get("blocked")?,
        tags: json::<Vec<String>>(row, "tags")?.into_iter().map(Arc::from).collect(),
        metadata: json(row, "metadata")?,
        default_limits: row.get("default_limits")?,
        created_at: time(row.get("created_at")?),
    };
    Ok((key, secrets.into_iter().map(|secret| (secret.hash, secret.until)).collect()))
}

fn limit(row: &Row) -> Result<Limit> {
    let kind: String = row.get("scope_kind")?;
    let scope = Scope::new(kind.parse().map_err(|_| unreadable("scope_kind"))?, row.get::<String, _>("scope_id")?);
    Ok(Limit { id: LimitId::new(row.get::<String, _>("id")?), scope, spec: json::<LimitSpec>(row, "spec")? })
}

/// A time of the database, held within what can be said.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn json<T: DeserializeOwned>(row: &Row, name: &'static str) -> Result<T> {
    let text: String = row.get(name)?;
    serde_json::from_str(&text).map_err(|error| unreadable(name).with_source(error))
}

fn optional_json<T: DeserializeOwned>(row: &Row, name: &'static str) -> Result<Option<T>> {
    let text: Option<String> = row.get(name)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(name).with_source(error))).transpose()
}

fn unreadable(name: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the column `{name}` of the database holds what can't be read"))
}
