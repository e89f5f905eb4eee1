//! Keys, limits and whom they belong to, as rows of the database.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use super::{
    Identity, KeyHash, KeyId, Membership, Organization, OrganizationId, PriceOverride, Team, TeamId, User, UserId,
    VirtualKey,
};
use crate::limits::{Limit, LimitId, LimitSpec, Scope};
use crate::store::{Row, Transaction, query};

/// A key with its secrets, not yet bound to whom it belongs to.
#[derive(Debug)]
pub(super) struct KeyRow {
    pub(super) key: VirtualKey,
    pub(super) team: Option<TeamId>,
    pub(super) user: Option<UserId>,
    pub(super) secrets: Vec<(KeyHash, Option<Timestamp>)>,
}

/// A team, not yet bound to its organization.
#[derive(Debug)]
pub(super) struct TeamRow {
    pub(super) team: Team,
    pub(super) organization: Option<OrganizationId>,
}

/// The statements that read a kind of row: all of them, and one by its id.
type Select = (&'static str, &'static str);

const ORGANIZATIONS: Select = (
    "SELECT id, name, models, blocked, metadata, created_at FROM organizations",
    "SELECT id, name, models, blocked, metadata, created_at FROM organizations WHERE id = $1",
);
const TEAMS: Select = (
    "SELECT id, name, organization, models, blocked, metadata, created_at FROM teams",
    "SELECT id, name, organization, models, blocked, metadata, created_at FROM teams WHERE id = $1",
);
const USERS: Select = (
    "SELECT id, name, email, role, models, blocked, metadata, created_at FROM users",
    "SELECT id, name, email, role, models, blocked, metadata, created_at FROM users WHERE id = $1",
);
const MEMBERS: Select = (
    "SELECT \"user\", team, role FROM members ORDER BY team",
    "SELECT \"user\", team, role FROM members WHERE \"user\" = $1 ORDER BY team",
);
const IDENTITIES: Select = (
    "SELECT \"user\", issuer, subject FROM identities ORDER BY issuer, subject",
    "SELECT \"user\", issuer, subject FROM identities WHERE \"user\" = $1 ORDER BY issuer, subject",
);
const KEYS: Select = (
    "SELECT id, name, team, \"user\", role, models, expires_at, blocked, assume_output, tags, metadata, default_limits, \
     login, created_at FROM keys",
    "SELECT id, name, team, \"user\", role, models, expires_at, blocked, assume_output, tags, metadata, default_limits, \
     login, created_at FROM keys WHERE id = $1",
);
const SECRETS: Select = (
    "SELECT hash, key, prefix, expires_at FROM key_secrets ORDER BY created_at, hash",
    "SELECT hash, key, prefix, expires_at FROM key_secrets WHERE key = $1 ORDER BY created_at, hash",
);
const LIMITS: Select = (
    "SELECT id, scope_kind, scope_id, spec FROM limits",
    "SELECT id, scope_kind, scope_id, spec FROM limits WHERE id = $1",
);
const SETTINGS: Select = ("SELECT name, value FROM settings", "SELECT name, value FROM settings WHERE name = $1");

const PRICES: Select =
    ("SELECT id, lines, changed_at FROM prices", "SELECT id, lines, changed_at FROM prices WHERE id = $1");

/// Organizations: the one of `id`, or all.
pub(super) async fn organizations(db: &mut Transaction, id: Option<&str>) -> Result<Vec<Organization>> {
    fetch(db, ORGANIZATIONS, id).await?.iter().map(organization).collect()
}

/// Teams: the one of `id`, or all.
pub(super) async fn teams(db: &mut Transaction, id: Option<&str>) -> Result<Vec<TeamRow>> {
    fetch(db, TEAMS, id).await?.iter().map(team).collect()
}

/// Users: the one of `id`, or all.
pub(super) async fn users(db: &mut Transaction, id: Option<&str>) -> Result<Vec<User>> {
    let mut members: HashMap<String, Vec<Membership>> = HashMap::new();
    for row in fetch(db, MEMBERS, id).await? {
        let membership = Membership { team: TeamId::new(row.get::<String, _>("team")?), role: named(&row, "role")? };
        members.entry(row.get("user")?).or_default().push(membership);
    }
    let mut identities: HashMap<String, Vec<Identity>> = HashMap::new();
    for row in fetch(db, IDENTITIES, id).await? {
        let (issuer, subject): (String, String) = (row.get("issuer")?, row.get("subject")?);
        let identity = Identity { issuer: issuer.into(), subject: subject.into() };
        identities.entry(row.get("user")?).or_default().push(identity);
    }
    let rows = fetch(db, USERS, id).await?;
    let read = |row: &Row| {
        let id: String = row.get("id")?;
        user(row, members.remove(&id).unwrap_or_default(), identities.remove(&id).unwrap_or_default())
    };
    rows.iter().map(read).collect()
}

