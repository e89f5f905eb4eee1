//! What providers store, and whose it is (law 13): the table, and the look-ups of calls that name an id.
//!
//! An object is recorded with the call that made it, and so is its end. How a route does that:
//!
//! 1. It makes the [`Object`] from the provider's answer and puts it into the [`Outcome`](crate::record::Outcome) with
//!    which its journal entry is closed, before the caller sees the id ([`Object::gone`] where it was deleted). Where the
//!    caller sees the id before the call ends, [`Entry::made`](crate::journal::Entry::made) comes first.
//! 2. Whatever names an id later asks [`Objects::owned`]: another key's, a deleted and an unknown id are the same 404.
//! 3. [`Routes::keeper`](crate::routing::Routes::keeper) is the deployment to which the call then goes.
//! 4. Lists come from [`Objects::list`], never from a provider, whose lists show everybody's.
//!
//! No call waits for SQL to record anything: the shipper writes the table in the transaction of the calls. Memory knows
//! what it has not written yet, also after a restart, so only a look-up of something older reads the table.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};

use super::column::column;
use super::{Db, Row, Transaction, query};
use crate::journal::Journal;
use crate::record::{Object, ObjectKind};

/// The longest id that is looked up; a longer one is nobody's.
const MAX_ID: usize = 512;

const SAVE: &str = "
    INSERT INTO objects (key, id, kind, team, provider, deployment, account, native_id, made_at, gone_at, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (key, id) DO UPDATE SET
        kind = excluded.kind, team = excluded.team, provider = excluded.provider, deployment = excluded.deployment,
        account = excluded.account, native_id = excluded.native_id, made_at = excluded.made_at,
        gone_at = CASE WHEN excluded.made_at > objects.made_at THEN excluded.gone_at
                       ELSE coalesce(excluded.gone_at, objects.gone_at) END,
        detail = excluded.detail
    WHERE excluded.made_at >= objects.made_at";
const FIND: &str = "
    SELECT key, id, kind, team, provider, deployment, account, native_id, made_at, gone_at, detail
    FROM objects WHERE key = $1 AND id = $2";
const NEWEST_FIRST: &str = "
    SELECT key, id, kind, team, provider, deployment, account, native_id, made_at, gone_at, detail
    FROM objects WHERE key = $1 AND kind = $2 AND gone_at IS NULL AND (made_at, id) < ($3, $4)
    ORDER BY made_at DESC, id DESC LIMIT $5";
const OLDEST_FIRST: &str = "
    SELECT key, id, kind, team, provider, deployment, account, native_id, made_at, gone_at, detail
    FROM objects WHERE key = $1 AND kind = $2 AND gone_at IS NULL AND (made_at, id) > ($3, $4)
    ORDER BY made_at, id LIMIT $5";

/// Everything that providers store for keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    db: Db,
    journal: Journal,
}

/// In which order objects are listed, by when they were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Descending,
    /// The oldest first.
    Ascending,
}

/// A page of objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectPage {
    /// The objects.
    pub data: Vec<Arc<Object>>,
    /// Whether there are more behind the last of them.
    pub has_more: bool,
}

impl Objects {
    /// What calls in `journal` make, and what `db` knows of earlier ones.
    pub fn new(db: Db, journal: Journal) -> Self {
        Self { db, journal }
    }

    /// What stands under an id of a key; none where nothing does, or where it was deleted.
    pub async fn find(&self, key: &str, id: &str) -> Result<Option<Arc<Object>>> {
        if id.is_empty() || id.len() > MAX_ID {
            return Ok(None);
        }
        if let Some(object) = self.journal.object(key, id) {
            return Ok(Some(object).filter(|object| object.gone_at.is_none()));
        }
        let rows = query(FIND).bind(key).bind(id).rows(&self.db).await?;
        let read = rows.first().map(read).transpose()?;
        let Some(object) = read.flatten().map(Arc::new) else { return Ok(None) };
        self.journal.remember(object.clone());
        Ok(Some(object).filter(|object| object.gone_at.is_none()))
    }

    /// The same, where it must be there and of this kind. `param` is the member that names it; empty where the path does.
    pub async fn owned(&self, key: &str, kind: ObjectKind, param: &'static str, id: &str) -> Result<Arc<Object>> {
        match self.find(key, id).await? {
            Some(object) if object.kind == kind => Ok(object),
            _ => Err(unknown(kind, param, id)),
        }
    }

