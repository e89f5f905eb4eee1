//! Transactions of either engine.

use llm_core::Result;
use sqlx::postgres::PgPool;
use sqlx::{PgTransaction, SqliteTransaction};

use super::postgres::answer;
use super::{Db, database_error, query};

/// Several statements that happen together or not at all. Dropped, it has not happened.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Transaction {
    Sqlite(SqliteTransaction<'static>),
    Postgres(PgTransaction<'static>),
}

/// What writers of PostgreSQL wait for, so that they come one after another as they do in SQLite. The triggers that
/// write `changes` take it as well, for those who write by other ways.
const ALONE: &str = "SELECT pg_advisory_xact_lock(7806831264735756912)";

impl Db {
    /// A transaction that reads, and sees everything as of one moment.
    pub async fn read(&self) -> Result<Transaction> {
        match self {
            Self::Sqlite(pool) => pool.begin().await.map(Transaction::Sqlite),
            Self::Postgres(pool) => {
                let begin = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
                answer(begin).await.map(Transaction::Postgres)
            }
        }
        .map_err(database_error)
    }

    /// A transaction that writes, and no other that was begun so meanwhile: what it has read holds until it is
    /// committed, and it can't fail half-way for want of a lock.
    pub async fn write(&self) -> Result<Transaction> {
        match self {
            Self::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Transaction::Sqlite),
            Self::Postgres(pool) => answer(alone(pool)).await.map(Transaction::Postgres),
        }
        .map_err(database_error)
    }
}

async fn alone(pool: &PgPool) -> sqlx::Result<PgTransaction<'static>> {
    let mut transaction = pool.begin().await?;
    sqlx::query(ALONE).execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Unless told so, a transaction in which nothing is said for some seconds is taken for one whose owner is gone.
const PATIENT: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";

impl Transaction {
    /// Tells the server that there may be much to do elsewhere between two statements.
    pub(crate) async fn may_pause(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => query(PATIENT).execute(self).await.map(drop),
        }
    }

    /// Makes what was written last.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => answer(transaction.commit()).await,
        }
        .map_err(database_error)
    }
}
