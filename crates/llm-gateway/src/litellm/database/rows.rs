//! Reading rows of LiteLLM's tables, whatever columns its version has.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use llm_core::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::super::node::{Fields, Node};
use crate::store::database_error;

/// A database of LiteLLM, as of one moment. Nothing is written to it.
pub(super) struct Source {
    connection: PgConnection,
    tables: Vec<String>,
}

impl Source {
    /// Connects to it. An address as Prisma takes it may name a schema.
    pub(super) async fn open(url: &str) -> Result<Self> {
        let unreadable = |error| {
            // The address may hold a password and is not repeated.
            Error::new(ErrorKind::InvalidRequest, "the address of LiteLLM's database can't be read").with_source(error)
        };
        let mut options = PgConnectOptions::from_str(url).map_err(unreadable)?.application_name("llm-gateway import");
        if let Some(schema) = schema(url) {
            options = options.options([("search_path", schema)]);
        }
        let unreachable =
            |error| Error::new(ErrorKind::Connection, "LiteLLM's database can't be opened").with_source(error);
        let mut connection = options.connect().await.map_err(unreachable)?;
        sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .execute(&mut connection)
            .await
            .map_err(database_error)?;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name LIKE 'LiteLLM\\_%' ORDER BY table_name",
        )
        .fetch_all(&mut connection)
        .await
        .map_err(database_error)?;
        if tables.is_empty() {
            let message = "the database has no table of LiteLLM";
            return Err(
                Error::invalid_request(message).with_hint("name the database that LiteLLM's `DATABASE_URL` names")
            );
        }
        Ok(Self { connection, tables })
    }

    /// Every table of LiteLLM that there is.
    pub(super) fn tables(&self) -> &[String] {
        &self.tables
    }

    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.iter().any(|known| known == table)
    }

    /// All rows of a table; none where there is no such table.
    pub(super) async fn rows(&mut self, table: &'static str) -> Result<Vec<Fields>> {
        if !self.has(table) {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT to_json(t)::text FROM \"{table}\" t ORDER BY 1");
        self.fields(sql).await
    }

    /// The rows of a statement whose only column is JSON. `sql` is made of constants.
    pub(super) async fn fields(&mut self, sql: String) -> Result<Vec<Fields>> {
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.connection).await.map_err(database_error)?;
        rows.iter()
            .map(|row| match Node::from_json(row)? {
                Node::Table(fields) => Ok(fields),
                _ => Ok(Fields::default()),
            })
            .collect()
    }

    /// The rows of a table by the column that is their id.
    pub(super) async fn by_id(&mut self, table: &'static str, column: &str) -> Result<BTreeMap<String, Fields>> {
        let rows = self.rows(table).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.get(column)?.text()?.to_owned(), row))).collect())
    }

    /// A column of a table, as a statement names it; null where the table has no such one.
    pub(super) async fn column(&mut self, table: &str, name: &'static str) -> Result<String> {
        let known: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2)",
        )
        .bind(table)
        .bind(name)
        .fetch_one(&mut self.connection)
        .await
        .map_err(database_error)?;
        Ok(if known { format!("\"{name}\"") } else { "NULL::text".to_owned() })
    }

    /// How many rows a table has.
    pub(super) async fn count(&mut self, table: &str) -> Result<i64> {
        let sql = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await.map_err(database_error)
    }
}

/// `?schema=name` of an address as Prisma takes it.
fn schema(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let schema = query.split('&').find_map(|member| member.strip_prefix("schema="))?;
    let good = !schema.is_empty() && schema.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    good.then_some(schema)
}

/// A time of the database, which has no zone and means UTC.
pub(super) fn time(node: &Node) -> Option<Timestamp> {
    let text = node.text()?;
    let zoned = |text: &str| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| zoned(text).map(|zoned| zoned.timestamp()))
}
