//! Sums by day, which are made of the hourly ones once a day is over.
//!
//! The hours are the truth. `unsummed_days` names the days for which `usage_days` does not say the same, and triggers put
//! a day there whoever adds to its hours: a late call, an import, a gateway of an older version. So a day can be summed at
//! any time and again, and whoever reads takes the hours of the days that are named there.

use jiff::Timestamp;
use llm_core::Result;

use super::postgres::answer;
use super::{Db, Transaction, database_error, query};

/// The milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

/// The newest first: they are asked for most.
const OVER: &str = "SELECT day FROM unsummed_days WHERE day < $1 ORDER BY day DESC";
const BETWEEN: &str = "SELECT day FROM unsummed_days WHERE day >= $1 AND day < $2 ORDER BY day";
const TAKE: &str = "DELETE FROM unsummed_days WHERE day = $1";
const CLEAR: &str = "DELETE FROM usage_days WHERE day = $1";
const SUM: &str = "
    INSERT INTO usage_days (day, key, team, \"user\", organization, model, provider, tags,
                            calls, errors, input_tokens, output_tokens, cost)
    SELECT CAST($1 AS BIGINT), key, team, \"user\", organization, model, provider, tags,
           CAST(sum(calls) AS BIGINT), CAST(sum(errors) AS BIGINT), CAST(sum(input_tokens) AS BIGINT),
           CAST(sum(output_tokens) AS BIGINT), CAST(sum(cost) AS BIGINT)
    FROM usage_hours WHERE hour >= $1 AND hour < $2
    GROUP BY key, team, \"user\", organization, model, provider, tags";

/// Who sums a day in PostgreSQL waits until no hourly sum is on its way, and lets none come meanwhile. The triggers that
/// keep `unsummed_days` hold the same lock, with one another.
const ALONE: &str = "SELECT pg_advisory_xact_lock(7806831264735756914)";
/// Calls are moved by others meanwhile, who must not wait for long behind one that is slow.
const PATIENCE: &str = "SET LOCAL lock_timeout = '3s'";

/// Sums every day that is over at `now` and has to be.
pub(super) async fn sum_days(db: &Db, now: Timestamp) -> Result<()> {
    let now = now.as_millisecond();
    let days: Vec<(i64,)> = query(OVER).bind(now - now.rem_euclid(DAY)).all(db).await?;
    for (day,) in days {
        sum_day(db, day).await?;
    }
    Ok(())
}

async fn sum_day(db: &Db, day: i64) -> Result<()> {
    let mut tx = match db {
        Db::Sqlite(_) => db.write().await?,
        Db::Postgres(pool) => {
            let mut tx = answer(pool.begin()).await.map(Transaction::Postgres).map_err(database_error)?;
            query(PATIENCE).execute(&mut tx).await?;
            query(ALONE).execute(&mut tx).await?;
            tx
        }
    };
    if query(TAKE).bind(day).execute(&mut tx).await? == 0 {
        // Another gateway has done it.
        return Ok(());
    }
    query(CLEAR).bind(day).execute(&mut tx).await?;
    query(SUM).bind(day).bind(day + DAY).execute(&mut tx).await?;
    tx.commit().await
}

/// The days from `from` to before `to` whose hours must be read, in order.
pub(super) async fn unsummed(tx: &mut Transaction, from: i64, to: i64) -> Result<Vec<i64>> {
    let days: Vec<(i64,)> = query(BETWEEN).bind(from).bind(to).all(tx).await?;
    Ok(days.into_iter().map(|(day,)| day).collect())
}

#[cfg(test)]
mod tests;
