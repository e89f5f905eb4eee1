//! Inserting calls into PostgreSQL: a list a column, so that one statement takes any number of rows.

use std::borrow::Cow;
use std::sync::LazyLock;

use llm_core::Result;
use sqlx::{AssertSqlSafe, PgPool, PgTransaction};

use super::{COLUMNS, without_charges};
use crate::journal::Closed;
use crate::record::CallRecord;
use crate::store::column::{column, tag_set};
use crate::store::database_error;
use crate::store::partitions;
use crate::store::sums::integer;

static INSERT_CALLS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO calls ({COLUMNS}) SELECT * FROM UNNEST(
            $1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[])"
    )
});

/// Begins a transaction with the rows of `calls`. Where a month has no partition yet, it is made.
pub(super) async fn insert(pool: &PgPool, calls: &[Closed]) -> Result<PgTransaction<'static>> {
    let result = match rows(pool, calls).await {
        Err(error) if error.as_database_error().is_some_and(|error| error.is_check_violation()) => {
            partitions::make(pool, calls.iter().map(|call| call.record.created_at)).await?;
            rows(pool, calls).await
        }
        result => result,
    };
    result.map_err(database_error)
}

async fn rows(pool: &PgPool, calls: &[Closed]) -> sqlx::Result<PgTransaction<'static>> {
    let mut transaction = pool.begin().await?;
    if calls.is_empty() {
        return Ok(transaction);
    }
    // Columns by name in the order of `COLUMNS`, each with the values of all rows.
    let texts = |of: fn(&CallRecord) -> Option<&str>| -> Vec<Option<Cow<'_, str>>> {
        calls.iter().map(|call| of(&call.record).map(column)).collect()
    };
    let integers = |of: fn(&CallRecord) -> Option<i64>| -> Vec<Option<i64>> {
        calls.iter().map(|call| of(&call.record)).collect()
    };
    sqlx::query(AssertSqlSafe(INSERT_CALLS.as_str()))
        .bind(calls.iter().map(|call| call.record.id.as_uuid()).collect::<Vec<_>>())
        .bind(integers(|call| Some(call.created_at.as_millisecond())))
        .bind(texts(|call| call.key.as_deref()))
        .bind(texts(|call| call.team.as_deref()))
        .bind(texts(|call| call.user.as_deref()))
        .bind(texts(|call| call.organization.as_deref()))
        .bind(texts(|call| call.end_user.as_deref()))
        .bind(calls.iter().map(|call| tag_set(call.record.tags.iter().map(|tag| &**tag))).collect::<Vec<_>>())
        .bind(texts(|call| Some(&*call.model)))
        .bind(texts(|call| call.provider.as_deref()))
        .bind(texts(|call| call.deployment.as_deref()))
        .bind(texts(|call| Some(call.status.as_str())))
        .bind(integers(|call| Some(integer(call.usage.input_tokens()))))
        .bind(integers(|call| Some(integer(call.usage.output_tokens()))))
        .bind(integers(|call| call.cost_usd.map(|cost| cost.0)))
        .bind(calls.iter().map(|call| without_charges(call.json())).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}
