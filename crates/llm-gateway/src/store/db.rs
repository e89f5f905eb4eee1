//! The handle on the database.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::migrations;

/// How many connections SQLite is given. One of them writes at a time; the others read meanwhile.
const SQLITE_CONNECTIONS: u32 = 4;

/// The size of a page in a database that is made anew, in bytes. Call records are long and come in order, so large pages
/// halve what the kernel spends on writing them.
const PAGE: u32 = 16 * 1024;

/// The pages of the write-ahead log (16 MB) after which it is moved into the database. Four times as many bytes as
/// SQLite's own: pages that every batch of calls touches are moved less often.
const WAL_PAGES: &str = "1000";

/// How long a statement waits for another writer, in this process or another.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// An open database whose migrations have run. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Db {
    /// The embedded engine.
    Sqlite(SqlitePool),
}

impl Db {
    /// Opens the database at `url` (`sqlite://llm-gateway.db`, `sqlite::memory:`), makes it where it is missing and
    /// brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self> {
        if !url.starts_with("sqlite:") {
            let scheme = url.split(':').next().unwrap_or_default();
            return Err(Error::new(ErrorKind::NotImplemented, format!("no database engine for `{scheme}:`"))
                .with_hint("use `sqlite://llm-gateway.db`"));
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(database_error)?
            .create_if_missing(true)
            .page_size(PAGE)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("wal_autocheckpoint", WAL_PAGES)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        // Every connection to `:memory:` is a database of its own, so there must be one, and it must stay.
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        let connections = if in_memory { 1 } else { SQLITE_CONNECTIONS };
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(database_error)?;
        migrations::sqlite().run(&pool).await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the database can't be brought up to date").with_source(error)
        })?;
        Ok(Self::Sqlite(pool))
    }

    /// The pool of connections.
    pub fn pool(&self) -> &SqlitePool {
        match self {
            Self::Sqlite(pool) => pool,
        }
    }

    /// Closes every connection, waiting for statements under way.
    pub async fn close(&self) {
        self.pool().close().await;
    }
}

/// A failed statement as an error of this workspace. What the engine said stays in the source, away from callers.
pub fn database_error(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Internal, "the database failed").with_source(error)
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
