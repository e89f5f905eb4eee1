//! PostgreSQL, for many replicas.

use std::str::FromStr;
use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::time::Instant;

/// How many connections one gateway holds at most: one listens for changes, one moves calls, the others serve
/// administrators. Calls need none.
const CONNECTIONS: u32 = 8;
/// How long a statement waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
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
        let error = match tokio::time::timeout(left.max(PAUSE), options.connect()).await {
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
        .connect_lazy_with(options))
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
