//! One SQL text for both engines: a statement with its values, run on the pool or in a transaction.
//!
//! Texts use `$1`, `$2`, … and only what SQLite and PostgreSQL both understand in the same way. Sums are cast
//! (`CAST(sum(…) AS BIGINT)`), columns of an upsert's old row are named with their table, and a JSON list of texts is
//! taken apart by `json_each(list)`, whose column is `value`. What can't be said in one text stands in `sqlite.rs` and
//! `postgres.rs`.

use std::borrow::Cow;
use std::sync::Arc;

use llm_core::{Error, Result};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, ColumnIndex, Decode, FromRow, Postgres, Sqlite, Type};
use uuid::Uuid;

use super::postgres::answer;
use super::{Db, Transaction, database_error};

/// A statement of constant text.
pub fn query(sql: &'static str) -> Query {
    Query { sql: Cow::Borrowed(sql), values: Vec::new() }
}

/// A statement, and the values of its parameters. Text from outside can only be a value.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing before it is run"]
pub struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// The value of a parameter.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Value {
    Integer(Option<i64>),
    Boolean(Option<bool>),
    Text(Option<String>),
    Id(Uuid),
}

/// Where a statement runs: on a connection of the pool, or in a transaction.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum On<'a> {
    Db(&'a Db),
    Transaction(&'a mut Transaction),
}

/// A row of an answer.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a whole row can be read as: tuples of what columns can be read as.
pub trait Read: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T> Read for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// Runs a statement with a method of `sqlx` on whatever engine and connection there is.
macro_rules! run {
    ($query:expr, $on:expr, $method:ident) => {
        match $on.into() {
            On::Db(Db::Sqlite(pool)) => $query.sqlite()?.$method(pool).await.map(Into::into),
            On::Db(Db::Postgres(pool)) => answer($query.postgres()?.$method(pool)).await.map(Into::into),
            On::Transaction(Transaction::Sqlite(tx)) => $query.sqlite()?.$method(&mut **tx).await.map(Into::into),
            On::Transaction(Transaction::Postgres(tx)) => {
                answer($query.postgres()?.$method(&mut **tx)).await.map(Into::into)
            }
        }
    };
}

impl Query {
    /// Gives the next parameter its value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds to the text.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Adds a parameter to the text, and its value.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let parameter = format!("${}", self.values.len());
        self.sql.to_mut().push_str(&parameter);
        self
    }

    /// Runs it, and says how many rows were changed.
    pub async fn execute<'a>(self, on: impl Into<On<'a>>) -> Result<u64> {
        let done: sqlx::Result<Done> = run!(self, on, execute);
        done.map(|done| done.0).map_err(database_error)
    }

    /// All rows.
    pub async fn rows<'a>(self, on: impl Into<On<'a>>) -> Result<Vec<Row>> {
        let rows: sqlx::Result<Rows> = run!(self, on, fetch_all);
        rows.map(|rows| rows.0).map_err(database_error)
    }

    /// All rows, each as `T`.
    pub async fn all<'a, T: Read>(self, on: impl Into<On<'a>>) -> Result<Vec<T>> {
        self.rows(on).await?.iter().map(Row::read).collect()
    }

    /// The first row as `T`, if there is one.
    pub async fn optional<'a, T: Read>(self, on: impl Into<On<'a>>) -> Result<Option<T>> {
        let row: sqlx::Result<First> = run!(self, on, fetch_optional);
        row.map_err(database_error)?.0.map(|row| row.read()).transpose()
    }

    /// The first row as `T`; an error where there is none.
    pub async fn one<'a, T: Read>(self, on: impl Into<On<'a>>) -> Result<T> {
        self.optional(on).await?.ok_or_else(|| database_error(sqlx::Error::RowNotFound))
    }

    fn sqlite(self) -> Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>> {
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            value.add_to(&mut arguments).map_err(database_error)?;
        }
        // Text only comes from constants, see `push`.
        Ok(match self.sql {
            Cow::Borrowed(sql) => sqlx::query_with(sql, arguments),
            Cow::Owned(sql) => sqlx::query_with(AssertSqlSafe(sql), arguments),
        })
    }

    fn postgres(self) -> Result<sqlx::query::Query<'static, Postgres, PgArguments>> {
        let mut arguments = PgArguments::default();
        for value in self.values {
            if matches!(&value, Value::Text(Some(text)) if text.contains('\0')) {
                return Err(Error::invalid_request("a text can't hold the character U+0000"));
            }
            value.add_to(&mut arguments).map_err(database_error)?;
        }
        Ok(match self.sql {
            Cow::Borrowed(sql) => sqlx::query_with(sql, arguments),
            Cow::Owned(sql) => sqlx::query_with(AssertSqlSafe(sql), arguments),
        })
    }
}

