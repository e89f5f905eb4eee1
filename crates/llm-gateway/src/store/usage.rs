//! Sums over calls: from the sums of days, from those of hours where a day is not over or not wholly asked for, and from
//! single calls for the parts of an hour at either end of the asked time. So they are exact for any time. End users are not
//! rolled up, who may be as many as the calls: what is asked of them is summed from single calls, as far back as these are
//! kept.

mod pieces;

use jiff::Timestamp;
use llm_core::{NanoUsd, Result};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::days::unsummed;
use super::{Db, Query, Row, query};
use crate::named::UnknownName;
use pieces::{Piece, Span};

/// What sums are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum UsageGroup {
    Key,
    Team,
    User,
    Organization,
    EndUser,
    Model,
    Provider,
    Tag,
    Day,
    Hour,
}

impl UsageGroup {
    /// Every group.
    pub const ALL: &[Self] = &[
        Self::Key,
        Self::Team,
        Self::User,
        Self::Organization,
        Self::EndUser,
        Self::Model,
        Self::Provider,
        Self::Tag,
        Self::Day,
        Self::Hour,
    ];

    /// The name in `group_by` and in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::User => "user",
            Self::Organization => "organization",
            Self::EndUser => "end_user",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Tag => "tag",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    /// The column that holds it where pieces are put together; a list for tags.
    fn name(self) -> &'static str {
        match self {
            Self::User => "\"user\"",
            Self::Tag => "tags",
            other => other.as_str(),
        }
    }

    /// The SQL that it is grouped by: a text, or milliseconds for `day` and `hour`.
    fn sql(self) -> &'static str {
        match self {
            Self::Key => "u.key",
            Self::Team => "u.team",
            Self::User => "u.\"user\"",
            Self::Organization => "u.organization",
            Self::EndUser => "u.end_user",
            Self::Model => "u.model",
            Self::Provider => "u.provider",
            Self::Tag => "coalesce(t.value, '')",
            Self::Day => "u.day",
            Self::Hour => "u.hour",
        }
    }
}

impl std::str::FromStr for UsageGroup {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.iter().find(|group| group.as_str() == name).copied();
        found
            .ok_or_else(|| UnknownName::new("member of `group_by`", name, Self::ALL.iter().map(|group| group.as_str())))
    }
}

/// Which calls are summed. What is none is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageFilter {
    /// Of this key.
    pub key: Option<String>,
    /// Of this team.
    pub team: Option<String>,
    /// Of this user.
    pub user: Option<String>,
    /// Of this organization.
    pub organization: Option<String>,
    /// For this end user of the application.
    pub end_user: Option<String>,
    /// Of this model, as asked.
    pub model: Option<String>,
    /// Answered by this provider.
    pub provider: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// That came then or later.
    pub from: Option<Timestamp>,
    /// That came earlier.
    pub to: Option<Timestamp>,
}

/// A sum. As JSON the grouped members, then the counts, then `cost_usd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRow {
    /// The grouped members, in the order asked for; none where the calls have no such thing. A call with several tags
    /// is in the row of each. `day` is a date and `hour` the time at which it begins, both in UTC.
    pub group: Vec<(UsageGroup, Option<String>)>,
    /// How many calls.
    pub calls: i64,
    /// How many of them failed or were refused.
    pub errors: i64,
    /// Tokens of all prompts.
    pub input_tokens: i64,
    /// Tokens of all answers.
    pub output_tokens: i64,
    /// What they cost; calls without a price count as nothing here.
    pub cost_usd: NanoUsd,
}

impl Serialize for UsageRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.group.len() + 5))?;
        for (group, value) in &self.group {
            map.serialize_entry(group.as_str(), value)?;
        }
        map.serialize_entry("calls", &self.calls)?;
        map.serialize_entry("errors", &self.errors)?;
        map.serialize_entry("input_tokens", &self.input_tokens)?;
        map.serialize_entry("output_tokens", &self.output_tokens)?;
        map.serialize_entry("cost_usd", &self.cost_usd)?;
        map.end()
    }
}

/// The sums of rows that have these columns, under the same names.
const SUMS: &str = "CAST(sum(u.calls) AS BIGINT) AS calls, CAST(sum(u.errors) AS BIGINT) AS errors, \
                    CAST(sum(u.input_tokens) AS BIGINT) AS input_tokens, \
                    CAST(sum(u.output_tokens) AS BIGINT) AS output_tokens, CAST(sum(u.cost) AS BIGINT) AS cost";

