use tempfile::TempDir;

use super::*;
use crate::journal::Sizes;
use crate::limits::Ledger;
use crate::record::samples::{NEW_YEAR, open, outcome, time};
use crate::store::Books;
use crate::testing;

/// Ten calls, a second apart; every second one is of another key and was refused.
async fn ten_calls(folder: &TempDir) -> (Db, Books, Vec<CallId>) {
    let db = Db::open(&testing::url(&folder.path().join("a.db"))).await.unwrap();
    let books = Books::open(&db, folder.path().join("j"), Sizes::default(), &Ledger::new(), NEW_YEAR).await.unwrap();
    let mut ids = Vec::new();
    for call in 0..10 {
        let mut record = CallRecord::new(open(NEW_YEAR + call * 1_000), outcome(Vec::new()));
        if call % 2 == 1 {
            record.key = Some("other".into());
            record.status = CallStatus::Refused;
            record.tags = vec!["batch".into(), "it's".into()];
        }
        ids.push(record.id);
        books.journal.close(record).unwrap();
    }
    books.shipper.flush().await.unwrap();
    ids.reverse();
    (db, books, ids)
}

async fn all(db: &Db, filter: CallFilter) -> Vec<CallId> {
    calls(db, &filter, None, 500).await.unwrap().data.iter().map(|call| call.id).collect()
}

#[tokio::test]
async fn pages_are_newest_first_and_miss_nothing() {
    let folder = TempDir::new().unwrap();
    let (db, _books, ids) = ten_calls(&folder).await;
    for size in [1, 3, 5, 10, 11] {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = calls(&db, &CallFilter::default(), cursor.as_deref(), size).await.unwrap();
            assert!(page.data.len() <= size);
            seen.extend(page.data.iter().map(|call| call.id));
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, ids, "pages of {size}");
    }
    let error = calls(&db, &CallFilter::default(), Some("'; DROP TABLE calls"), 5).await.unwrap_err();
    assert_eq!(error.kind(), llm_core::ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn every_filter_filters() {
    let folder = TempDir::new().unwrap();
    let (db, _books, ids) = ten_calls(&folder).await;
    let odd: Vec<CallId> = ids.iter().copied().step_by(2).collect();
    let text = |text: &str| Some(text.to_owned());
    let none = CallFilter::default;
    assert_eq!(all(&db, CallFilter { key: text("other"), ..none() }).await, odd);
    assert_eq!(all(&db, CallFilter { status: Some(CallStatus::Refused), ..none() }).await, odd);
    assert_eq!(all(&db, CallFilter { tag: text("it's"), ..none() }).await, odd);
    assert_eq!(all(&db, CallFilter { team: text("t"), model: text("fast"), ..none() }).await, ids);
    assert_eq!(
        all(&db, CallFilter { provider: text("sandbox"), deployment: text("sandbox:echo"), ..none() }).await,
        ids
    );
    for nothing in [
        CallFilter { key: text("k' OR '1'='1"), ..none() },
        CallFilter { user: text("k"), ..none() },
        CallFilter { organization: text("k"), ..none() },
        CallFilter { end_user: text("k"), ..none() },
        CallFilter { model: text("%"), ..none() },
    ] {
        assert_eq!(all(&db, nothing.clone()).await, [], "{nothing:?}");
    }
    let from = CallFilter { from: Some(time(NEW_YEAR + 3_000)), to: Some(time(NEW_YEAR + 6_000)), ..none() };
    assert_eq!(all(&db, from).await, ids[4..7]);
}

#[tokio::test]
async fn one_call_is_found_by_its_id() {
    let folder = TempDir::new().unwrap();
    let (db, _books, ids) = ten_calls(&folder).await;
    assert_eq!(call(&db, ids[3]).await.unwrap().unwrap().id, ids[3]);
    assert_eq!(call(&db, CallId::new(time(NEW_YEAR))).await.unwrap(), None);
}
