//! Databases for tests, on the engine that a run is for. Only built for tests.
//!
//! `cargo xtask test` runs every test that opens a database twice: once on SQLite, once on PostgreSQL. A test that is
//! about PostgreSQL alone asks for it, and fails where there is no server.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::config::Config;
use crate::store::{Db, query};

/// The address of a PostgreSQL server, without a database: `postgres://postgres@127.0.0.1:5432`.
pub const POSTGRES: &str = "LLM_TEST_POSTGRES";
/// The engine that tests use which run on either: `postgres`; SQLite unless set.
pub const ENGINE: &str = "LLM_TEST_ENGINE";

/// What the start of a server may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Gives a configuration a database and a journal of its own in `folder`, on the engine that this run is for.
pub fn settle(config: &mut Config, folder: &Path) {
    config.database = url(&folder.join("test.db")).parse().expect("an address of a database");
    config.journal.path = Some(folder.join("test.journal"));
}

/// The address of the database that belongs to `file`, on the engine that this run is for. Made where it is missing;
/// the same again for the same file.
pub fn url(file: &Path) -> String {
    match std::env::var(ENGINE).as_deref() {
        Ok("postgres") => postgres(file),
        Ok("sqlite") | Err(_) => format!("sqlite://{}", file.display()),
        Ok(other) => panic!("`{ENGINE}` is `{other}`; it can be `sqlite` or `postgres`"),
    }
}

/// The address of a database of PostgreSQL that belongs to `file`, likewise.
pub fn postgres(file: &Path) -> String {
    postgres_at(&server(), file)
}

/// The address of a database that belongs to `file`, likewise, on another server: `postgres://postgres@127.0.0.1:5433`.
pub fn postgres_at(server: &str, file: &Path) -> String {
    let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
    let name = digest.iter().take(10).fold("test_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    match run(server, format!("CREATE DATABASE {name}")) {
        Ok(()) => {}
        // `duplicate_database`: an earlier process of the same test has made it.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => {}
        Err(error) => panic!("no database can be made at `{server}`: {error}"),
    }
    format!("{server}/{name}")
}

/// Waits until a server answers that was just started.
pub fn wait_for(server: &str) {
    let begin = Instant::now();
    while let Err(error) = run(server, "SELECT 1".to_owned()) {
        assert!(begin.elapsed() < PATIENCE, "the PostgreSQL at `{server}` does not start: {error}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All that stands in the tables of a database, as text.
pub async fn everything_in(db: &Db) -> String {
    let tables = match db {
        Db::Sqlite(_) => query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"),
        Db::Postgres(_) => {
            query("SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'")
        }
    };
    let mut all = String::new();
    for (table,) in tables.all::<(String,)>(db).await.expect("the names of the tables") {
        let rows = match db {
            Db::Sqlite(_) => {
                let columns = query("SELECT name FROM pragma_table_info($1)").bind(&table).all::<(String,)>(db).await;
                let columns = columns.expect("the names of the columns").into_iter();
                let values: Vec<String> = columns.map(|(column,)| format!("quote(\"{column}\")")).collect();
                format!("SELECT {} FROM \"{table}\"", values.join(" || ', ' || "))
            }
            Db::Postgres(_) => format!("SELECT CAST(t AS TEXT) FROM \"{table}\" AS t"),
        };
        // A statement is a constant text elsewhere; a test may leak one.
        for (row,) in query(rows.leak()).all::<(String,)>(db).await.expect("rows") {
            all.push_str(&format!("{table}: {row}\n"));
        }
    }
    all
}

/// Ends every connection to the database at `url`, and lets nobody in before [`start`].
pub fn stop(url: &str) {
    let name = name_in(url);
    let terminate = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    for sql in [format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"), terminate] {
        run(&server(), sql).unwrap_or_else(|error| panic!("`{name}` can't be stopped: {error}"));
    }
}

/// Lets everybody in again.
pub fn start(url: &str) {
    let name = name_in(url);
    run(&server(), format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        .unwrap_or_else(|error| panic!("`{name}` can't be started: {error}"));
}

fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// Runs a statement as the server's administrator. In a thread of its own, since the caller may be inside of a runtime
/// or not.
fn run(server: &str, sql: String) -> sqlx::Result<()> {
    let admin = format!("{server}/postgres");
    let done = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&admin).await?;
            let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await;
            connection.close().await?;
            done.map(drop)
        })
    });
    done.join().expect("no panic")
}

/// The server's address.
fn server() -> String {
    let server = std::env::var(POSTGRES).unwrap_or_else(|_| {
        panic!(
            "this test needs PostgreSQL, and `{POSTGRES}` names no server\n\
             hint: run the tests by `cargo xtask test`, or one by `cargo xtask servers -- cargo test …`; both start a \
             private server, for which the binaries of the package `postgresql` must be installed"
        )
    });
    server.trim_end_matches('/').to_owned()
}
