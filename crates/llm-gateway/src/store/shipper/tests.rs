use std::path::Path;
use std::time::Duration;

use llm_core::{ErrorKind, NanoUsd};
use tempfile::TempDir;

use crate::journal::{Entry, Journal, Sizes};
use crate::limits::{Ledger, Limit, Reservation, Scope, Subject};
use crate::record::samples::{NEW_YEAR, actual, open, outcome, time};
use crate::record::{CallId, CallRecord, CallStatus};
use crate::store::{Books, CallFilter, Db, Read, call, calls, query};
use crate::testing;

/// A process with a database, a ledger and a journal in one folder. Dropping it is as good as killing it: nothing is
/// flushed or closed.
struct Process {
    db: Db,
    ledger: Ledger,
    books: Books,
}

const LIMITS: [&str; 7] = [
    "spend=1/month",
    "spend=1/total",
    "requests=1000000/minute",
    "tokens=1000000/hour",
    "output_tokens=1000000/24h",
    "spend=1/day",
    "spend=1/week",
];

fn limits() -> impl Iterator<Item = Limit> {
    LIMITS.iter().map(|text| Limit::derived(Scope::key("k"), text.parse().unwrap()))
}

impl Process {
    async fn start(folder: &Path, now: i64) -> Self {
        Self::try_start(folder, now).await.unwrap()
    }

    async fn try_start(folder: &Path, now: i64) -> llm_core::Result<Self> {
        let db = Db::open(&testing::url(&folder.join("a.db"))).await?;
        let ledger = Ledger::new();
        for limit in limits() {
            ledger.put(limit).unwrap();
        }
        let books = Books::open(&db, folder.join("a.journal"), Sizes::default(), &ledger, now).await?;
        Ok(Self { db, ledger, books })
    }

    fn journal(&self) -> &Journal {
        &self.books.journal
    }

    fn admit(&self, now: i64) -> (CallId, Reservation, Entry) {
        let mut record = open(now);
        let subject = Subject { key: "k", ..Subject::default() };
        let reservation = self.ledger.reserve(now, &subject, &record.reserved).unwrap();
        record.charges = reservation.charges();
        (record.id, reservation, self.journal().open(record).unwrap())
    }

    fn call(&self, now: i64) -> CallId {
        let (id, reservation, entry) = self.admit(now);
        entry.close(outcome(reservation.settle(&actual()).charges)).unwrap();
        id
    }

    fn used(&self, now: i64) -> Vec<(i64, i64)> {
        let status = |limit: Limit| self.ledger.status(now, &limit.id).unwrap();
        limits().map(status).map(|status| (status.used, status.reserved)).collect()
    }

    /// The one value that a statement asks for.
    async fn value<T>(&self, sql: &'static str) -> T
    where
        (T,): Read,
    {
        let (value,): (T,) = query(sql).one(&self.db).await.unwrap();
        value
    }

    async fn calls(&self) -> Vec<CallRecord> {
        calls(&self.db, &CallFilter::default(), None, 500).await.unwrap().data
    }
}

/// What `count` calls of the sample have used of [`LIMITS`].
fn used_by(count: i64) -> Vec<(i64, i64)> {
    [50, 50, 1, 15, 8, 50, 50].iter().map(|each| (each * count, 0)).collect()
}

#[tokio::test]
async fn a_call_is_moved_with_its_counters() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    let id = process.call(NEW_YEAR);
    process.books.shipper.flush().await.unwrap();
    let record = call(&process.db, id).await.unwrap().unwrap();
    assert_eq!(record.created_at, time(NEW_YEAR));
    assert_eq!(record.cost_usd, Some(NanoUsd(50)));
    assert!(record.charges.is_empty());
    insta::assert_json_snapshot!(record, { ".id" => "[id]" });
    let counters: Vec<(String, i64)> =
        query("SELECT limit_id, amount FROM counters ORDER BY 1").all(&process.db).await.unwrap();
    insta::assert_debug_snapshot!(counters);
}

