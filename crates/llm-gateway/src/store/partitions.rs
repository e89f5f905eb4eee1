//! The months of `calls` in PostgreSQL: a partition each, named `calls_2027_01`, which holds the ids of that month.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use llm_core::{Error, ErrorKind, Result};
use sqlx::{AssertSqlSafe, Executor, PgPool};

use super::database_error;
use crate::record::CallId;

/// How many months are ready beside the one that it is.
const AHEAD: i32 = 2;

/// Tables are made and dropped by one process at a time.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7806831264735756913)";
/// Whoever reads for long must not make everybody else wait behind a table that can't be made or dropped yet.
const PATIENCE: &str = "SET LOCAL lock_timeout = '3s'";
const IS_THERE: &str = "SELECT to_regclass($1) IS NOT NULL";
const ALL: &str = "SELECT child.relname::text FROM pg_inherits \
    JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid WHERE pg_inherits.inhparent = 'calls'::regclass";

/// Makes the partitions of this month and of the next ones, so that none has to be made when it is needed.
pub(super) async fn make_ahead(pool: &PgPool, now: Timestamp) -> Result<()> {
    let month = month_of(now);
    make(pool, (0..=AHEAD).filter_map(|ahead| start(month.checked_add(ahead.months()).ok()?).ok())).await
}

/// Makes the partitions that hold calls of these times, where they are missing.
pub(super) async fn make(pool: &PgPool, times: impl Iterator<Item = Timestamp>) -> Result<()> {
    let months: BTreeSet<Date> = times.map(month_of).collect();
    for month in months {
        make_one(pool, month).await?;
    }
    Ok(())
}

async fn make_one(pool: &PgPool, month: Date) -> Result<()> {
    let name = name(month);
    let is_there = sqlx::query_scalar::<_, bool>(IS_THERE).bind(&name).fetch_one(pool);
    if is_there.await.map_err(database_error)? {
        return Ok(());
    }
    let next = month.checked_add(1.month()).map_err(out_of_range)?;
    let (from, to) = (CallId::before(start(month)?), CallId::before(start(next)?));
    let mut transaction = pool.begin().await.map_err(database_error)?;
    // Nothing from outside stands in these: a number, and two ids. A table that is attached when it is whole takes a
    // lock that neither readers nor writers wait for.
    let statements = [
        PATIENCE.to_owned(),
        LOCK.to_owned(),
        format!("CREATE TABLE IF NOT EXISTS {name} (LIKE calls INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"),
        format!(
            "DO $$ BEGIN
                 IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = '{name}'::regclass) THEN
                     ALTER TABLE calls ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}');
                 END IF;
             END $$"
        ),
    ];
    for statement in statements {
        transaction.execute(AssertSqlSafe(statement)).await.map_err(database_error)?;
    }
    transaction.commit().await.map_err(database_error)
}

/// Drops the partitions that hold nothing from `oldest` on.
pub(super) async fn drop_before(pool: &PgPool, oldest: Timestamp) -> Result<()> {
    let keep = name(month_of(oldest));
    let names = sqlx::query_scalar::<_, String>(ALL).fetch_all(pool).await.map_err(database_error)?;
    // Names of the same form sort as months do.
    let old: Vec<String> = names.into_iter().filter(|name| name.len() == keep.len() && *name < keep).collect();
    for name in old {
        let mut transaction = pool.begin().await.map_err(database_error)?;
        for statement in [PATIENCE.to_owned(), LOCK.to_owned(), format!("DROP TABLE IF EXISTS {name}")] {
            transaction.execute(AssertSqlSafe(statement)).await.map_err(database_error)?;
        }
        transaction.commit().await.map_err(database_error)?;
    }
    Ok(())
}

/// The first day of the month in which a time lies, in UTC.
fn month_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date().first_of_month()
}

fn start(month: Date) -> Result<Timestamp> {
    month.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).map_err(out_of_range)
}

fn out_of_range(error: jiff::Error) -> Error {
    Error::new(ErrorKind::Internal, "a month of calls lies beyond what can be said").with_source(error)
}

fn name(month: Date) -> String {
    format!("calls_{:04}_{:02}", month.year(), month.month())
}
