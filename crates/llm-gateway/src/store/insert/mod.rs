//! Writing a batch of ended calls: the calls, what they add up to and have made, and how far the journal is shipped, in
//! one transaction.

mod postgres;
mod sqlite;

use std::collections::HashSet;

use llm_core::Result;
use uuid::Uuid;

use super::objects::save;
use super::sums::{Sums, integer};
use super::{Db, Query, Transaction, query};
use crate::journal::{Closed, Place};

/// The columns of a call, in the order in which both engines are given their values.
const COLUMNS: &str = "id, created_at, key, team, \"user\", organization, end_user, tags, model, provider, deployment, \
                       status, input_tokens, output_tokens, cost, record";

/// What adds rows to the hourly sums and to the counters of limits. Each is given as a JSON list of lists, so that one
/// statement takes any number of them; `$each` is what the engine takes such a list apart with.
macro_rules! sums {
    ($each:literal) => {
        (
            concat!(
                "INSERT INTO usage_hours (hour, key, team, \"user\", organization, model, provider, tags,
                                          calls, errors, input_tokens, output_tokens, cost)
                 SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
                        value->>7, CAST(value->>8 AS BIGINT), CAST(value->>9 AS BIGINT), CAST(value->>10 AS BIGINT),
                        CAST(value->>11 AS BIGINT), CAST(value->>12 AS BIGINT)
                 FROM ",
                $each,
                " WHERE true
                 ON CONFLICT (hour, key, model, provider, team, \"user\", organization, tags) DO UPDATE SET
                    calls = usage_hours.calls + excluded.calls,
                    errors = usage_hours.errors + excluded.errors,
                    input_tokens = usage_hours.input_tokens + excluded.input_tokens,
                    output_tokens = usage_hours.output_tokens + excluded.output_tokens,
                    cost = usage_hours.cost + excluded.cost"
            ),
            concat!(
                "INSERT INTO counters (journal, limit_id, bucket, until, amount)
                 SELECT CAST($2 AS TEXT), value->>0, CAST(value->>1 AS BIGINT), CAST(value->>2 AS BIGINT),
                        CAST(value->>3 AS BIGINT)
                 FROM ",
                $each,
                " WHERE true
                 ON CONFLICT (limit_id, bucket, journal) DO UPDATE SET amount = counters.amount + excluded.amount"
            ),
        )
    };
}

const SQLITE: (&str, &str) = sums!("json_each($1)");
const POSTGRES: (&str, &str) = sums!("json_array_elements(CAST($1 AS json))");

const SET_PLACE: &str = "
    INSERT INTO journals (id, segment, place) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET segment = excluded.segment, place = excluded.place";

/// Writes `calls`, none of which the database may know, and says that `journal` is shipped up to `place`.
pub(super) async fn insert(db: &Db, journal: &str, calls: &[Closed], place: Place) -> Result<()> {
    let (mut tx, (add_hours, add_counters)) = match db {
        Db::Sqlite(pool) => (Transaction::Sqlite(sqlite::insert(pool, calls).await?), SQLITE),
        Db::Postgres(pool) => (Transaction::Postgres(postgres::insert(pool, calls).await?), POSTGRES),
    };
    let sums = Sums::of(calls.iter().map(|call| &call.record));
    query(add_hours).bind(sums.hours_json()).execute(&mut tx).await?;
    if let Some(counters) = sums.counters_json() {
        query(add_counters).bind(counters).bind(journal).execute(&mut tx).await?;
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