#[tokio::test]
async fn restart_keeps_what_every_window_has_counted() {
    let folder = TempDir::new().unwrap();
    for round in 0..3 {
        let process = Process::start(folder.path(), NEW_YEAR).await;
        assert_eq!(process.used(NEW_YEAR), used_by(round), "round {round}");
        process.call(NEW_YEAR);
        if round != 1 {
            process.books.shipper.flush().await.unwrap();
        }
    }
    let process = Process::start(folder.path(), NEW_YEAR + 1).await;
    assert_eq!(process.used(NEW_YEAR), used_by(3));
    process.books.shipper.flush().await.unwrap();
    assert_eq!(process.calls().await.len(), 3);
}

#[tokio::test]
async fn a_call_that_was_open_is_charged_its_reservation_once() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    let (id, reservation, entry) = process.admit(NEW_YEAR);
    process.call(NEW_YEAR);
    process.books.shipper.flush().await.unwrap();
    // A killed process runs no destructors.
    std::mem::forget((reservation, entry));
    kill(process);
    for _ in 0..3 {
        let process = Process::start(folder.path(), NEW_YEAR).await;
        let expected: Vec<(i64, i64)> = [150, 150, 2, 45, 28, 150, 150].into_iter().map(|used| (used, 0)).collect();
        assert_eq!(process.used(NEW_YEAR), expected);
        process.books.shipper.flush().await.unwrap();
        let calls = process.calls().await;
        assert_eq!(calls.len(), 2);
        let record = calls.iter().find(|call| call.id == id).unwrap();
        assert_eq!(record.status, CallStatus::Interrupted);
        assert_eq!((record.cost_usd, record.estimated), (Some(NanoUsd(100)), true));
        assert_eq!((record.usage.input_tokens(), record.usage.output_tokens()), (10, 20));
    }
}

/// Ends a process as `kill -9` does, but for the lock, which the kernel would release.
fn kill(process: Process) {
    process.books.journal.release();
    drop(process);
}

#[tokio::test]
async fn a_dropped_call_is_recorded_as_interrupted() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    let (id, reservation, entry) = process.admit(NEW_YEAR);
    drop((reservation, entry));
    process.books.shipper.flush().await.unwrap();
    let record = call(&process.db, id).await.unwrap().unwrap();
    assert_eq!(record.status, CallStatus::Interrupted);
    let amount = process.value::<i64>("SELECT amount FROM counters WHERE limit_id = 'key:k:spend/month'").await;
    assert_eq!(amount, 100);
    assert_eq!(process.used(NEW_YEAR)[0], (100, 0));
}

#[tokio::test]
async fn two_processes_do_not_share_a_journal() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(folder.path(), NEW_YEAR).await;
    let error = Process::try_start(folder.path(), NEW_YEAR).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::JournalUnavailable);
    assert!(error.message().contains("another process"), "{error}");
    let Process { db, books: Books { shipper, journal, .. }, .. } = first;
    drop(journal);
    // Ended, and not only told to: the shipper holds the journal until it is.
    shipper.stop(Duration::from_secs(10)).await;
    drop(db);
    Process::start(folder.path(), NEW_YEAR).await;
}

#[tokio::test]
async fn what_could_not_be_written_still_reaches_the_database_once() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    let (id, reservation, entry) = process.admit(NEW_YEAR);
    process.journal().break_file();
    let charges = reservation.settle(&actual()).charges;
    let error = entry.close(outcome(charges)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JournalUnavailable);
    assert!(!process.journal().is_available());
    let error = process.journal().open(open(NEW_YEAR)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::JournalUnavailable);
    process.books.shipper.flush().await.unwrap();
    assert_eq!(call(&process.db, id).await.unwrap().unwrap().status, CallStatus::Ok);
    kill(process);
    // The journal knows only that the call was open, the database how it ended.
    let process = Process::start(folder.path(), NEW_YEAR).await;
    assert_eq!(process.used(NEW_YEAR), used_by(1));
    process.books.shipper.flush().await.unwrap();
    let calls = process.calls().await;
    assert_eq!((calls.len(), calls[0].status), (1, CallStatus::Ok));
}

