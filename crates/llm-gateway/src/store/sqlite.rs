//! The embedded engine: SQLite, for one process.

use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// How many connections SQLite is given. One of them writes at a time; the others read meanwhile.
const CONNECTIONS: u32 = 4;

/// The size of a page in a database that is made anew, in bytes. Call records are long and come in order, so large pages
/// halve what the kernel spends on writing them.
const PAGE: u32 = 16 * 1024;

/// The pages of the write-ahead log (16 MB) after which it is moved into the database. Four times as many bytes as
/// SQLite's own: pages that every batch of calls touches are moved less often.
const WAL_PAGES: &str = "1000";

/// How long a statement waits for another writer, in this process or another.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long opening waits before it tries again.
const BUSY_WAIT: Duration = Duration::from_millis(10);

/// Opens the file at `url`, and makes it where it is missing.
pub(super) async fn open(url: &str) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .page_size(PAGE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true);
    // Every connection to `:memory:` is a database of its own, so there must be one, and it must stay.
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let connections = if in_memory { 1 } else { CONNECTIONS };
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    // The time-out does not hold for the switch of a new file to its write-ahead log, which every process that opens it
    // makes.
    let give_up = Instant::now() + BUSY_TIMEOUT;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && Instant::now() < give_up => tokio::time::sleep(BUSY_WAIT).await,
            opened => return opened,
        }
    }
}

/// Whether another connection held the lock (`SQLITE_BUSY`, of any kind).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