/// Sums over the calls that `filter` means, a row for each combination of `group_by`, in the order of those.
pub async fn usage(db: &Db, group_by: &[UsageGroup], filter: &UsageFilter) -> Result<Vec<UsageRow>> {
    let span = Span::new(filter.from, filter.to);
    let by_end_user = group_by.contains(&UsageGroup::EndUser) || filter.end_user.is_some();
    // What is read from which table must be so as of one moment.
    let mut tx = db.read().await?;
    let by_hour = group_by.contains(&UsageGroup::Hour);
    let pieces = match span.days() {
        _ if by_end_user => span.by_call(),
        Some((from, to)) if !by_hour => span.pieces(&unsummed(&mut tx, from, to).await?),
        _ => span.by_hour(),
    };
    if pieces.is_empty() {
        return Ok(Vec::new());
    }
    let rows = question(&pieces, group_by, filter).rows(&mut tx).await?;
    let mut rows = rows.iter().map(|row| read(row, group_by)).collect::<Result<Vec<_>>>()?;
    // Engines order texts each in its own way.
    rows.sort_by(|one, other| one.group.iter().map(|(_, value)| value).cmp(other.group.iter().map(|(_, value)| value)));
    Ok(rows)
}

/// The statement that sums all pieces.
fn question(pieces: &[Piece], group_by: &[UsageGroup], filter: &UsageFilter) -> Query {
    let by_tag = group_by.contains(&UsageGroup::Tag);
    let tags = by_tag || filter.tag.is_some();
    // What every piece is asked for. Tags are taken apart last, when there are few rows left.
    let asked = |group: &&UsageGroup| if **group == UsageGroup::Tag { tags } else { group_by.contains(group) };
    let columns: Vec<UsageGroup> = UsageGroup::ALL.iter().filter(asked).copied().collect();

    let mut sql = query("SELECT ");
    for group in group_by {
        sql.push(group.sql()).push(", ");
    }
    sql.push(SUMS).push(" FROM (");
    if tags {
        sql.push("SELECT ");
        for column in &columns {
            sql.push("u.").push(column.name()).push(", ");
        }
        sql.push(SUMS).push(" FROM (");
    }
    for (place, piece) in pieces.iter().enumerate() {
        sql.push(if place == 0 { "SELECT " } else { " UNION ALL SELECT " });
        piece.push(&mut sql, &columns, filter);
    }
    sql.push(") AS u");
    if tags {
        for (place, column) in columns.iter().enumerate() {
            sql.push(if place == 0 { " GROUP BY u." } else { ", u." }).push(column.name());
        }
        sql.push(") AS u");
    }
    if by_tag {
        sql.push(" LEFT JOIN json_each(u.tags) AS t ON true");
    }
    match &filter.tag {
        Some(tag) if by_tag => _ = sql.push(" WHERE t.value = ").push_bind(tag),
        Some(tag) => {
            sql.push(" WHERE EXISTS (SELECT 1 FROM json_each(u.tags) WHERE value = ").push_bind(tag).push(")");
        }
        None => {}
    }
    for (place, group) in group_by.iter().enumerate() {
        sql.push(if place == 0 { " GROUP BY " } else { ", " }).push(group.sql());
    }
    // Without calls a sum over everything is a row of nulls, which this leaves out.
    sql.push(" HAVING count(*) > 0");
    sql
}

fn read(row: &Row, group_by: &[UsageGroup]) -> Result<UsageRow> {
    let mut group = Vec::with_capacity(group_by.len());
    for (place, &by) in group_by.iter().enumerate() {
        let value = match by {
            UsageGroup::Day | UsageGroup::Hour => Some(time(by, row.get(place)?)),
            _ => Some(row.get::<String, _>(place)?).filter(|text| !text.is_empty()),
        };
        group.push((by, value));
    }
    let count = |place: usize| row.get::<i64, _>(group_by.len() + place);
    Ok(UsageRow {
        group,
        calls: count(0)?,
        errors: count(1)?,
        input_tokens: count(2)?,
        output_tokens: count(3)?,
        cost_usd: NanoUsd(count(4)?),
    })
}

fn time(by: UsageGroup, at: i64) -> String {
    let text = Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX).to_string();
    match by {
        UsageGroup::Day => text.split('T').next().unwrap_or_default().to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
