//! Who is logged in.

use jiff::Timestamp;
use llm_core::Result;

use super::{Db, query};
use crate::keys::KeyHash;

const INSERT: &str = "INSERT INTO sessions (hash, who, created_at, expires_at) VALUES ($1, $2, $3, $4)";
const FIND: &str = "SELECT who FROM sessions WHERE hash = $1 AND expires_at > $2";
const DELETE: &str = "DELETE FROM sessions WHERE hash = $1";
const PRUNE: &str = "DELETE FROM sessions WHERE expires_at <= $1";

/// Remembers who has a secret, `until` a time. Of the secret there is but its hash.
pub(crate) async fn begin(db: &Db, secret: &KeyHash, who: &str, now: Timestamp, until: Timestamp) -> Result<()> {
    let insert = query(INSERT).bind(secret.to_string()).bind(who);
    insert.bind(now.as_millisecond()).bind(until.as_millisecond()).execute(db).await.map(drop)
}

/// Who has a secret.
pub(crate) async fn find(db: &Db, secret: &KeyHash, now: Timestamp) -> Result<Option<String>> {
    let found: Option<(String,)> = query(FIND).bind(secret.to_string()).bind(now.as_millisecond()).optional(db).await?;
    Ok(found.map(|(who,)| who))
}

/// Forgets who has a secret.
pub(crate) async fn end(db: &Db, secret: &KeyHash) -> Result<()> {
    query(DELETE).bind(secret.to_string()).execute(db).await.map(drop)
}

/// Forgets those whose time is over.
pub(super) async fn prune(db: &Db, now: Timestamp) -> Result<()> {
    query(PRUNE).bind(now.as_millisecond()).execute(db).await.map(drop)
}
