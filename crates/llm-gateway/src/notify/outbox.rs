//! What is to be told to whom, in the database.

use llm_core::Result;

use crate::limits::Crossing;
use crate::store::{Db, Row, query};

const PUT: &str = "INSERT INTO notifications (limit_id, bucket, percent, target, body, made_at, next_at, attempts) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (limit_id, bucket, percent, target) DO NOTHING";
const DUE: &str = "SELECT limit_id, bucket, percent, target, body, made_at, next_at, attempts FROM notifications \
    WHERE next_at <= $1 ORDER BY next_at LIMIT 100";
const NEXT: &str = "SELECT target, CAST(min(next_at) AS BIGINT) FROM notifications WHERE next_at IS NOT NULL \
    GROUP BY target";
/// Whoever changes the time from what it has seen is the one who tells.
const CLAIM: &str = "UPDATE notifications SET next_at = $6, attempts = attempts + 1 \
    WHERE limit_id = $1 AND bucket = $2 AND percent = $3 AND target = $4 AND next_at = $5";
const AGAIN: &str = "UPDATE notifications SET next_at = $5 \
    WHERE limit_id = $1 AND bucket = $2 AND percent = $3 AND target = $4";

/// How long whoever claimed a row has before another may, in milliseconds.
const LEASE: i64 = 60_000;
/// The first wait after a failure, in milliseconds; each further one is twice as long, up to an hour.
const FIRST_WAIT: i64 = 1_000;
const LONGEST_WAIT: i64 = 3_600_000;
/// After how long it is given up, in milliseconds.
const GIVE_UP: i64 = 3 * 86_400_000;

/// Something that is to be told now.
pub(super) struct Due {
    pub(super) limit: String,
    bucket: i64,
    percent: i64,
    pub(super) target: String,
    pub(super) body: String,
    made_at: i64,
    next_at: i64,
    attempts: i64,
}

/// Notes that a place is to be told of a crossing, unless it was before.
pub(super) async fn put(db: &Db, crossing: &Crossing, target: &str, body: &str, now: i64) -> Result<()> {
    query(PUT)
        .bind(crossing.limit.id.as_str())
        .bind(crossing.window)
        .bind(i64::from(crossing.percent))
        .bind(target)
        .bind(body)
        .bind(now)
        .bind(now)
        .execute(db)
        .await
        .map(drop)
}

/// What is to be told by now.
pub(super) async fn due(db: &Db, now: i64) -> Result<Vec<Due>> {
    let rows = query(DUE).bind(now).rows(db).await?;
    let due = |row: &Row| {
        Ok(Due {
            limit: row.get("limit_id")?,
            bucket: row.get("bucket")?,
            percent: row.get("percent")?,
            target: row.get("target")?,
            body: row.get("body")?,
            made_at: row.get("made_at")?,
            next_at: row.get("next_at")?,
            attempts: row.get("attempts")?,
        })
    };
    rows.iter().map(due).collect()
}

/// When one of these places is to be told next.
pub(super) async fn next(db: &Db, targets: &[&str]) -> Result<Option<i64>> {
    let rows: Vec<(String, i64)> = query(NEXT).all(db).await?;
    Ok(rows.into_iter().filter(|(target, _)| targets.contains(&target.as_str())).map(|(_, at)| at).min())
}

/// Whether this process is the one to tell it.
pub(super) async fn claim(db: &Db, due: &Due, now: i64) -> Result<bool> {
    let claim = query(CLAIM).bind(&due.limit).bind(due.bucket).bind(due.percent).bind(&due.target);
    Ok(claim.bind(due.next_at).bind(now.saturating_add(LEASE)).execute(db).await? > 0)
}

/// It was told.
pub(super) async fn told(db: &Db, due: &Due) -> Result<()> {
    at(db, due, None).await
}

/// It was not heard: it is told again, unless that has been tried for long. Says whether it is.
pub(super) async fn failed(db: &Db, due: &Due, now: i64) -> Result<bool> {
    let doubled = FIRST_WAIT.saturating_mul(1 << due.attempts.clamp(0, 20));
    let again = now.saturating_sub(due.made_at) < GIVE_UP;
    at(db, due, again.then_some(now.saturating_add(doubled.min(LONGEST_WAIT)))).await?;
    Ok(again)
}

async fn at(db: &Db, due: &Due, next: Option<i64>) -> Result<()> {
    let again = query(AGAIN).bind(&due.limit).bind(due.bucket).bind(due.percent).bind(&due.target).bind(next);
    again.execute(db).await.map(drop)
}
