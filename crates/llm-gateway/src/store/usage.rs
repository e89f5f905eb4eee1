//! Sums over calls, from the hourly roll-up. Only the parts of an hour at either end of the asked time, if there are
//! any, are summed from single calls, so the sums are exact for any time. Nor are end users rolled up, who may be as many
//! as the calls: what is asked of them is summed from single calls, as far back as these are kept.

use jiff::Timestamp;
use llm_core::{NanoUsd, Result};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::sums::HOUR;
use super::{Db, Row, query};
use crate::limits::LimitError;
use crate::record::CallId;

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

    /// The SQL that it is computed by: a text, or milliseconds for `day` and `hour`.
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
            Self::Day => "u.hour - u.hour % 86400000",
            Self::Hour => "u.hour",
        }
    }
}

impl std::str::FromStr for UsageGroup {
    type Err = LimitError;

    fn from_str(name: &str) -> Result<Self, LimitError> {
        let found = Self::ALL.iter().find(|group| group.as_str() == name).copied();
        found.ok_or_else(|| {
            LimitError::unknown("member of `group_by`", name, Self::ALL.iter().map(|group| group.as_str()))
        })
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

/// The hours that lie wholly between two times, in milliseconds, and the times on either side.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    hours: Option<(i64, i64)>,
    edges: Vec<(i64, i64)>,
}

impl Span {
    /// `single`: everything is summed from single calls.
    fn new(from: Option<Timestamp>, to: Option<Timestamp>, single: bool) -> Self {
        let from = from.map_or(0, |from| from.as_millisecond().max(0));
        let to = to.map_or(i64::MAX - i64::MAX % HOUR, |to| to.as_millisecond().max(0));
        let (first, last) = ((from + (HOUR - 1)) / HOUR * HOUR, to / HOUR * HOUR);
        if first > last || single {
            return Self { hours: None, edges: Vec::from_iter((from < to).then_some((from, to))) };
        }
        let edges = [(from, first), (last, to)].into_iter().filter(|(from, to)| from < to).collect();
        Self { hours: (first < last).then_some((first, last)), edges }
    }
}

const SUMS: &str = "CAST(sum(u.calls) AS BIGINT), CAST(sum(u.errors) AS BIGINT), \
                    CAST(sum(u.input_tokens) AS BIGINT), CAST(sum(u.output_tokens) AS BIGINT), \
                    CAST(sum(u.cost) AS BIGINT) FROM (";
const HOURS: &str = "SELECT hour, key, team, \"user\", organization, '' AS end_user, model, provider, tags, calls, \
                     errors, input_tokens, output_tokens, cost FROM usage_hours WHERE hour >= ";
const EDGE: &str = "SELECT created_at - created_at % 3600000 AS hour, coalesce(key, '') AS key, \
                    coalesce(team, '') AS team, coalesce(\"user\", '') AS \"user\", \
                    coalesce(organization, '') AS organization, coalesce(end_user, '') AS end_user, model, \
                    coalesce(provider, '') AS provider, tags, 1 AS calls, \
                    CASE WHEN status IN ('ok', 'caller_gone') THEN 0 ELSE 1 END AS errors, input_tokens, output_tokens, \
                    coalesce(cost, 0) AS cost FROM calls WHERE id >= ";

/// Sums over the calls that `filter` means, a row for each combination of `group_by`, in the order of those.
pub async fn usage(db: &Db, group_by: &[UsageGroup], filter: &UsageFilter) -> Result<Vec<UsageRow>> {
    let by_end_user = group_by.contains(&UsageGroup::EndUser) || filter.end_user.is_some();
    let span = Span::new(filter.from, filter.to, by_end_user);
    let mut sql = query("SELECT ");
    for group in group_by {
        sql.push(group.sql()).push(", ");
    }
    sql.push(SUMS);
    let mut between = "";
    if let Some((first, last)) = span.hours {
        sql.push(HOURS).push_bind(first).push(" AND hour < ").push_bind(last);
        between = " UNION ALL ";
    }
    for (from, to) in span.edges {
        let id = |at| CallId::before(Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)).as_uuid();
        sql.push(between).push(EDGE).push_bind(id(from)).push(" AND id < ").push_bind(id(to));
        between = " UNION ALL ";
    }
    if between.is_empty() {
        return Ok(Vec::new());
    }
    sql.push(") AS u");
    let by_tag = group_by.contains(&UsageGroup::Tag);
    if by_tag {
        sql.push(" LEFT JOIN json_each(u.tags) AS t ON true");
    }
    sql.push(" WHERE true");
    let columns = [
        (" AND u.key = ", &filter.key),
        (" AND u.team = ", &filter.team),
        (" AND u.\"user\" = ", &filter.user),
        (" AND u.organization = ", &filter.organization),
        (" AND u.end_user = ", &filter.end_user),
        (" AND u.model = ", &filter.model),
        (" AND u.provider = ", &filter.provider),
    ];
    for (condition, value) in columns {
        if let Some(value) = value {
            sql.push(condition).push_bind(value);
        }
    }
    if let Some(tag) = &filter.tag {
        if by_tag {
            sql.push(" AND t.value = ").push_bind(tag);
        } else {
            sql.push(" AND EXISTS (SELECT 1 FROM json_each(u.tags) WHERE value = ").push_bind(tag).push(")");
        }
    }
    for (place, group) in group_by.iter().enumerate() {
        sql.push(if place == 0 { " GROUP BY " } else { ", " }).push(group.sql());
    }
    // Without calls a sum over everything is a row of nulls, which this leaves out.
    sql.push(" HAVING count(*) > 0");
    let rows = sql.rows(db).await?;
    let mut rows = rows.iter().map(|row| read(row, group_by)).collect::<Result<Vec<_>>>()?;
    // Engines order texts each in its own way.
    rows.sort_by(|one, other| one.group.iter().map(|(_, value)| value).cmp(other.group.iter().map(|(_, value)| value)));
    Ok(rows)
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
