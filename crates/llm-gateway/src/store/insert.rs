//! Writing a batch of ended calls: the calls, what they add up to and have made, and how far the journal is shipped, in one
//! transaction.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Encode, Sqlite, SqliteConnection, Type};

use super::Db;
use super::objects::save;
use super::sums::{Sums, integer, tag_set};
use crate::journal::{Closed, Place};
use crate::record::CallId;

const COLUMNS: &str = "id, created_at, key, team, \"user\", organization, end_user, tags, model, provider, deployment, \
                       status, input_tokens, output_tokens, cost, record";
const COLUMN_COUNT: usize = 16;

/// Rows of one statement. Each size is prepared once per connection, and any batch is cut into these.
const ROWS: [usize; 4] = [64, 16, 4, 1];
static INSERT_CALLS: LazyLock<[String; 4]> = LazyLock::new(|| ROWS.map(insert_calls));

const ADD_HOURS: &str = "
    INSERT INTO usage_hours (hour, key, team, \"user\", organization, model, provider, tags,
                             calls, errors, input_tokens, output_tokens, cost)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
           value->>8, value->>9, value->>10, value->>11, value->>12
    FROM json_each($1) WHERE true
    ON CONFLICT (hour, key, model, provider, team, \"user\", organization, tags) DO UPDATE SET
        calls = calls + excluded.calls,
        errors = errors + excluded.errors,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cost = cost + excluded.cost";

const ADD_COUNTERS: &str = "
    INSERT INTO counters (limit_id, bucket, until, amount)
    SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each($1) WHERE true
    ON CONFLICT (limit_id, bucket) DO UPDATE SET amount = amount + excluded.amount";

const SET_PLACE: &str = "
    INSERT INTO journals (id, segment, place) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET segment = excluded.segment, place = excluded.place";

const KNOWN_IDS: &str = "SELECT id FROM calls WHERE id IN (SELECT unhex(value) FROM json_each($1))";
const PRUNE: &str = "DELETE FROM counters WHERE until <= $1";

/// Bare `?` here: for a parameter with a name or number of its own, SQLite looks through all of them each time that one
/// is bound.
fn insert_calls(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMN_COUNT].join(", "));
    format!("INSERT INTO calls ({COLUMNS}) VALUES {}", vec![row; rows].join(", "))
}

/// Writes `calls`, none of which the database may know, and says that `journal` is shipped up to `place`.
pub(super) async fn insert(db: &Db, journal: &str, calls: &[Closed], place: Place) -> sqlx::Result<()> {
    let mut transaction = db.pool().begin_with("BEGIN IMMEDIATE").await?;
    let mut rest = calls;
    while !rest.is_empty() {
        // The last size is 1, so one always fits.
        let fits = ROWS.iter().position(|&rows| rows <= rest.len()).unwrap_or(ROWS.len() - 1);
        let (rows, sql) = match (ROWS.get(fits), INSERT_CALLS.get(fits)) {
            (Some(&rows), Some(sql)) => (rows, sql),
            _ => break,
        };
        let (now, later) = rest.split_at(rows);
        let mut arguments = SqliteArguments::default();
        arguments.reserve(rows * COLUMN_COUNT, 0);
        for call in now {
            bind(&mut arguments, call)?;
        }
        sqlx::query_with::<Sqlite, _>(sql.as_str(), arguments).execute(&mut *transaction).await?;
        rest = later;
    }
    let sums = Sums::of(calls.iter().map(|call| &call.record));
    sqlx::query(ADD_HOURS).bind(sums.hours_json()).execute(&mut *transaction).await?;
    if let Some(counters) = sums.counters_json() {
        sqlx::query(ADD_COUNTERS).bind(counters).execute(&mut *transaction).await?;
    }
    save(&mut transaction, calls.iter().flat_map(|call| &call.record.objects)).await?;
    set_place(&mut transaction, journal, place).await?;
    transaction.commit().await
}

async fn set_place(connection: &mut SqliteConnection, journal: &str, place: Place) -> sqlx::Result<()> {
    let query = sqlx::query(SET_PLACE).bind(journal).bind(integer(place.segment)).bind(integer(place.offset));
    query.execute(connection).await?;
    Ok(())
}

fn bind(arguments: &mut SqliteArguments, call: &Closed) -> sqlx::Result<()> {
    let record = &call.record;
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    let mut row = Row(arguments);
    row.add(record.id.as_bytes().to_vec())?;
    row.add(record.created_at.as_millisecond())?;
    row.add(text(&record.key))?;
    row.add(text(&record.team))?;
    row.add(text(&record.user))?;
    row.add(text(&record.organization))?;
    row.add(text(&record.end_user))?;
    row.add(tag_set(record))?;
    row.add(record.model.to_string())?;
    row.add(text(&record.provider))?;
    row.add(text(&record.deployment))?;
    row.add(record.status.as_str())?;
    row.add(integer(record.usage.input_tokens()))?;
    row.add(integer(record.usage.output_tokens()))?;
    row.add(record.cost_usd.map(|cost| cost.0))?;
    row.add(without_charges(call.json()))
}

/// The values of a row, in the order of [`COLUMNS`].
struct Row<'a>(&'a mut SqliteArguments);

impl Row<'_> {
    fn add<'q>(&mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite>) -> sqlx::Result<()> {
        self.0.add(value).map_err(sqlx::Error::Encode)
    }
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
pub(super) async fn leave_out_known(db: &Db, calls: &mut Vec<Closed>) -> sqlx::Result<()> {
    let hex = |call: &Closed| call.record.id.to_string().replace('-', "");
    let ids = serde_json::Value::from(calls.iter().map(hex).collect::<Vec<_>>()).to_string();
    let known = sqlx::query_scalar::<_, Vec<u8>>(KNOWN_IDS).bind(ids).fetch_all(db.pool()).await?;
    let mut seen: HashSet<CallId> = known.iter().filter_map(|id| CallId::from_slice(id)).collect();
    calls.retain(|call| seen.insert(call.record.id));
    Ok(())
}

/// Deletes the counters whose window is over.
pub(super) async fn prune(db: &Db, now: i64) -> sqlx::Result<()> {
    sqlx::query(PRUNE).bind(now).execute(db.pool()).await?;
    Ok(())
}
