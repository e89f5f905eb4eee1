use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::journal::{Entry, Sizes};
use crate::limits::Ledger;
use crate::record::OpenRecord;
use crate::record::samples::{NEW_YEAR, open, outcome, time};
use crate::store::{Books, CallFilter, calls};

/// A process. Dropping it is as good as killing it: nothing is flushed or closed.
struct Process {
    db: Db,
    books: Books,
    objects: Objects,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let db = Db::open(&crate::testing::url(&folder.join("a.db"))).await.unwrap();
        let books =
            Books::open(&db, folder.join("a.journal"), Sizes::default(), &Ledger::new(), NEW_YEAR).await.unwrap();
        let objects = Objects::new(db.clone(), books.journal.clone());
        Self { db, books, objects }
    }

    fn admit(&self, millis: i64) -> Entry {
        self.books.journal.open(OpenRecord { ..open(millis) }).unwrap()
    }

    /// A call that came at `millis` and ended with these objects.
    fn call(&self, millis: i64, objects: Vec<Object>) {
        let outcome = crate::record::Outcome { objects, ..outcome(Vec::new()) };
        self.admit(millis).close(outcome).unwrap();
    }

    async fn flush(&self) {
        self.books.shipper.flush().await.unwrap();
    }

    /// Forgets what memory knows, as a process does that has just begun on a database that is up to date.
    async fn restarted(self, folder: &Path) -> Self {
        self.flush().await;
        self.killed(folder).await
    }

    async fn killed(self, folder: &Path) -> Self {
        let Self { db, books, objects } = self;
        books.journal.release();
        drop((objects, books));
        db.close().await;
        Self::start(folder).await
    }

    async fn ids(&self, key: &str, after: Option<&str>, limit: usize, order: Order) -> (Vec<String>, bool) {
        let page = self.objects.list(key, ObjectKind::Response, after, limit, order).await.unwrap();
        (page.data.iter().map(|object| object.id.to_string()).collect(), page.has_more)
    }
}

fn object(key: &str, id: &str, millis: i64) -> Object {
    Object {
        key: key.into(),
        id: id.into(),
        kind: ObjectKind::Response,
        team: Some("t".into()),
        provider: "openai".into(),
        deployment: "openai:gpt-4o".into(),
        account: None,
        native_id: None,
        made_at: time(NEW_YEAR + millis),
        gone_at: None,
        detail: serde_json::json!({"a,\"charges\":": [1, ",\"objects\":"]}),
    }
}

#[tokio::test]
async fn an_object_is_its_keys_alone_before_and_after_shipping_and_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path()).await;
    let made = object("k", "resp_1", 0);
    process.call(NEW_YEAR, vec![made.clone()]);
    for turn in 0..3 {
        let found = process.objects.find("k", "resp_1").await.unwrap().unwrap();
        assert_eq!(*found, made, "{turn}");
        for (key, id) in [("other", "resp_1"), ("k", "resp_2"), ("k", ""), ("k", &"x".repeat(2000))] {
            assert_eq!(process.objects.find(key, id).await.unwrap(), None, "{turn} {key} {id}");
        }
        let error =
            process.objects.owned("k", ObjectKind::File, "input_file_id", "resp_1").await.expect_err("another kind");
        assert_eq!((error.kind(), error.param()), (ErrorKind::NotFound, Some("input_file_id")));
        if turn == 0 {
            process.flush().await;
        } else {
            process = process.restarted(folder.path()).await;
        }
    }
}

#[tokio::test]
async fn what_a_killed_process_had_not_shipped_is_known_to_the_next() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    process.call(NEW_YEAR, vec![object("k", "whole", 0)]);
    let mut streaming = process.admit(NEW_YEAR + 1);
    streaming.made(vec![object("k", "streamed", 1)]).unwrap();
    assert!(process.objects.find("k", "streamed").await.unwrap().is_some(), "before the end of its call");
    // As if the process were killed: what is open is never closed.
    std::mem::forget(streaming);
    let process = process.killed(folder.path()).await;
    for id in ["whole", "streamed"] {
        assert!(process.objects.find("k", id).await.unwrap().is_some(), "{id}");
    }
    let process = process.restarted(folder.path()).await;
    for id in ["whole", "streamed"] {
        assert!(process.objects.find("k", id).await.unwrap().is_some(), "{id}");
    }
}

#[tokio::test]
async fn a_deleted_object_is_unknown_from_then_on() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    let made = object("k", "resp_1", 0);
    process.call(NEW_YEAR, vec![made.clone()]);
    process.call(NEW_YEAR + 1, vec![made.gone(time(NEW_YEAR + 1))]);
    assert_eq!(process.objects.find("k", "resp_1").await.unwrap(), None);
    let process = process.restarted(folder.path()).await;
    assert_eq!(process.objects.find("k", "resp_1").await.unwrap(), None);
    // A provider that counts gives the same id out again.
    let again = object("k", "resp_1", 2);
    process.call(NEW_YEAR + 2, vec![again.clone()]);
    let process = process.restarted(folder.path()).await;
    assert_eq!(process.objects.find("k", "resp_1").await.unwrap().as_deref(), Some(&again));
}

#[tokio::test]
async fn lists_show_ones_own_in_order_shipped_or_not() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    for (millis, id) in [(0, "a"), (1, "b"), (2, "c"), (2, "d")] {
        process.call(NEW_YEAR + millis, vec![object("k", id, millis)]);
    }
    process.call(NEW_YEAR + 3, vec![object("other", "x", 3)]);
    process.call(NEW_YEAR + 4, vec![Object { kind: ObjectKind::File, ..object("k", "file", 4) }]);
    let process = process.restarted(folder.path()).await;
    process.call(NEW_YEAR + 5, vec![object("k", "e", 5)]);
    process.call(NEW_YEAR + 6, vec![object("k", "b", 1).gone(time(NEW_YEAR + 6))]);
    for turn in 0..2 {
        let down = Order::Descending;
        assert_eq!(process.ids("k", None, 10, down).await, (["e", "d", "c", "a"].map(str::to_owned).to_vec(), false));
        assert_eq!(process.ids("k", None, 2, down).await, (["e", "d"].map(str::to_owned).to_vec(), true), "{turn}");
        assert_eq!(process.ids("k", Some("d"), 2, down).await, (["c", "a"].map(str::to_owned).to_vec(), false));
        assert_eq!(process.ids("k", Some("a"), 2, Order::Ascending).await.0, ["c", "d"]);
        assert_eq!(process.ids("nobody", None, 2, down).await, (Vec::new(), false));
        process.flush().await;
    }
    let error = process.objects.list("k", ObjectKind::Response, Some("x"), 2, Order::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn call_records_do_not_show_objects() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    process.call(NEW_YEAR, vec![object("k", "resp_1", 0)]);
    process.flush().await;
    let page = calls(&process.db, &CallFilter::default(), None, 10).await.unwrap();
    let json = serde_json::to_string(&page.data).unwrap();
    assert!(page.data.len() == 1 && !json.contains("resp_1"), "{json}");
}
