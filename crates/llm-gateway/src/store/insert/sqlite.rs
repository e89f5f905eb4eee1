//! Inserting calls into SQLite: several rows a statement.

use std::sync::{Arc, LazyLock};

use llm_core::Result;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Encode, Sqlite, SqlitePool, SqliteTransaction, Type};

use super::{COLUMNS, without_charges};
use crate::journal::Closed;
use crate::store::column::{column, tag_set};
use crate::store::database_error;
use crate::store::sums::integer;

const COLUMN_COUNT: usize = 16;

/// Rows of one statement. Each size is prepared once per connection, and any batch is cut into these.
const ROWS: [usize; 4] = [64, 16, 4, 1];
static INSERT_CALLS: LazyLock<[String; 4]> = LazyLock::new(|| ROWS.map(insert_calls));

/// Bare `?` here: for a parameter with a name or number of its own, SQLite looks through all of them each time that one
/// is bound.
fn insert_calls(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMN_COUNT].join(", "));
    format!("INSERT INTO calls ({COLUMNS}) VALUES {}", vec![row; rows].join(", "))
}

/// Begins a transaction with the rows of `calls`.
pub(super) async fn insert(pool: &SqlitePool, calls: &[Closed]) -> Result<SqliteTransaction<'static>> {
    rows(pool, calls).await.map_err(database_error)
}

async fn rows(pool: &SqlitePool, calls: &[Closed]) -> sqlx::Result<SqliteTransaction<'static>> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
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
        sqlx::query_with::<Sqlite, _>(sqlx::AssertSqlSafe(sql.as_str()), arguments).execute(&mut *transaction).await?;
        rest = later;
    }
    Ok(transaction)
}

fn bind(arguments: &mut SqliteArguments, call: &Closed) -> sqlx::Result<()> {
    let record = &call.record;
    let text = |text: &Option<Arc<str>>| text.as_deref().map(|text| column(text).into_owned());
    let mut row = Row(arguments);
    row.add(record.id.as_uuid())?;
    row.add(record.created_at.as_millisecond())?;
    row.add(text(&record.key))?;
    row.add(text(&record.team))?;
    row.add(text(&record.user))?;
    row.add(text(&record.organization))?;
    row.add(text(&record.end_user))?;
    row.add(tag_set(record.tags.iter().map(|tag| &**tag)))?;
    row.add(column(&record.model).into_owned())?;
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
