//! The time over which a limit counts, cut into buckets.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::Zone;
use crate::named::named;

/// The parts that a sliding window is cut into. One more than these is counted, so that the window never forgets a
/// use before its time: it is rounded against the caller.
pub(super) const PARTS: i64 = 60;

named! {
    /// The time over which a limit counts. Windows are computed from the clock; no job resets them.
    pub enum Window ("window") {
        /// The last 60 seconds.
        Minute = "minute",
        /// The last 60 minutes.
        Hour = "hour",
        /// The last 24 hours.
        Day24 = "24h",
        /// The calendar day.
        Day = "day",
        /// The calendar week, from Monday.
        Week = "week",
        /// The calendar month.
        Month = "month",
        /// For ever.
        Total = "total",
    }
}

/// The part of a window that a use is counted in, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins; 0 for `total`.
    pub start: i64,
    /// From when on it no longer counts; `i64::MAX` for `total`.
    pub until: i64,
}

impl Bucket {
    /// The only bucket of a limit that never resets.
    pub const TOTAL: Bucket = Bucket { start: 0, until: i64::MAX };
}

impl Window {
    /// Whether it follows the calendar of a zone.
    pub fn is_calendar(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month)
    }

    /// The length of a part of a sliding window, in milliseconds; none for the others.
    pub(super) fn part(self) -> Option<i64> {
        match self {
            Self::Minute => Some(60_000 / PARTS),
            Self::Hour => Some(3_600_000 / PARTS),
            Self::Day24 => Some(86_400_000 / PARTS),
            Self::Day | Self::Week | Self::Month | Self::Total => None,
        }
    }

    /// When the calendar window that begins at `start` ends; none for the others.
    pub(crate) fn end(self, start: i64, zone: Option<&Zone>) -> Option<i64> {
        let zone = zone.map_or(TimeZone::UTC, |zone| zone.get().clone());
        self.is_calendar().then(|| self.bucket_at(&zone, start).until)
    }

    /// What tells one window from the next, for those who are to be told something once in each: when it begins. A window
    /// that slides is taken to begin anew each time that it has passed.
    pub(super) fn number(self, bucket: Bucket) -> i64 {
        let Some(part) = self.part() else { return bucket.start };
        let whole = part.saturating_mul(PARTS);
        bucket.start.div_euclid(whole).saturating_mul(whole)
    }

    /// The bucket that `now` (milliseconds since 1970) falls into.
    pub fn bucket_at(self, zone: &TimeZone, now: i64) -> Bucket {
        if let Some(part) = self.part() {
            let start = now.div_euclid(part).saturating_mul(part);
            return Bucket { start, until: start.saturating_add(part * (PARTS + 1)) };
        }
        // Only a clock outside of the years -9999 to 9999 has no calendar; then the limit counts for ever.
        self.period_at(zone, now).unwrap_or(Bucket::TOTAL)
    }

    fn period_at(self, zone: &TimeZone, now: i64) -> Option<Bucket> {
        let today = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).date();
        let (first, next) = match self {
            Self::Day => (today, today.tomorrow().ok()?),
            Self::Week => {
                let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
                (monday, monday.checked_add(7.days()).ok()?)
            }
            Self::Month => (today.first_of_month(), today.last_of_month().tomorrow().ok()?),
            Self::Minute | Self::Hour | Self::Day24 | Self::Total => return None,
        };
        // A day whose midnight is skipped begins when the clock goes on; one with two midnights at the first.
        let begin = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond());
        Some(Bucket { start: begin(first)?, until: begin(next)? })
    }
}

#[cfg(test)]
mod tests;
