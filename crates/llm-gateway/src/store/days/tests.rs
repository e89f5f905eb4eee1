use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::journal::Sizes;
use crate::limits::Ledger;
use crate::record::CallRecord;
use crate::record::samples::{NEW_YEAR, open, outcome, time};
use crate::store::{Books, UsageFilter, UsageGroup, usage};
use crate::testing;

async fn start(folder: &TempDir, journal: &str) -> (Db, Books) {
    let db = Db::open(&testing::url(&folder.path().join("a.db"))).await.unwrap();
    let books =
        Books::open(&db, folder.path().join(journal), Sizes::default(), &Ledger::new(), NEW_YEAR).await.unwrap();
    (db, books)
}

fn call(books: &Books, at: i64, model: &str) {
    let mut record = CallRecord::new(open(NEW_YEAR + at), outcome(Vec::new()));
    record.model = model.into();
    books.journal.close(record).unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    query(sql).one::<(i64,)>(db).await.unwrap().0
}

/// The calls of each day.
async fn by_day(db: &Db) -> Vec<i64> {
    let rows = usage(db, &[UsageGroup::Day], &UsageFilter::default()).await.unwrap();
    rows.into_iter().map(|row| row.calls).collect()
}

const SUMMED: &str = "SELECT CAST(coalesce(sum(calls), 0) AS BIGINT) FROM usage_days";

#[tokio::test]
async fn a_day_is_summed_when_it_is_over_and_again_when_a_call_comes_late() {
    let folder = TempDir::new().unwrap();
    let (db, books) = start(&folder, "j").await;
    for hour in 0..36 {
        call(&books, hour * DAY / 24, "fast");
        call(&books, hour * DAY / 24 + 1, "slow");
    }
    books.shipper.flush().await.unwrap();
    for (now, summed) in [(DAY - 1, 0), (DAY, 48), (2 * DAY - 1, 48), (2 * DAY, 72)] {
        sum_days(&db, time(NEW_YEAR + now)).await.unwrap();
        assert_eq!((count(&db, SUMMED).await, by_day(&db).await), (summed, vec![48, 24]));
    }
    // A row for each model of a day.
    assert_eq!(count(&db, "SELECT count(*) FROM usage_days").await, 4);
    assert_eq!(count(&db, "SELECT count(*) FROM unsummed_days").await, 0);

    call(&books, 5, "fast");
    books.shipper.flush().await.unwrap();
    assert_eq!((count(&db, SUMMED).await, by_day(&db).await), (72, vec![49, 24]));
    for _ in 0..2 {
        sum_days(&db, time(NEW_YEAR + 2 * DAY)).await.unwrap();
        assert_eq!((count(&db, SUMMED).await, by_day(&db).await), (73, vec![49, 24]));
    }
}

#[tokio::test]
async fn what_is_taken_out_of_the_hours_is_taken_out_of_their_day() {
    let folder = TempDir::new().unwrap();
    let (db, books) = start(&folder, "j").await;
    call(&books, 0, "fast");
    call(&books, 1, "slow");
    books.shipper.flush().await.unwrap();
    sum_days(&db, time(NEW_YEAR + DAY)).await.unwrap();
    query("DELETE FROM usage_hours WHERE model = 'slow'").execute(&db).await.unwrap();
    assert_eq!(by_day(&db).await, [1]);
    sum_days(&db, time(NEW_YEAR + DAY)).await.unwrap();
    assert_eq!(by_day(&db).await, [1]);
}

#[tokio::test]
async fn days_are_summed_by_several_at_once_while_calls_come() {
    let folder = TempDir::new().unwrap();
    let one = start(&folder, "one").await;
    let other = start(&folder, "other").await;
    let now = time(NEW_YEAR + 3 * DAY);
    for round in 1..=20 {
        for hour in 0..72 {
            let (_, books) = if hour % 2 == 0 { &one } else { &other };
            call(books, hour * DAY / 24 + round, "fast");
        }
        let flushed = join_all([one.1.shipper.flush(), other.1.shipper.flush()]);
        let (flushed, ..) = tokio::join!(flushed, sum_days(&one.0, now), sum_days(&other.0, now));
        assert!(flushed.iter().all(Result::is_ok));
        assert_eq!(by_day(&one.0).await, [24 * round; 3]);
    }
    sum_days(&one.0, now).await.unwrap();
    assert_eq!((count(&one.0, SUMMED).await, by_day(&one.0).await), (72 * 20, vec![24 * 20; 3]));
}
