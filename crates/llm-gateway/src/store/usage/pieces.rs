//! A time cut into pieces, each of which is read from the table that says it in the fewest rows.

use jiff::Timestamp;

use super::{UsageFilter, UsageGroup};
use crate::record::CallId;
use crate::store::Query;
use crate::store::days::DAY;
use crate::store::sums::HOUR;

/// The most stretches of days that are read by the hour. Rarely there is more than one, today; where there are many, all
/// between the first and the last is read by the hour, since engines don't take statements of any length.
const MOST: usize = 50;

/// Where sums stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Days,
    Hours,
    Calls,
}

/// What one table says of a time, in milliseconds since 1970; `to` is the first moment after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    source: Source,
    from: i64,
    to: i64,
}

/// The hours that lie wholly between two times, in milliseconds, and the times on either side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    from: i64,
    to: i64,
    hours: Option<(i64, i64)>,
    edges: Vec<(i64, i64)>,
}

impl Span {
    pub(super) fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        let from = from.map_or(0, |from| from.as_millisecond().max(0));
        let to = to.map_or(i64::MAX - i64::MAX % HOUR, |to| to.as_millisecond().max(0));
        let (first, last) = ((from + (HOUR - 1)) / HOUR * HOUR, to / HOUR * HOUR);
        if first > last {
            return Self { from, to, hours: None, edges: Vec::from_iter((from < to).then_some((from, to))) };
        }
        let edges = [(from, first), (last, to)].into_iter().filter(|(from, to)| from < to).collect();
        Self { from, to, hours: (first < last).then_some((first, last)), edges }
    }

    /// The days that lie wholly in it.
    pub(super) fn days(&self) -> Option<(i64, i64)> {
        let (first, last) = self.hours?;
        let (from, to) = ((first + (DAY - 1)) / DAY * DAY, last / DAY * DAY);
        (from < to).then_some((from, to))
    }

    /// All of it from single calls.
    pub(super) fn by_call(&self) -> Vec<Piece> {
        Vec::from_iter((self.from < self.to).then(|| Piece::new(Source::Calls, (self.from, self.to))))
    }

    /// All of it without sums of days.
    pub(super) fn by_hour(&self) -> Vec<Piece> {
        let hours = self.hours.into_iter().map(|time| Piece::new(Source::Hours, time));
        hours.chain(self.edges()).collect()
    }

    /// All of it, with the sums of days but for those of its whole days that are `unsummed`, which come in order.
    pub(super) fn pieces(&self, unsummed: &[i64]) -> Vec<Piece> {
        let (Some((first, last)), Some((from, to))) = (self.hours, self.days()) else { return self.by_hour() };
        let mut stretches = joined(first, from, unsummed.iter().map(|&day| (day, day + DAY)), (to, last));
        if stretches.len() > MOST
            && let (Some(&oldest), Some(&newest)) = (unsummed.first(), unsummed.last())
        {
            stretches = joined(first, from, [(oldest, newest + DAY)].into_iter(), (to, last));
        }
        let mut pieces = Vec::new();
        let mut begin = first;
        for (from, to) in stretches {
            pieces.push(Piece::new(Source::Days, (begin, from)));
            pieces.push(Piece::new(Source::Hours, (from, to)));
            begin = to;
        }
        pieces.into_iter().filter(|piece| piece.from < piece.to).chain(self.edges()).collect()
    }

    fn edges(&self) -> impl Iterator<Item = Piece> {
        self.edges.iter().map(|&time| Piece::new(Source::Calls, time))
    }
}

/// The stretches that are read by the hour, those that touch as one: what comes before the first whole day, the days
/// between, and what comes after the last.
fn joined(first: i64, from: i64, days: impl Iterator<Item = (i64, i64)>, rest: (i64, i64)) -> Vec<(i64, i64)> {
    let mut all = vec![(first, from)];
    for (from, to) in days.chain([rest]) {
        match all.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => all.push((from, to)),
        }
    }
    all
}

impl Piece {
    fn new(source: Source, (from, to): (i64, i64)) -> Self {
        Self { source, from, to }
    }

    /// Adds to a statement, after `SELECT `, what selects the rows of these groups that `filter` means. Tags come as a list,
    /// and are not filtered by.
    pub(super) fn push(&self, sql: &mut Query, groups: &[UsageGroup], filter: &UsageFilter) {
        for &group in groups {
            sql.push(self.column(group)).push(" AS ").push(group.name()).push(", ");
        }
        let id = |at| CallId::before(Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)).as_uuid();
        match self.source {
            Source::Days => {
                sql.push("calls, errors, input_tokens, output_tokens, cost FROM usage_days WHERE day >= ");
                sql.push_bind(self.from).push(" AND day < ").push_bind(self.to);
            }
            Source::Hours => {
                sql.push("calls, errors, input_tokens, output_tokens, cost FROM usage_hours WHERE hour >= ");
                sql.push_bind(self.from).push(" AND hour < ").push_bind(self.to);
            }
            Source::Calls => {
                sql.push(
                    "1 AS calls, CASE WHEN status IN ('ok', 'caller_gone') THEN 0 ELSE 1 END AS errors, input_tokens, \
                     output_tokens, coalesce(cost, 0) AS cost FROM calls WHERE id >= ",
                );
                sql.push_bind(id(self.from)).push(" AND id < ").push_bind(id(self.to));
            }
        }
        let filters = [
            (UsageGroup::Key, &filter.key),
            (UsageGroup::Team, &filter.team),
            (UsageGroup::User, &filter.user),
            (UsageGroup::Organization, &filter.organization),
            (UsageGroup::EndUser, &filter.end_user),
            (UsageGroup::Model, &filter.model),
            (UsageGroup::Provider, &filter.provider),
        ];
        for (group, value) in filters {
            if let Some(value) = value {
                // Indexes hold columns as they are, and only what is empty may be none there.
                let is_bare = self.source == Source::Calls && !value.is_empty();
                let column = if is_bare { group.name() } else { self.column(group) };
                sql.push(" AND ").push(column).push(" = ").push_bind(value);
            }
        }
    }

    /// The SQL of a group's value. A call lacks what sums call empty.
    fn column(&self, group: UsageGroup) -> &'static str {
        match (group, self.source) {
            (UsageGroup::Key, Source::Calls) => "coalesce(key, '')",
            (UsageGroup::Team, Source::Calls) => "coalesce(team, '')",
            (UsageGroup::User, Source::Calls) => "coalesce(\"user\", '')",
            (UsageGroup::Organization, Source::Calls) => "coalesce(organization, '')",
            (UsageGroup::EndUser, Source::Calls) => "coalesce(end_user, '')",
            // Sums know no end users, and nobody asks them.
            (UsageGroup::EndUser, _) => "''",
            (UsageGroup::Provider, Source::Calls) => "coalesce(provider, '')",
            (UsageGroup::Day, Source::Calls) => "created_at - created_at % 86400000",
            (UsageGroup::Hour, Source::Calls) => "created_at - created_at % 3600000",
            (UsageGroup::Day, Source::Hours) => "hour - hour % 86400000",
            // A day has no hours, and nobody asks it for them: whoever wants hours reads hours.
            (UsageGroup::Day | UsageGroup::Hour, Source::Days) => "day",
            (group, _) => group.name(),
        }
    }
}

#[cfg(test)]
mod tests;
