//! The handle on the database.

use std::path::{Path, PathBuf};

use llm_core::{Error, ErrorKind, Result};
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;

use super::{migrations, postgres, query, sqlite};

/// An open database whose migrations have run. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// The embedded engine, for one process.
    Sqlite(SqlitePool),
    /// A server, for many replicas.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database at `url` (`sqlite://llm-gateway.db`, `sqlite::memory:`, `postgres://user@host/name`) and
    /// brings its tables up to date. A file that is missing is made; a server must have the database.
    pub async fn open(url: &str) -> Result<Self> {
        let db = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Self::Sqlite(sqlite::open(url).await.map_err(database_error)?),
            Some("postgres" | "postgresql") => Self::Postgres(postgres::open(url).await?),
            _ => {
                return Err(Error::new(ErrorKind::NotImplemented, "no database engine for this address")
                    .with_hint("use `sqlite://llm-gateway.db` or `postgres://user@host/name`"));
            }
        };
        migrations::run(&db).await?;
        Ok(db)
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<()> {
        query("SELECT 1").execute(self).await.map(drop)
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite(pool) => pool.is_closed(),
            Self::Postgres(pool) => pool.is_closed(),
        }
    }

    /// Closes every connection, waiting for statements under way.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A failed statement as an error of this workspace. What the engine said stays in the source, away from callers.
pub fn database_error(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Internal, "the database failed").with_source(error)
}

/// Whether a statement failed because another row has what must be unique.
pub fn is_taken(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<sqlx::Error>());
    cause.and_then(sqlx::Error::as_database_error).is_some_and(|error| error.is_unique_violation())
}

/// The folder of the journal that belongs to the database at `url`: beside the file, `llm-gateway.journal` for
/// `sqlite://llm-gateway.db`; `llm-gateway.journal` in the working folder where the database is no file.
pub fn journal_folder(url: &str) -> PathBuf {
    let path = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest)).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path.contains(":memory:") {
        return PathBuf::from("llm-gateway.journal");
    }
    Path::new(path).with_extension("journal")
}

#[cfg(test)]
mod tests;