#[tokio::test]
async fn shipping_again_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    for _ in 0..100 {
        process.call(NEW_YEAR);
    }
    process.books.shipper.flush().await.unwrap();
    // The database forgets how far the journal was shipped, as an older copy of it would.
    query("DELETE FROM journals").execute(&process.db).await.unwrap();
    drop(process);
    let process = Process::start(folder.path(), NEW_YEAR).await;
    assert_eq!(process.books.unshipped, 100);
    process.books.shipper.flush().await.unwrap();
    assert_eq!(process.calls().await.len(), 100);
    assert_eq!(process.value::<i64>("SELECT CAST(sum(calls) AS BIGINT) FROM usage_hours").await, 100);
    let amount = process.value::<i64>("SELECT amount FROM counters WHERE limit_id = 'key:k:spend/month'").await;
    assert_eq!(amount, 5_000);
}

#[tokio::test]
async fn a_database_that_is_away_costs_callers_nothing_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    query("ALTER TABLE calls RENAME TO calls_away").execute(&process.db).await.unwrap();
    // More than is kept in memory, so the rest is read from the file again.
    for _ in 0..10_000 {
        process.call(NEW_YEAR);
    }
    query("ALTER TABLE calls_away RENAME TO calls").execute(&process.db).await.unwrap();
    process.books.shipper.flush().await.unwrap();
    assert_eq!(process.value::<i64>("SELECT count(*) FROM calls").await, 10_000);
    assert_eq!(process.calls().await.len(), 500);
}

/// Has more calls end than are kept in memory, the last one on a full disk. Nothing is awaited, so none is moved.
fn fill(process: &Process) {
    for _ in 0..8_300 {
        process.call(NEW_YEAR);
    }
    let (_, reservation, entry) = process.admit(NEW_YEAR);
    process.journal().fill_disk(true);
    assert!(entry.close(outcome(reservation.settle(&actual()).charges)).is_err());
}

/// Waits until all of them are in the database. Whoever asks is not told so before the disk is as `mended` leaves it.
async fn moved(process: &Process, mended: impl FnOnce(&Journal)) {
    let flushed = process.books.shipper.flush();
    tokio::pin!(flushed);
    tokio::select! {
        _ = &mut flushed => panic!("the journal could not be read to its end"),
        () = async { while process.value::<i64>("SELECT count(*) FROM calls").await < 8_301 {} } => {}
    }
    mended(process.journal());
    process.journal().fill_disk(false);
    process.journal().keep_on_disk_once();
    flushed.await.unwrap();
}

#[tokio::test]
async fn a_full_disk_makes_no_backlog_forgotten_and_nobody_is_told_that_it_was_moved() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    fill(&process);
    moved(&process, |_| ()).await;
    process.call(NEW_YEAR);
    process.books.shipper.flush().await.unwrap();
    assert_eq!(process.value::<i64>("SELECT count(*) FROM calls").await, 8_302);
    let amount = process.value::<i64>("SELECT amount FROM counters WHERE limit_id = 'key:k:spend/month'").await;
    assert_eq!(amount, 50 * 8_302);
}

#[tokio::test]
async fn who_waits_for_a_full_disk_does_not_wait_for_one_that_breaks() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    fill(&process);
    moved(&process, Journal::break_file).await;
    assert!(!process.journal().is_available());
    assert_eq!(process.value::<i64>("SELECT count(*) FROM calls").await, 8_301);
}

#[tokio::test]
async fn nothing_that_callers_say_keeps_calls_out_of_the_database() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), NEW_YEAR).await;
    for text in ["\0", "\u{FFFF}\u{10FFFF}", &"ä\0'\"\\".repeat(1_000)] {
        let mut record = CallRecord::new(open(NEW_YEAR), outcome(Vec::new()));
        record.model = text.into();
        record.end_user = Some(text.into());
        record.tags = (0..100).map(|tag| format!("{text}{tag}").into()).collect();
        process.journal().close(record.clone()).unwrap();
        process.books.shipper.flush().await.unwrap();
        assert_eq!(call(&process.db, record.id).await.unwrap(), Some(record));
    }
    assert_eq!(process.value::<i64>("SELECT CAST(sum(calls) AS BIGINT) FROM usage_hours").await, 3);
}