impl Value {
    fn add_to<A: Arguments>(self, arguments: &mut A) -> sqlx::Result<()>
    where
        Option<i64>: Encoded<A::Database>,
        Option<bool>: Encoded<A::Database>,
        Option<String>: Encoded<A::Database>,
        Uuid: Encoded<A::Database>,
    {
        match self {
            Self::Integer(value) => arguments.add(value),
            Self::Boolean(value) => arguments.add(value),
            Self::Text(value) => arguments.add(value),
            Self::Id(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)
    }
}

/// What an engine takes as the value of a parameter.
trait Encoded<D: sqlx::Database>: for<'q> sqlx::Encode<'q, D> + Type<D> {}
impl<T, D: sqlx::Database> Encoded<D> for T where T: for<'q> sqlx::Encode<'q, D> + Type<D> {}

impl Row {
    /// One column, by name or by number from 0.
    pub fn get<'r, T, I>(&'r self, column: I) -> Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => sqlx::Row::try_get(row, column),
            Self::Postgres(row) => sqlx::Row::try_get(row, column),
        }
        .map_err(database_error)
    }

    /// All columns.
    pub fn read<T: Read>(&self) -> Result<T> {
        match self {
            Self::Sqlite(row) => T::from_row(row),
            Self::Postgres(row) => T::from_row(row),
        }
        .map_err(database_error)
    }
}

/// How many rows were changed.
struct Done(u64);
struct Rows(Vec<Row>);
struct First(Option<Row>);

impl From<sqlx::sqlite::SqliteQueryResult> for Done {
    fn from(done: sqlx::sqlite::SqliteQueryResult) -> Self {
        Self(done.rows_affected())
    }
}

impl From<sqlx::postgres::PgQueryResult> for Done {
    fn from(done: sqlx::postgres::PgQueryResult) -> Self {
        Self(done.rows_affected())
    }
}

impl From<Vec<SqliteRow>> for Rows {
    fn from(rows: Vec<SqliteRow>) -> Self {
        Self(rows.into_iter().map(Row::Sqlite).collect())
    }
}

impl From<Vec<PgRow>> for Rows {
    fn from(rows: Vec<PgRow>) -> Self {
        Self(rows.into_iter().map(Row::Postgres).collect())
    }
}

impl From<Option<SqliteRow>> for First {
    fn from(row: Option<SqliteRow>) -> Self {
        Self(row.map(Row::Sqlite))
    }
}

impl From<Option<PgRow>> for First {
    fn from(row: Option<PgRow>) -> Self {
        Self(row.map(Row::Postgres))
    }
}

impl<'a> From<&'a Db> for On<'a> {
    fn from(db: &'a Db) -> Self {
        Self::Db(db)
    }
}

impl<'a> From<&'a mut Transaction> for On<'a> {
    fn from(transaction: &'a mut Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

/// Values from what the code holds, present or not.
macro_rules! values {
    ($($from:ty => $variant:ident, $convert:expr;)*) => { $(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(Some($convert(value)))
            }
        }

        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map($convert))
            }
        }
    )* };
}

values! {
    i64 => Integer, std::convert::identity;
    bool => Boolean, std::convert::identity;
    String => Text, std::convert::identity;
    &String => Text, String::clone;
    &str => Text, str::to_owned;
    Arc<str> => Text, |text: Arc<str>| text.to_string();
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}
