use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::journal::Sizes;
use crate::limits::{Bucket, Charge, Limit, LimitId, Scope, ScopeKind};
use crate::record::OpenRecord;
use crate::record::samples::{NEW_YEAR, open};
use crate::store::query;
use crate::testing;

const COUNT: &str = "INSERT INTO counters (limit_id, bucket, until, amount, journal) VALUES ($1, $2, $3, $4, $5)";

/// A limit on each end user, and what counts for one of them.
fn each() -> Limit {
    let id = LimitId::new("limit_each");
    Limit { id, scope: Scope::new(ScopeKind::EndUser, "*"), spec: "spend=1/total".parse().unwrap() }
}

fn part(user: &str) -> LimitId {
    LimitId::new(format!("limit_each/{user}"))
}

/// What each process begins with.
async fn start(folder: &Path) -> (Db, Ledger, Books) {
    let db = Db::open(&testing::url(&folder.join("a.db"))).await.unwrap();
    let ledger = Ledger::new();
    ledger.put(each()).unwrap();
    let books = Books::open(&db, folder.join("a.journal"), Sizes::default(), &ledger, NEW_YEAR).await.unwrap();
    (db, ledger, books)
}

/// A call of a batch that holds 100 of what counts for an end user.
fn line(user: &str) -> OpenRecord {
    let bucket = Bucket { start: 0, until: i64::MAX };
    OpenRecord { charges: vec![Charge { limit: part(user), bucket, amount: 100 }], ..open(NEW_YEAR) }
}

/// Writes an open batch with two calls of each user, and that each has used 7 before.
async fn write(db: &Db, books: &Books, users: &[String]) {
    let saved = Saved { id: "b".to_owned(), key: "k".to_owned(), object: None, prices: Prices::new() };
    let lines: Vec<(String, OpenRecord)> =
        users.iter().chain(users).enumerate().map(|(place, user)| (place.to_string(), line(user))).collect();
    let journal = books.journal.id();
    rows::add(db, journal, &saved, lines.iter().map(|(id, open)| (id.as_str(), open))).await.unwrap();
    rows::made(db, "b", "batch_1").await.unwrap();
    for user in users {
        let limit = part(user);
        let row = query(COUNT).bind(limit.as_str()).bind(0_i64).bind(i64::MAX).bind(7_i64).bind(journal);
        row.execute(db).await.unwrap();
    }
}

/// What is used and reserved of the part of an end user.
fn counted(ledger: &Ledger, user: &str) -> (i64, i64) {
    let status = ledger.statuses(NEW_YEAR, &Scope::new(ScopeKind::EndUser, user)).pop().unwrap();
    (status.used, status.reserved)
}

#[tokio::test]
async fn what_end_users_have_used_is_brought_back_before_a_batch_holds_more_of_it() {
    let folder = TempDir::new().unwrap();
    let users: Vec<String> = (0..1_500).map(|user| format!("u{user}")).collect();
    let (db, ledger, books) = start(folder.path()).await;
    write(&db, &books, &users).await;
    let batches = OpenBatches::recover(&db, &books, &ledger, NEW_YEAR).await.unwrap();
    assert_eq!(batches.all().len(), 1);
    for user in &users {
        assert_eq!(counted(&ledger, user), (7, 200), "{user}");
    }
}

#[tokio::test]
async fn what_can_not_be_brought_back_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let (db, ledger, books) = start(folder.path()).await;
    write(&db, &books, &["u".to_owned()]).await;
    query("ALTER TABLE counters RENAME TO counters_away").execute(&db).await.unwrap();
    assert!(OpenBatches::recover(&db, &books, &ledger, NEW_YEAR).await.is_err());
    query("ALTER TABLE counters_away RENAME TO counters").execute(&db).await.unwrap();
    let _held = OpenBatches::recover(&db, &books, &ledger, NEW_YEAR).await.unwrap();
    assert_eq!(counted(&ledger, "u"), (7, 200));
}
