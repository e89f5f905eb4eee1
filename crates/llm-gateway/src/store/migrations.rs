//! The tables, version by version, for both engines. Migrations only go forward: what stands here is never changed,
//! only added to.

use llm_core::{Error, ErrorKind, Result};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::Db;

/// A version and name, with the texts for SQLite and PostgreSQL: `version!(1, "0001_calls")` is
/// `migrations/sqlite/0001_calls.sql` and `migrations/postgres/0001_calls.sql`. Listed by hand, because the macro that would read a folder builds a
/// second SQLite for itself.
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

const VERSIONS: &[Version] =
    &[version!(1, "0001_calls"), version!(2, "0002_keys"), version!(3, "0003_objects"), version!(4, "0004_tenancy")];

/// Brings a database up to date. Processes that do so at once wait for one another.
pub(super) async fn run(db: &Db) -> Result<()> {
    match db {
        Db::Sqlite(pool) => migrator(|version| version.sqlite).run(pool).await,
        Db::Postgres(pool) => migrator(|version| version.postgres).run(pool).await,
    }
    .map_err(|error| Error::new(ErrorKind::Internal, "the database can't be brought up to date").with_source(error))
}

fn migrator(text: impl Fn(&Version) -> &'static str) -> Migrator {
    let migration = |version: &Version| {
        let name = version.name.split_once('_').map_or(version.name, |(_, name)| name);
        Migration::new(version.number, name.into(), MigrationType::Simple, text(version).into_sql_str(), false)
    };
    Migrator::with_migrations(VERSIONS.iter().map(migration).collect())
}

#[cfg(test)]
mod tests;
