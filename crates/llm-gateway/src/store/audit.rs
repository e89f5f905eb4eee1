//! The audit log: who changed what, before and after. It is only ever added to, by the transaction of the change.

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Db, Row, Transaction, query};
use crate::author::Author;

/// The most entries of one page.
const MOST: usize = 500;

const INSERT: &str = "INSERT INTO audit (id, created_at, author, key, \"user\", action, kind, target, \"before\", \
    \"after\") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum AuditAction {
    Create,
    Change,
    Delete,
}

impl AuditAction {
    const ALL: &[Self] = &[Self::Create, Self::Change, Self::Delete];

    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditTarget {
    /// `key`, `team`, `user`, `organization`, `limit` or `setting`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// One change of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// The entry's own id; ids sort by age.
    pub id: String,
    /// When.
    #[schemars(with = "crate::schema::Time")]
    pub created_at: Timestamp,
    /// Who.
    pub by: Author,
    /// What was done.
    pub action: AuditAction,
    /// What it was done to.
    pub target: AuditTarget,
    /// The thing as it was, without secrets; none where it was made.
    pub before: Option<Value>,
    /// The thing as it has become; none where it was deleted.
    pub after: Option<Value>,
}

impl AuditEntry {
    /// What the author of the work under way did to a thing just now; none where there was and is no such thing.
    pub(crate) fn new(target: AuditTarget, before: Option<Value>, after: Option<Value>) -> Option<Self> {
        let action = match (&before, &after) {
            (None, Some(_)) => AuditAction::Create,
            (Some(_), Some(_)) => AuditAction::Change,
            (Some(_), None) => AuditAction::Delete,
            (None, None) => return None,
        };
        let id = format!("audit_{}", Uuid::now_v7().simple());
        Some(Self { id, created_at: Timestamp::now(), by: Author::current(), action, target, before, after })
    }

    /// Writes it, in the transaction of the change.
    pub(crate) async fn write(self, tx: &mut Transaction) -> Result<()> {
        let (key, user) = match &self.by {
            Author::Key { key, user } => (Some(key.to_string()), user.as_ref().map(ToString::to_string)),
            Author::Login { user } => (None, Some(user.to_string())),
            Author::Administrator | Author::CommandLine | Author::Process => (None, None),
        };
        query(INSERT)
            .bind(self.id)
            .bind(self.created_at.as_millisecond())
            .bind(self.by.kind())
            .bind(key)
            .bind(user)
            .bind(self.action.as_str())
            .bind(self.target.kind)
            .bind(self.target.id)
            .bind(self.before.map(|before| before.to_string()))
            .bind(self.after.map(|after| after.to_string()))
            .execute(tx)
            .await
            .map(drop)
    }
}

/// Which entries are asked for. What is none is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditFilter {
    /// Of things of this kind.
    pub kind: Option<String>,
    /// Of the thing of this id.
    pub target: Option<String>,
    /// By an author of this kind.
    pub author: Option<String>,
    /// By whoever presented this key.
    pub key: Option<String>,
    /// By this user.
    pub user: Option<String>,
    /// That did this.
    pub action: Option<AuditAction>,
    /// Then or later.
    pub from: Option<Timestamp>,
    /// Earlier.
    pub to: Option<Timestamp>,
}

/// A page of the audit log, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AuditPage {
    /// The entries.
    pub data: Vec<AuditEntry>,
    /// What asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// A page of at most `limit` entries (from 1 to 500), newest first. `cursor` is the last page's `next_cursor`.
pub async fn audit(db: &Db, filter: &AuditFilter, cursor: Option<&str>, limit: usize) -> Result<AuditPage> {
    let limit = limit.clamp(1, MOST);
    let mut sql = query(
        "SELECT id, created_at, author, key, \"user\", action, kind, target, \"before\", \"after\" FROM audit WHERE true",
    );
    let texts = [
        (" AND kind = ", filter.kind.as_deref()),
        (" AND target = ", filter.target.as_deref()),
        (" AND author = ", filter.author.as_deref()),
        (" AND key = ", filter.key.as_deref()),
        (" AND \"user\" = ", filter.user.as_deref()),
        (" AND action = ", filter.action.map(AuditAction::as_str)),
        (" AND id < ", cursor),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            sql.push(condition).push_bind(value);
        }
    }
    for (condition, time) in [(" AND created_at >= ", filter.from), (" AND created_at < ", filter.to)] {
        if let Some(time) = time {
            sql.push(condition).push_bind(time.as_millisecond());
        }
    }
    // One more than asked for tells whether there is a next page.
    sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let rows = sql.rows(db).await?;
    let data = rows.iter().take(limit).map(read).collect::<Result<Vec<_>>>()?;
    let next_cursor = if rows.len() > limit { data.last().map(|last| last.id.clone()) } else { None };
    Ok(AuditPage { data, next_cursor })
}

fn read(row: &Row) -> Result<AuditEntry> {
    let action: String = row.get("action")?;
    let author: String = row.get("author")?;
    let json = |column| {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable().with_source(error))).transpose()
    };
    Ok(AuditEntry {
        id: row.get("id")?,
        created_at: Timestamp::from_millisecond(row.get("created_at")?).unwrap_or(Timestamp::MIN),
        by: Author::of(&author, row.get("key")?, row.get("user")?).ok_or_else(unreadable)?,
        action: AuditAction::ALL.iter().copied().find(|one| one.as_str() == action).ok_or_else(unreadable)?,
        target: AuditTarget { kind: row.get("kind")?, id: row.get("target")? },
        before: json("before")?,
        after: json("after")?,
    })
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Internal, "an entry of the audit log can't be read")
}
