//! The tables, version by version, for both engines. Migrations only go forward: what stands here is never changed,
//! only added to.
//!
//! While a new version is rolled out, the old one still runs on the tables that the new one has brought up to date. So a
//! migration adds (tables, columns with a default, indexes) and takes nothing away. What is no longer needed is taken
//! away by a later one, whose name ends in `_contract`: a binary that does not know it refuses to start, since it would
//! miss what is gone. It is released when no binary that needs the old form is left.

use llm_core::{Error, ErrorKind, Result};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

use super::{Db, query};

/// A version and name, with the texts for SQLite and PostgreSQL: `version!(1, "0001_calls")` is
/// `migrations/sqlite/0001_calls.sql` and `migrations/postgres/0001_calls.sql`. Listed by hand, because the macro that
/// would read a folder builds a second SQLite for itself.
struct Version {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! version {
    ($number:literal, $file:literal) => {
        Version {
            number: $number,
            name: $file,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $file, ".sql")),
        }
    };
}

const VERSIONS: &[Version] = &[
    version!(1, "0001_calls"),
    version!(2, "0002_keys"),
    version!(3, "0003_objects"),
    version!(4, "0004_tenancy"),
    version!(5, "0005_batches"),
    version!(6, "0006_imports"),
    version!(7, "0007_replicas_contract"),
    version!(8, "0008_notifications"),
    version!(9, "0009_audit"),
    version!(10, "0010_administration"),
    version!(11, "0011_own_responses"),
    version!(12, "0012_logins"),
    version!(13, "0013_usage_days"),
    version!(14, "0014_calls_by_end_user"),
];

/// How the name of a migration ends that binaries which don't know it can't run on.
const CONTRACT: &str = "contract";
const NEWER: &str = "SELECT version, description FROM _sqlx_migrations WHERE version > $1 ORDER BY version";
const NEWEST: &str = "SELECT max(version) FROM _sqlx_migrations";

/// Brings a database up to date. Processes that do so at once wait for one another. Refused where a later version has
/// taken away what this one needs.
pub(super) async fn run(db: &Db) -> Result<()> {
    match db {
        Db::Sqlite(pool) => run_sqlite(pool).await,
        Db::Postgres(pool) => migrator(|version| version.postgres).run(pool).await,
    }
    .map_err(|error| Error::new(ErrorKind::Internal, "the database can't be brought up to date").with_source(error))?;
    let known = VERSIONS.last().map_or(0, |version| version.number);
    let newer: Vec<(i64, String)> = query(NEWER).bind(known).all(db).await?;
    if let Some((number, name)) = newer.iter().find(|(_, name)| name.ends_with(CONTRACT)) {
        let message = format!(
            "the database is of a newer version: its tables are at {number} (`{name}`), and this binary knows them up \
             to {known}"
        );
        return Err(Error::new(ErrorKind::Internal, message).with_hint("run the newer version of `llm-gateway`"));
    }
    if let Some((number, _)) = newer.last() {
        tracing::info!(known, number, "the database is of a newer version, which this one can still run on");
    }
    Ok(())
}

/// All in one transaction that other processes wait for: the migrator has no lock of its own for SQLite.
async fn run_sqlite(pool: &SqlitePool) -> std::result::Result<(), MigrateError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    migrator(|version| version.sqlite).run_direct(None, &mut *transaction, false).await?;
    Ok(transaction.commit().await?)
}

/// The number of the last migration that was run.
pub async fn version(db: &Db) -> Result<i64> {
    query(NEWEST).one::<(i64,)>(db).await.map(|(number,)| number)
}

fn migrator(text: impl Fn(&Version) -> &'static str) -> Migrator {
    let migration = |version: &Version| {
        let name = version.name.split_once('_').map_or(version.name, |(_, name)| name);
        Migration::new(version.number, name.into(), MigrationType::Simple, text(version).into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(VERSIONS.iter().map(migration).collect());
    // Of a newer version; `run` looks at them.
    migrator.set_ignore_missing(true);
    migrator
}

#[cfg(test)]
mod tests;
