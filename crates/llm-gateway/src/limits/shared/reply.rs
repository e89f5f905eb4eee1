//! Reading what the scripts answer.

use std::collections::BTreeMap;

use redis::Value;

use crate::limits::counter::Held;
use crate::limits::link::Granted;

/// What is had and held, by the begin of the bucket.
type Buckets = Vec<(i64, Held)>;

/// The word on one call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Taken: of each limit, from where.
    Granted(Vec<Granted>),
    /// Nothing was taken: the limits without room, by their place among those that were wanted, and what others have and
    /// hold of them, by the begin of the bucket.
    Refused(Vec<(usize, Buckets)>),
}

/// What a tick brought.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) now: i64,
    pub(super) live: i64,
    pub(super) dead: Vec<String>,
    /// Name, version, what others have and hold.
    pub(super) limits: Vec<(String, i64, Buckets)>,
}

/// The time, how many replicas live, and a word on each call; none where the session is no longer this one.
pub(super) fn words(answer: &Value, me: &str) -> Option<(i64, i64, Vec<Word>)> {
    let [now, live, words @ ..] = list(answer) else { return None };
    Some((integer(now)?, integer(live)?, words.iter().map(|one| word(one, me)).collect::<Option<_>>()?))
}

fn word(answer: &Value, me: &str) -> Option<Word> {
    let (is_granted, rest) = list(answer).split_first()?;
    if integer(is_granted)? == 1 {
        let granted = rest.chunks_exact(4).map(|one| {
            let [start, until, used, reserved] = one else { return None };
            let others = Held { used: integer(used)?, reserved: integer(reserved)? };
            Some(Granted { start: integer(start)?, until: integer(until)?, others })
        });
        return granted.collect::<Option<_>>().map(Word::Granted);
    }
    let full = rest.iter().map(|one| {
        let [place, fields] = list(one) else { return None };
        Some((usize::try_from(integer(place)?).ok()?, others(list(fields), me)))
    });
    full.collect::<Option<_>>().map(Word::Refused)
}

/// What a tick answers; none where the session is no longer this one.
pub(super) fn news(answer: &Value, me: &str) -> Option<News> {
    let [now, live, dead, limits] = list(answer) else { return None };
    let limits = list(limits).iter().map(|one| {
        let [name, version, fields] = list(one) else { return None };
        Some((text(name)?.to_owned(), integer(version)?, others(list(fields), me)))
    });
    Some(News {
        now: integer(now)?,
        live: integer(live)?,
        dead: list(dead).iter().map(|one| text(one).map(str::to_owned)).collect::<Option<_>>()?,
        limits: limits.collect::<Option<_>>()?,
    })
}

/// What others than `me` have and hold, out of the fields of a limit.
fn others(fields: &[Value], me: &str) -> Buckets {
    let mut buckets: BTreeMap<i64, Held> = BTreeMap::new();
    for pair in fields.chunks_exact(2) {
        let [field, amount] = pair else { continue };
        let (Some(field), Some(amount)) = (text(field), integer(amount)) else { continue };
        let Some((kind, place)) = field.split_at_checked(1) else { continue };
        let (bucket, amount) = match place.split_once(':') {
            None => (place, amount),
            Some((bucket, owner)) if owner == me => (bucket, amount.saturating_neg()),
            Some(_) => continue,
        };
        let Ok(bucket) = bucket.parse() else { continue };
        let add = match kind {
            "u" => Held { used: amount, reserved: 0 },
            "r" => Held { used: 0, reserved: amount },
            _ => continue,
        };
        let held = buckets.entry(bucket).or_default();
        *held = *held + add;
    }
    buckets.into_iter().filter(|&(_, held)| held != Held::default()).collect()
}

pub(super) fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        _ => &[],
    }
}

pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// Numbers come as such, or as texts where they are wide.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        value => text(value)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
