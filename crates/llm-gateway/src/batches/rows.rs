//! Open batches in SQL, so that a restart finds what each of their calls holds.

use std::collections::BTreeMap;

use llm_core::{Price, Result};

use crate::record::OpenRecord;
use crate::store::{Db, query};

const ADD: &str = "INSERT INTO batches (id, journal, key, object, prices) VALUES ($1, $2, $3, NULL, $4)";
const ADD_LINE: &str = "INSERT INTO batch_lines (batch, custom_id, call, open) VALUES ($1, $2, $3, $4)";
const MADE: &str = "UPDATE batches SET object = $2 WHERE id = $1";
const OPEN: &str = "SELECT id, key, object, prices FROM batches WHERE journal = $1 ORDER BY id";
const LINES: &str = "SELECT custom_id, open FROM batch_lines WHERE batch = $1 ORDER BY custom_id";
const LINE: &str = "SELECT open FROM batch_lines WHERE batch = $1 AND custom_id = $2";
const REMOVE_LINE: &str = "DELETE FROM batch_lines WHERE batch = $1 AND custom_id = $2";
const REMOVE_LINES: &str = "DELETE FROM batch_lines WHERE batch = $1";
const REMOVE: &str = "DELETE FROM batches WHERE id = $1";
const REMOVE_SETTLED: &str =
    "DELETE FROM batch_lines WHERE EXISTS (SELECT 1 FROM calls WHERE calls.id = batch_lines.call)";

/// What each deployment of a batch charges, by its id.
pub(super) type Prices = BTreeMap<String, Price>;

/// A batch as it stands in SQL.
pub(super) struct Saved {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) object: Option<String>,
    pub(super) prices: Prices,
}

/// Writes a batch that is about to be made, with what each of its calls holds.
pub(super) async fn add<'a>(
    db: &Db,
    journal: &str,
    batch: &Saved,
    lines: impl Iterator<Item = (&'a str, &'a OpenRecord)>,
) -> Result<()> {
    let mut transaction = db.write().await?;
    let row = query(ADD).bind(&batch.id).bind(journal).bind(&batch.key).bind(json(&batch.prices));
    row.execute(&mut transaction).await?;
    for (custom_id, open) in lines {
        let row = query(ADD_LINE).bind(&batch.id).bind(custom_id).bind(open.id.as_uuid()).bind(json(open));
        row.execute(&mut transaction).await?;
    }
    transaction.commit().await
}

/// Says by which id the provider knows a batch.
pub(super) async fn made(db: &Db, id: &str, object: &str) -> Result<()> {
    query(MADE).bind(id).bind(object).execute(db).await.map(drop)
}

/// The open batches of a journal's process.
pub(super) async fn open(db: &Db, journal: &str) -> Result<Vec<Saved>> {
    let rows = query(OPEN).bind(journal).all::<(String, String, Option<String>, String)>(db).await?;
    let read = |(id, key, object, prices): (String, String, Option<String>, String)| {
        // What was written here can be read here.
        Saved { id, key, object, prices: serde_json::from_str(&prices).unwrap_or_default() }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// What the calls of a batch hold that are not settled, by their custom id.
pub(super) async fn lines(db: &Db, batch: &str) -> Result<Vec<(String, OpenRecord)>> {
    let rows = query(LINES).bind(batch).all::<(String, String)>(db).await?;
    Ok(rows.into_iter().filter_map(|(custom_id, open)| Some((custom_id, serde_json::from_str(&open).ok()?))).collect())
}

/// What one call of a batch holds; none where it is settled.
pub(super) async fn line(db: &Db, batch: &str, custom_id: &str) -> Result<Option<OpenRecord>> {
    let row = query(LINE).bind(batch).bind(custom_id).optional::<(String,)>(db).await?;
    Ok(row.and_then(|(open,)| serde_json::from_str(&open).ok()))
}

/// A call of a batch is settled.
pub(super) async fn remove_line(db: &Db, batch: &str, custom_id: &str) -> Result<()> {
    query(REMOVE_LINE).bind(batch).bind(custom_id).execute(db).await.map(drop)
}

/// Nothing of a batch is open any more.
pub(super) async fn remove(db: &Db, batch: &str) -> Result<()> {
    for statement in [REMOVE_LINES, REMOVE] {
        query(statement).bind(batch).execute(db).await?;
    }
    Ok(())
}

/// Forgets the lines whose calls stand among the calls: the process ended before it could say that they are settled.
pub(super) async fn remove_settled(db: &Db) -> Result<()> {
    query(REMOVE_SETTLED).execute(db).await.map(drop)
}

fn json(value: &impl serde::Serialize) -> String {
    // Records and prices have no keys that are not texts.
    serde_json::to_string(value).unwrap_or_default()
}
