//! Keys, teams and limits as rows of the database.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{KeyHash, KeyId, Team, TeamId, VirtualKey};
use crate::limits::{Limit, LimitId, LimitSpec, Scope};
use crate::store::database_error;

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
pub(super) async fn teams(db: &mut SqliteConnection, id: Option<&str>) -> Result<Vec<Team>> {
    fetch(db, ALL_TEAMS, ONE_TEAM, id).await?.iter().map(team).collect()
}

/// Keys: the one of `id`, or all. `teams` holds every team that they can belong to.
pub(super) async fn keys(
    db: &mut SqliteConnection,
    id: Option<&str>,
    teams: &HashMap<TeamId, Arc<Team>>,
) -> Result<Vec<KeyRow>> {
    let mut secrets: HashMap<String, Vec<SecretRow>> = HashMap::new();
    for row in fetch(db, ALL_SECRETS, SECRETS_OF_KEY, id).await? {
        let key: String = column(&row, "key")?;
        secrets.entry(key).or_default().push(secret(&row)?);
    }
    let rows = fetch(db, ALL_KEYS, ONE_KEY, id).await?;
    rows.iter().map(|row| key(row, teams, secrets.remove(&column::<String>(row, "id")?).unwrap_or_default())).collect()
}

/// Limits: the one of `id`, or all.
pub(super) async fn limits(db: &mut SqliteConnection, id: Option<&str>) -> Result<Vec<Limit>> {
    fetch(db, ALL_LIMITS, ONE_LIMIT, id).await?.iter().map(limit).collect()
}

/// Settings by name: the one of `name`, or all.
pub(super) async fn settings(db: &mut SqliteConnection, name: Option<&str>) -> Result<Vec<(String, String)>> {
    let rows = fetch(db, ALL_SETTINGS, ONE_SETTING, name).await?;
    rows.iter().map(|row| Ok((column(row, "name")?, column(row, "value")?))).collect()
}

async fn fetch(
    db: &mut SqliteConnection,
    all: &'static str,
    one: &'static str,
    id: Option<&str>,
) -> Result<Vec<SqliteRow>> {
    let query = match id {
        Some(id) => sqlx::query(one).bind(id.to_owned()),
        None => sqlx::query(all),
    };
    query.fetch_all(db).await.map_err(database_error)
}

fn team(row: &SqliteRow) -> Result<Team> {
    Ok(Team {
        id: TeamId::new(column::<String>(row, "id")?),
        name: column(row, "name")?,
        models: optional_json(row, "models")?,
        created_at: time(column(row, "created_at")?),
    })
}

struct SecretRow {
    hash: KeyHash,
    prefix: String,
    until: Option<Timestamp>,
}

fn secret(row: &SqliteRow) -> Result<SecretRow> {
    let hash: String = column(row, "hash")?;
    let hash = KeyHash::from_hex(&hash).ok_or_else(|| unreadable("hash"))?;
    Ok(SecretRow { hash, prefix: column(row, "prefix")?, until: column::<Option<i64>>(row, "expires_at")?.map(time) })
}

fn key(row: &SqliteRow, teams: &HashMap<TeamId, Arc<Team>>, secrets: Vec<SecretRow>) -> Result<KeyRow> {
    let team: Option<String> = column(row, "team")?;
    let team = match team.map(TeamId::new) {
        // A team that can't be found must not widen what its key may do.
        Some(id) => Some(teams.get(&id).cloned().ok_or_else(|| unreadable("team"))?),
        None => None,
    };
    let key = VirtualKey {
        id: KeyId::new(column::<String>(row, "id")?),
        name: column(row, "name")?,
        prefix: secrets.last().map(|secret| secret.prefix.clone()).unwrap_or_default(),
        team,
        models: optional_json(row, "models")?,
        expires_at: column::<Option<i64>>(row, "expires_at")?.map(time),
        blocked: column(row, "blocked")?,
        tags: json::<Vec<String>>(row, "tags")?.into_iter().map(Arc::from).collect(),
        metadata: json(row, "metadata")?,
        default_limits: column(row, "default_limits")?,
        created_at: time(column(row, "created_at")?),
    };
    Ok((key, secrets.into_iter().map(|secret| (secret.hash, secret.until)).collect()))
}

fn limit(row: &SqliteRow) -> Result<Limit> {
    let kind: String = column(row, "scope_kind")?;
    let scope = Scope::new(kind.parse().map_err(|_| unreadable("scope_kind"))?, column::<String>(row, "scope_id")?);
    Ok(Limit { id: LimitId::new(column::<String>(row, "id")?), scope, spec: json::<LimitSpec>(row, "spec")? })
}

/// A time of the database, held within what can be said.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn column<'r, T>(row: &'r SqliteRow, name: &'static str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(name).map_err(database_error)
}

fn json<T: DeserializeOwned>(row: &SqliteRow, name: &'static str) -> Result<T> {
    let text: String = column(row, name)?;
    serde_json::from_str(&text).map_err(|error| unreadable(name).with_source(error))
}

fn optional_json<T: DeserializeOwned>(row: &SqliteRow, name: &'static str) -> Result<Option<T>> {
    let text: Option<String> = column(row, name)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(name).with_source(error))).transpose()
}

fn unreadable(name: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the column `{name}` of the database holds what can't be read"))
}
