use std::path::Path;

use super::*;

#[tokio::test]
async fn makes_the_file_and_opens_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    for _ in 0..2 {
        let db = Db::open(&url).await.unwrap();
        let (mode,): (String,) = query("PRAGMA journal_mode").one(&db).await.unwrap();
        assert_eq!(mode, "wal");
        let (calls,): (i64,) = query("SELECT count(*) FROM calls").one(&db).await.unwrap();
        assert_eq!(calls, 0);
        db.close().await;
    }
}

#[tokio::test]
async fn another_engine_is_refused_by_name() {
    let error = Db::open("mysql://root:secret@somewhere/x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotImplemented);
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn the_journal_lies_beside_the_database() {
    assert_eq!(journal_folder("sqlite://llm-gateway.db"), Path::new("llm-gateway.journal"));
    assert_eq!(journal_folder("sqlite:///var/lib/gw/a.db?mode=rwc"), Path::new("/var/lib/gw/a.journal"));
    assert_eq!(journal_folder("sqlite::memory:"), Path::new("llm-gateway.journal"));
}
