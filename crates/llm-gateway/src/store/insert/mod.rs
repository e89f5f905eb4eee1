//! Writing a batch of ended calls: the calls, what they add up to and have made, and how far the journal is shipped, in
//! one transaction.

mod postgres;
mod sqlite;

use std::collections::{BTreeMap, HashSet};

use llm_core::Result;
use uuid::Uuid;

use super::objects::save;
use super::sums::{Group, Hours, Totals, integer, json};
use super::{Db, Query, Transaction, query};
use crate::journal::{Closed, Place};
use crate::limits::LimitId;
use crate::record::CallRecord;

/// The columns of a call, in the order in which both engines are given their values.
const COLUMNS: &str = "id, created_at, key, team, \"user\", organization, end_user, tags, model, provider, deployment, \
                       status, input_tokens, output_tokens, cost, record";

/// What adds rows to the counters of limits, which come as a JSON list of lists; `$each` is what the engine takes such a
/// list apart with.
macro_rules! add_counters {
    ($each:literal) => {
        concat!(
            "INSERT INTO counters (journal, limit_id, bucket, until, amount)
             SELECT CAST($2 AS TEXT), value->>0, CAST(value->>1 AS BIGINT), CAST(value->>2 AS BIGINT),
                    CAST(value->>3 AS BIGINT)
             FROM ",
            $each,
            " WHERE true
             ON CONFLICT (limit_id, bucket, journal) DO UPDATE SET amount = counters.amount + excluded.amount"
        )
    };
}

const SET_PLACE: &str = "
    INSERT INTO journals (id, segment, place) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET segment = excluded.segment, place = excluded.place";

/// What a batch of calls adds up to, so that the database is told each sum once. In order, so that gateways that add to
/// the same rows at once wait for one another, and never each for the other.
#[derive(Debug, Default)]
struct Batch<'a> {
    hours: BTreeMap<Group<'a>, Totals>,
    /// By limit and begin of the bucket: its end, and what is added.
    counters: BTreeMap<(&'a LimitId, i64), (i64, i64)>,
}

impl<'a> Batch<'a> {
    fn of(records: impl Iterator<Item = &'a CallRecord>) -> Self {
        let mut batch = Self::default();
        for record in records {
            let totals = batch.hours.entry(Group::of(record)).or_default();
            *totals = totals.plus(Totals::of(record));
            for charge in &record.charges {
                let (until, amount) = batch.counters.entry((&charge.limit, charge.bucket.start)).or_default();
                *until = charge.bucket.until;
                *amount = amount.saturating_add(charge.amount);
            }
        }
        batch
    }

    fn counters_json(&self) -> String {
        let row = |(&(limit, bucket), &(until, amount)): (&(&'a LimitId, i64), &(i64, i64))| {
            (limit.as_str(), bucket, until, amount)
        };
        json(&self.counters.iter().map(row).collect::<Vec<_>>())
    }
}

/// Writes `calls`, none of which the database may know, and says that `journal` is shipped up to `place`.
pub(super) async fn insert(db: &Db, journal: &str, calls: &[Closed], place: Place) -> Result<()> {
    let (mut tx, add_counters) = match db {
        Db::Sqlite(pool) => (Transaction::Sqlite(sqlite::insert(pool, calls).await?), add_counters!("json_each($1)")),
        Db::Postgres(pool) => (
            Transaction::Postgres(postgres::insert(pool, calls).await?),
            add_counters!("json_array_elements(CAST($1 AS json))"),
        ),
    };
    let batch = Batch::of(calls.iter().map(|call| &call.record));
    Hours::All.add(&mut tx, batch.hours.iter()).await?;
    if !batch.counters.is_empty() {
        query(add_counters).bind(batch.counters_json()).bind(journal).execute(&mut tx).await?;
    }
    save(&mut tx, calls.iter().flat_map(|call| &call.record.objects)).await?;
    let set_place = query(SET_PLACE).bind(journal).bind(integer(place.segment)).bind(integer(place.offset));
    set_place.execute(&mut tx).await?;
    tx.commit().await
}

/// The record as JSON without its last members, what was stored for it and what it added to which limit: those stand in
/// tables of their own.
fn without_charges(json: &[u8]) -> String {
    // JSON is UTF-8; the empty text stands for what can't be.
    let whole = std::str::from_utf8(json).unwrap_or_default();
    // Inside of a text the quotes would be escaped, so these are the members, and they are written last.
    let cut = whole.rfind(",\"objects\":").or_else(|| whole.rfind(",\"charges\":"));
    match cut.and_then(|place| whole.get(..place)) {
        Some(rest) => [rest, "}"].concat(),
        None => whole.to_owned(),
    }
}

/// Leaves out the calls that the database knows, and all but one of those that come twice.
pub(super) async fn leave_out_known(db: &Db, calls: &mut Vec<Closed>) -> Result<()> {
    let mut known: Query = query("SELECT id FROM calls WHERE id IN (");
    for (place, call) in calls.iter().enumerate() {
        known.push(if place == 0 { "" } else { ", " }).push_bind(call.record.id.as_uuid());
    }
    known.push(")");
    let known = known.all::<(Uuid,)>(db).await?;
    let mut seen: HashSet<Uuid> = known.into_iter().map(|(id,)| id).collect();
    calls.retain(|call| seen.insert(call.record.id.as_uuid()));
    Ok(())
}
