use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use tempfile::TempDir;

use super::{Retention, tidy};
use crate::journal::Sizes;
use crate::limits::Ledger;
use crate::record::samples::{NEW_YEAR, open, outcome, time};
use crate::record::{CallId, CallRecord};
use crate::store::{Books, CallFilter, Db, UsageFilter, calls, query, usage};
use crate::testing;

const DAY: i64 = 24 * 3_600_000;

/// A call at noon of each of 200 days.
async fn two_hundred_days(folder: &TempDir, url: &str) -> (Db, Vec<CallId>) {
    let db = Db::open(url).await.unwrap();
    let books = Books::open(&db, folder.path().join("j"), Sizes::default(), &Ledger::new(), NEW_YEAR).await.unwrap();
    let mut ids = Vec::new();
    for day in 0..200 {
        let record = CallRecord::new(open(NEW_YEAR + day * DAY + DAY / 2), outcome(Vec::new()));
        ids.push(record.id);
        books.journal.close(record).unwrap();
    }
    books.shipper.flush().await.unwrap();
    (db, ids)
}

async fn kept(db: &Db) -> Vec<CallId> {
    let mut ids: Vec<_> =
        calls(db, &CallFilter::default(), None, 500).await.unwrap().data.iter().map(|call| call.id).collect();
    ids.reverse();
    ids
}

async fn partitions(db: &Db) -> Vec<String> {
    let sql = "SELECT CAST(inhrelid::regclass AS TEXT) FROM pg_inherits \
               WHERE inhparent = 'calls'::regclass ORDER BY 1";
    query(sql).all::<(String,)>(db).await.unwrap().into_iter().map(|(name,)| name).collect()
}

#[tokio::test]
async fn calls_go_when_they_are_old_and_their_sums_stay() {
    let folder = TempDir::new().unwrap();
    let (db, ids) = two_hundred_days(&folder, &testing::url(&folder.path().join("a.db"))).await;
    let now = time(NEW_YEAR + 200 * DAY);
    tidy(&db, Retention::default(), now).await.unwrap();
    assert_eq!(kept(&db).await, ids);
    tidy(&db, Retention { calls: Some(Duration::from_secs(90 * 86_400)), ..Retention::default() }, now).await.unwrap();
    assert_eq!(kept(&db).await, ids[110..]);
    let sums = usage(&db, &[], &UsageFilter::default()).await.unwrap();
    assert_eq!(sums[0].calls, 200);
    tidy(&db, Retention { calls: Some(Duration::ZERO), ..Retention::default() }, now).await.unwrap();
    assert_eq!(kept(&db).await, []);
}

#[tokio::test]
async fn months_are_partitions_that_are_there_before_they_are_needed() {
    let folder = TempDir::new().unwrap();
    let (db, _) = two_hundred_days(&folder, &testing::postgres(&folder.path().join("a.db"))).await;
    tidy(&db, Retention::default(), Timestamp::now()).await.unwrap();
    let ready: Vec<String> = (0..3)
        .map(|ahead| Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month() + ahead.months())
        .map(|month| format!("calls_{:04}_{:02}", month.year(), month.month()))
        .collect();
    // Those of the true clock, and those of the calls.
    let needed: Vec<String> = (1..=7).map(|month| format!("calls_2100_{month:02}")).collect();
    assert_eq!(partitions(&db).await, [ready.clone(), needed].concat());
    let now = time(NEW_YEAR + 200 * DAY);
    tidy(&db, Retention { calls: Some(Duration::from_secs(90 * 86_400)), ..Retention::default() }, now).await.unwrap();
    let left: Vec<String> = (4..=9).map(|month| format!("calls_2100_{month:02}")).collect();
    assert_eq!(partitions(&db).await, left);
}

#[tokio::test]
async fn gateways_make_the_same_partitions_at_once() {
    let folder = TempDir::new().unwrap();
    let db = Db::open(&testing::postgres(&folder.path().join("a.db"))).await.unwrap();
    let all = (0..6).map(|_| tidy(&db, Retention::default(), time(NEW_YEAR)));
    for done in futures_util::future::join_all(all).await {
        done.unwrap();
    }
    assert_eq!(partitions(&db).await, ["calls_2100_01", "calls_2100_02", "calls_2100_03"]);
}

#[tokio::test]
async fn own_responses_go_when_they_are_old_and_what_providers_store_stays() {
    let folder = TempDir::new().unwrap();
    let db = Db::open(&testing::url(&folder.path().join("a.db"))).await.unwrap();
    let insert = "INSERT INTO objects (key, id, kind, provider, deployment, made_at, detail)
        VALUES ($1, $2, $3, 'p', 'p:m', $4, 'null')";
    for (id, kind, day) in
        [("resp_1", "own_response", 1), ("msg_1", "own_item", 1), ("resp_2", "own_response", 3), ("file_1", "file", 1)]
    {
        query(insert).bind("k").bind(id).bind(kind).bind(NEW_YEAR + day * DAY).execute(&db).await.unwrap();
    }
    let left = async || {
        let rows = query("SELECT id FROM objects ORDER BY id").all::<(String,)>(&db).await.unwrap();
        rows.into_iter().map(|(id,)| id).collect::<Vec<_>>()
    };
    tidy(&db, Retention::default(), time(NEW_YEAR + 9 * DAY)).await.unwrap();
    assert_eq!(left().await.len(), 4);
    let retention = Retention { responses: Some(Duration::from_secs(86_400)), ..Retention::default() };
    tidy(&db, retention, time(NEW_YEAR + 3 * DAY)).await.unwrap();
    assert_eq!(left().await, ["file_1", "resp_2"]);
}