    /// Up to `limit` things of a kind that a key has, beginning behind the one of the id `after`.
    pub async fn list(
        &self,
        key: &str,
        kind: ObjectKind,
        after: Option<&str>,
        limit: usize,
        order: Order,
    ) -> Result<ObjectPage> {
        let is_descending = order == Order::Descending;
        let from = match after {
            Some(id) => {
                let last = self.owned(key, kind, "after", id).await?;
                (last.made_at.as_millisecond(), last.id.to_string())
            }
            None if is_descending => (i64::MAX, String::new()),
            None => (i64::MIN, String::new()),
        };
        // Before the rows are read: what is shipped meanwhile is then in both, and not in neither.
        let unshipped = self.journal.unshipped_objects(|object| *object.key == *key && object.kind == kind);
        let most = limit.saturating_add(1 + unshipped.len());
        let query = query(if is_descending { NEWEST_FIRST } else { OLDEST_FIRST });
        let query = query.bind(key).bind(kind.as_str()).bind(from.0).bind(&from.1);
        let rows = query.bind(i64::try_from(most).unwrap_or(i64::MAX)).rows(&self.db).await?;
        let mut by_id: BTreeMap<Arc<str>, Arc<Object>> = BTreeMap::new();
        let rows = rows.iter().filter_map(|row| read(row).transpose()).map(|object| object.map(Arc::new));
        for object in rows.chain(unshipped.into_iter().map(Ok)) {
            let object = object?;
            by_id.insert(object.id.clone(), object);
        }
        let place = |object: &Object| (object.made_at.as_millisecond(), object.id.to_string());
        let is_behind = |object: &Arc<Object>| {
            let place = place(object);
            object.gone_at.is_none() && if is_descending { place < from } else { place > from }
        };
        let mut data: Vec<_> = by_id.into_values().filter(is_behind).collect();
        data.sort_by_cached_key(|object| place(object));
        if is_descending {
            data.reverse();
        }
        let has_more = data.len() > limit;
        data.truncate(limit);
        Ok(ObjectPage { data, has_more })
    }
}

/// What callers are told of an id that is not theirs, whoever's it is.
pub(crate) fn unknown(kind: ObjectKind, param: &'static str, id: &str) -> Error {
    let what = kind.as_str().replace('_', " ");
    let shown: String = id.chars().take(MAX_ID).collect();
    let error = Error::new(ErrorKind::NotFound, format!("there is no {what} with the id `{shown}` of this key"));
    if param.is_empty() { error } else { error.with_param(param) }
}

/// Writes what a batch of calls has made or deleted.
pub(super) async fn save<'a>(tx: &mut Transaction, objects: impl Iterator<Item = &'a Object>) -> Result<()> {
    for object in objects {
        let text = |text: &str| column(text).into_owned();
        query(SAVE)
            .bind(text(&object.key))
            .bind(text(&object.id))
            .bind(object.kind.as_str())
            .bind(object.team.as_deref().map(text))
            .bind(text(&object.provider))
            .bind(text(&object.deployment))
            .bind(object.account.as_deref().map(text))
            .bind(object.native_id.as_deref().map(text))
            .bind(object.made_at.as_millisecond())
            .bind(object.gone_at.map(Timestamp::as_millisecond))
            .bind(object.detail.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Reads a row; none for a kind that only a later version knows.
fn read(row: &Row) -> Result<Option<Object>> {
    let text = |column: &'static str| row.get::<String, _>(column).map(Arc::from);
    let some = |column: &'static str| row.get::<Option<String>, _>(column).map(|text| text.map(Arc::from));
    let time = |at: i64| Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX);
    let Some(kind) = ObjectKind::of(row.get("kind")?) else { return Ok(None) };
    Ok(Some(Object {
        key: text("key")?,
        id: text("id")?,
        kind,
        team: some("team")?,
        provider: text("provider")?,
        deployment: text("deployment")?,
        account: some("account")?,
        native_id: some("native_id")?,
        made_at: time(row.get("made_at")?),
        gone_at: row.get::<Option<i64>, _>("gone_at")?.map(time),
        detail: serde_json::from_str(row.get("detail")?).unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests;
