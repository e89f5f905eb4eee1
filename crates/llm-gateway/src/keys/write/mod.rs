//! Making, changing and deleting keys, limits and whom they belong to.

mod change;
pub(super) mod key;
pub(super) mod limit;
mod login;
pub(super) mod organization;
mod price;
mod setting;
pub(super) mod team;
pub(super) mod user;

use llm_core::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::store::{Transaction, is_taken, query};

pub(crate) use key::MAX_GRACE;
pub use key::NewKey;

/// The error for an id that nothing has.
pub(crate) fn not_found(what: &str, id: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {what} `{id}`"))
}

/// A kind of thing that is found by its id or its unique name.
struct Named {
    what: &'static str,
    find: &'static str,
    names: &'static str,
}

const ORGANIZATION: Named = Named {
    what: "organization",
    find: "SELECT id FROM organizations WHERE id = $1 OR name = $1 ORDER BY id = $1 DESC LIMIT 1",
    names: "SELECT name FROM organizations LIMIT 1000",
};
const TEAM: Named = Named {
    what: "team",
    find: "SELECT id FROM teams WHERE id = $1 OR name = $1 ORDER BY id = $1 DESC LIMIT 1",
    names: "SELECT name FROM teams LIMIT 1000",
};
const USER: Named = Named {
    what: "user",
    find: "SELECT id FROM users WHERE id = $1 OR name = $1 ORDER BY id = $1 DESC LIMIT 1",
    names: "SELECT name FROM users LIMIT 1000",
};

/// The id of what someone means by `text`.
async fn find(db: &mut Transaction, kind: &Named, text: &str) -> Result<String> {
    if let Some((id,)) = query(kind.find).bind(text).optional::<(String,)>(&mut *db).await? {
        return Ok(id);
    }
    let names: Vec<(String,)> = query(kind.names).all(db).await?;
    let error = Error::invalid_request(format!("there is no {} `{text}`", kind.what)).with_param(kind.what);
    Err(match llm_providers::registry::nearest(text, names.iter().map(|(name,)| name.as_str())) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

/// The same where nothing may be said at all.
async fn find_if_said(db: &mut Transaction, kind: &Named, text: Option<&str>) -> Result<Option<String>> {
    match text {
        Some(text) => find(db, kind, text).await.map(Some),
        None => Ok(None),
    }
}

/// The error of a statement that would give a second thing of a kind the same `name`.
fn taken(error: Error, what: &str, name: &str) -> Error {
    if !is_taken(&error) {
        return error;
    }
    Error::new(ErrorKind::Conflict, format!("there is {what} `{name}` already")).with_param("name")
}

/// Runs a statement that names one id, and says how many rows were changed.
async fn execute(db: &mut Transaction, sql: &'static str, id: &str) -> Result<u64> {
    query(sql).bind(id).execute(db).await
}

/// The ids that a statement finds which names one.
async fn ids(db: &mut Transaction, sql: &'static str, id: &str) -> Result<Vec<String>> {
    let found: Vec<(String,)> = query(sql).bind(id).all(db).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(unwritable)
}

/// The error of what can't be written as JSON.
pub(in crate::keys) fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "can't be written as JSON").with_source(error)
}