/// Keys: the one of `id`, or all.
pub(super) async fn keys(db: &mut Transaction, id: Option<&str>) -> Result<Vec<KeyRow>> {
    let mut secrets: HashMap<String, Vec<SecretRow>> = HashMap::new();
    for row in fetch(db, SECRETS, id).await? {
        let key: String = row.get("key")?;
        secrets.entry(key).or_default().push(secret(&row)?);
    }
    let rows = fetch(db, KEYS, id).await?;
    rows.iter().map(|row| key(row, secrets.remove(&row.get::<String, _>("id")?).unwrap_or_default())).collect()
}

/// Limits: the one of `id`, or all.
pub(super) async fn limits(db: &mut Transaction, id: Option<&str>) -> Result<Vec<Limit>> {
    fetch(db, LIMITS, id).await?.iter().map(limit).collect()
}

/// Settings by name: the one of `name`, or all.
pub(super) async fn settings(db: &mut Transaction, name: Option<&str>) -> Result<Vec<(String, String)>> {
    let rows = fetch(db, SETTINGS, name).await?;
    rows.iter().map(|row| Ok((row.get("name")?, row.get("value")?))).collect()
}

/// Prices in the place of the catalogue's: the one of `id`, or all.
pub(super) async fn prices(db: &mut Transaction, id: Option<&str>) -> Result<Vec<PriceOverride>> {
    let price = |row: &Row| {
        Ok(PriceOverride { id: row.get("id")?, lines: json(row, "lines")?, changed_at: time(row.get("changed_at")?) })
    };
    fetch(db, PRICES, id).await?.iter().map(price).collect()
}

async fn fetch(db: &mut Transaction, (all, one): Select, id: Option<&str>) -> Result<Vec<Row>> {
    match id {
        Some(id) => query(one).bind(id),
        None => query(all),
    }
    .rows(db)
    .await
}

fn organization(row: &Row) -> Result<Organization> {
    Ok(Organization {
        id: OrganizationId::new(row.get::<String, _>("id")?),
        name: row.get("name")?,
        models: optional_json(row, "models")?,
        blocked: row.get("blocked")?,
        metadata: json(row, "metadata")?,
        created_at: time(row.get("created_at")?),
    })
}

fn team(row: &Row) -> Result<TeamRow> {
    let team = Team {
        id: TeamId::new(row.get::<String, _>("id")?),
        name: row.get("name")?,
        organization: None,
        models: optional_json(row, "models")?,
        blocked: row.get("blocked")?,
        metadata: json(row, "metadata")?,
        created_at: time(row.get("created_at")?),
    };
    Ok(TeamRow { team, organization: row.get::<Option<String>, _>("organization")?.map(OrganizationId::new) })
}

fn user(row: &Row, teams: Vec<Membership>, identities: Vec<Identity>) -> Result<User> {
    Ok(User {
        id: UserId::new(row.get::<String, _>("id")?),
        name: row.get("name")?,
        email: row.get("email")?,
        role: named(row, "role")?,
        teams,
        identities,
        models: optional_json(row, "models")?,
        blocked: row.get("blocked")?,
        metadata: json(row, "metadata")?,
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

fn key(row: &Row, secrets: Vec<SecretRow>) -> Result<KeyRow> {
    let assumed: Option<i64> = row.get("assume_output")?;
    let key = VirtualKey {
        id: KeyId::new(row.get::<String, _>("id")?),
        name: row.get("name")?,
        prefix: secrets.last().map(|secret| secret.prefix.clone()).unwrap_or_default(),
        team: None,
        user: None,
        role: row.get::<Option<String>, _>("role")?.map(|_| named(row, "role")).transpose()?,
        models: optional_json(row, "models")?,
        expires_at: row.get::<Option<i64>, _>("expires_at")?.map(time),
        blocked: row.get("blocked")?,
        assume_output: assumed.and_then(|tokens| u64::try_from(tokens).ok()),
        tags: json::<Vec<String>>(row, "tags")?.into_iter().map(Arc::from).collect(),
        metadata: json(row, "metadata")?,
        default_limits: row.get("default_limits")?,
        login: row.get("login")?,
        created_at: time(row.get("created_at")?),
    };
    Ok(KeyRow {
        key,
        team: row.get::<Option<String>, _>("team")?.map(TeamId::new),
        user: row.get::<Option<String>, _>("user")?.map(UserId::new),
        secrets: secrets.into_iter().map(|secret| (secret.hash, secret.until)).collect(),
    })
}

fn limit(row: &Row) -> Result<Limit> {
    let scope = Scope::new(named(row, "scope_kind")?, row.get::<String, _>("scope_id")?);
    Ok(Limit { id: LimitId::new(row.get::<String, _>("id")?), scope, spec: json::<LimitSpec>(row, "spec")? })
}

/// A time of the database, held within what can be said.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// One of a list of names.
fn named<T: std::str::FromStr>(row: &Row, name: &'static str) -> Result<T> {
    row.get::<String, _>(name)?.parse().map_err(|_| unreadable(name))
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
