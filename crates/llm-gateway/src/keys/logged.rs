//! Keys, limits and whom they belong to as the audit log shows them: whole, and without secrets.

use llm_core::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::write::unwritable;
use super::{KeyId, Keys, OrganizationId, TeamId, UserId, VirtualKey, rows};
use crate::limits::{Limit, LimitId};
use crate::store::{AuditEntry, AuditTarget, Transaction};

impl Keys {
    /// A thing as it is in memory.
    pub(super) fn logged(&self, kind: &str, id: &str) -> Result<Option<Value>> {
        match kind {
            "organization" => self.organization(&OrganizationId::new(id)).map(|found| value(&*found)).transpose(),
            "team" => self.team(&TeamId::new(id)).map(|found| value(&*found)).transpose(),
            "user" => self.user(&UserId::new(id)).map(|found| value(&*found)).transpose(),
            "key" => self.get(&KeyId::new(id)).map(|found| key(&found)).transpose(),
            "limit" => self.limit(&LimitId::new(id)).map(|found| value(&*found)).transpose(),
            "setting" => Ok(self.setting(id).map(|_| setting())),
            "price" => self.price(id).map(|found| value(&*found)).transpose(),
            _ => Ok(None),
        }
    }
}

/// A thing as it is in the database. `in_zone` gives limits the zone of the configuration.
pub(super) async fn of_row(
    tx: &mut Transaction,
    kind: &str,
    id: &str,
    in_zone: impl FnOnce(Limit) -> Limit,
) -> Result<Option<Value>> {
    let one = Some(id);
    Ok(match kind {
        "organization" => rows::organizations(tx, one).await?.pop().map(|row| value(&row)).transpose()?,
        "team" => match rows::teams(tx, one).await?.pop() {
            Some(row) => Some(with(value(&row.team)?, "organization", json!(row.organization))),
            None => None,
        },
        "user" => rows::users(tx, one).await?.pop().map(|row| value(&row)).transpose()?,
        "key" => match rows::keys(tx, one).await?.pop() {
            Some(row) => Some(with(with(key(&row.key)?, "team", json!(row.team)), "user", json!(row.user))),
            None => None,
        },
        "limit" => rows::limits(tx, one).await?.pop().map(|row| value(&in_zone(row))).transpose()?,
        "setting" => rows::settings(tx, one).await?.pop().map(|_| setting()),
        "price" => rows::prices(tx, one).await?.pop().map(|row| value(&row)).transpose()?,
        _ => None,
    })
}

/// Logs that a thing was made in this transaction.
pub(super) async fn made(tx: &mut Transaction, kind: &str, id: &str) -> Result<()> {
    let after = of_row(tx, kind, id, |limit| limit).await?;
    match AuditEntry::new(AuditTarget { kind: kind.to_owned(), id: id.to_owned() }, None, after) {
        Some(entry) => entry.write(tx).await,
        None => Ok(()),
    }
}

/// A new secret is seen by its prefix.
fn key(key: &VirtualKey) -> Result<Value> {
    Ok(with(value(key)?, "default_limits", json!(key.default_limits)))
}

/// The value of a setting may be the hash of a secret, and the log is read by more people than the database.
fn setting() -> Value {
    json!({"value": "not shown"})
}

fn value<T: Serialize>(of: &T) -> Result<Value> {
    serde_json::to_value(of).map_err(unwritable)
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
    object
}
