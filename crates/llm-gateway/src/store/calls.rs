//! Reading single calls.

use jiff::Timestamp;
use llm_core::{Error, Result};
use serde::Serialize;

use super::{Db, query};
use crate::record::{CallId, CallRecord, CallStatus};

/// The most calls of one page.
const MOST: usize = 500;

/// Which calls are asked for. What is none is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFilter {
    /// Of this key.
    pub key: Option<String>,
    /// Of this team.
    pub team: Option<String>,
    /// Of this user.
    pub user: Option<String>,
    /// Of this organization.
    pub organization: Option<String>,
    /// For this end user.
    pub end_user: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this model, as asked.
    pub model: Option<String>,
    /// Answered by this provider.
    pub provider: Option<String>,
    /// Answered by this deployment.
    pub deployment: Option<String>,
    /// That ended so.
    pub status: Option<CallStatus>,
    /// That came then or later.
    pub from: Option<Timestamp>,
    /// That came earlier.
    pub to: Option<Timestamp>,
}

/// A page of calls, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallPage {
    /// The calls.
    pub data: Vec<CallRecord>,
    /// What asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// A page of at most `limit` calls (from 1 to 500), newest first. `cursor` is the last page's `next_cursor`.
pub async fn calls(db: &Db, filter: &CallFilter, cursor: Option<&str>, limit: usize) -> Result<CallPage> {
    let limit = limit.clamp(1, MOST);
    let mut sql = query("SELECT record FROM calls WHERE true");
    let columns = [
        (" AND key = ", &filter.key),
        (" AND team = ", &filter.team),
        (" AND \"user\" = ", &filter.user),
        (" AND organization = ", &filter.organization),
        (" AND end_user = ", &filter.end_user),
        (" AND model = ", &filter.model),
        (" AND provider = ", &filter.provider),
        (" AND deployment = ", &filter.deployment),
    ];
    for (condition, value) in columns {
        if let Some(value) = value {
            sql.push(condition).push_bind(value);
        }
    }
    if let Some(status) = filter.status {
        sql.push(" AND status = ").push_bind(status.as_str());
    }
    if let Some(tag) = &filter.tag {
        sql.push(" AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ").push_bind(tag).push(")");
    }
    let mut bound = |condition, id: CallId| {
        sql.push(condition).push_bind(id.as_uuid());
    };
    if let Some(from) = filter.from {
        bound(" AND id >= ", CallId::before(from));
    }
    if let Some(to) = filter.to {
        bound(" AND id < ", CallId::before(to));
    }
    if let Some(cursor) = cursor {
        let last = cursor.parse().map_err(|_| Error::invalid_request("`cursor` is not one that a page has named"))?;
        bound(" AND id < ", last);
    }
    // One more than asked for tells whether there is a next page.
    sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let rows: Vec<(String,)> = sql.all(db).await?;
    let more = rows.len() > limit;
    let data = rows.iter().take(limit).map(|(json,)| read(json)).collect::<Result<Vec<_>>>()?;
    let next_cursor = if more { data.last().map(|last| last.id.to_string()) } else { None };
    Ok(CallPage { data, next_cursor })
}

/// One call; none where the id is unknown.
pub async fn call(db: &Db, id: CallId) -> Result<Option<CallRecord>> {
    let row = query("SELECT record FROM calls WHERE id = $1").bind(id.as_uuid()).optional::<(String,)>(db).await?;
    row.map(|(json,)| read(&json)).transpose()
}

fn read(json: &str) -> Result<CallRecord> {
    serde_json::from_str(json).map_err(|error| {
        Error::new(llm_core::ErrorKind::Internal, "a call record in the database can't be read").with_source(error)
    })
}

#[cfg(test)]
mod tests;
