//! PostgreSQL, for many replicas.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::time::{Instant, timeout};

/// How many connections one gateway holds at most: one listens for changes, one moves calls, the others serve
/// administrators. Calls need none.
const CONNECTIONS: u32 = 8;
/// How long a statement waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection may take to show that there is still somebody at its other end. Where a network forgets a
/// connection nobody is told, and whoever uses it waits for as long as the kernel does: a quarter of an hour, or for ever.
const SIGN_OF_LIFE: Duration = Duration::from_millis(1500);
/// How long a statement may take, which may be at work all the while.
const ANSWER: Duration = Duration::from_secs(30);
/// What the server is told of every connection: where it hears nothing within a transaction, or of the whole machine, it
/// gives up what it holds for it. Others would wait for that.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '10s'; SET tcp_keepalives_idle = 10; \
    SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
/// How long a server that is not there, or is just starting, is waited for at the start.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Connects to the server at `url`. Waits a little for one that is not there; what won't change by waiting, such as a
/// wrong password, is an error at once.
pub(super) async fn open(url: &str) -> Result<PgPool> {
    open_within(url, START_PATIENCE).await
}

async fn open_within(url: &str, patience: Duration) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| {
            Error::new(ErrorKind::InvalidRequest, "the address of the database can't be read").with_source(error)
        })?
        .application_name("llm-gateway");
    let begin = Instant::now();
    loop {
        let left = patience.saturating_sub(begin.elapsed());
        let error = match timeout(left.max(PAUSE), options.connect()).await {
            Ok(Ok(connection)) => {
                // It was only asked whether it is there.
                drop(connection.close().await);
                break;
            }
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::PoolTimedOut,
        };
        if !is_worth_waiting(&error) || begin.elapsed() + PAUSE > patience {
            return Err(unreachable(&options, error));
        }
        tracing::warn!(%error, "the database does not answer yet");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_alive(connection)))
        // Also after what was begun and not waited for.
        .after_release(|connection, _| Box::pin(is_alive(connection)))
        .after_connect(|connection, _| {
            Box::pin(async move { in_time(SIGN_OF_LIFE, connection.execute(SETTINGS)).await.map(drop) })
        })
        .connect_lazy_with(options))
}

/// Whether there is somebody at the other end. An error closes the connection without another word.
async fn is_alive(connection: &mut PgConnection) -> sqlx::Result<bool> {
    in_time(SIGN_OF_LIFE, connection.ping()).await.map(|()| true)
}

/// What a statement gives, unless the server takes too long.
pub(super) async fn answer<T>(statement: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    in_time(ANSWER, statement).await
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let silent = |_| sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer"));
    timeout(patience, work).await.map_err(silent)?
}

/// Whether the server may be there in a moment: it can't be reached, is starting, or has no connection to spare.
fn is_worth_waiting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}

/// Names the place, but never the password.
fn unreachable(options: &PgConnectOptions, error: sqlx::Error) -> Error {
    let (host, port) = (options.get_host(), options.get_port());
    let database = options.get_database().unwrap_or(options.get_username());
    Error::new(ErrorKind::Internal, format!("the database `{database}` at `{host}:{port}` can't be opened"))
        .with_hint("keys and limits stand there, so nothing can be served before it answers")
        .with_source(error)
}

#[cfg(test)]
mod tests;
