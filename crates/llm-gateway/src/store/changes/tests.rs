use tempfile::TempDir;

use super::*;
use crate::store::query;
use crate::testing;

const CHANGE: &str = "INSERT INTO settings (name, value) VALUES ($1, 'x')";

#[tokio::test]
async fn who_hears_need_not_look() {
    let folder = TempDir::new().unwrap();
    let url = testing::postgres(&folder.path().join("a.db"));
    let (db, other) = (Db::open(&url).await.unwrap(), Db::open(&url).await.unwrap());
    let mut changes = Changes::of(db.clone());
    changes.next().await;
    assert!(changes.listener.is_some());
    for round in 0..3 {
        // So late that only what is heard can end the wait.
        changes.look = Instant::now() + Duration::from_secs(3_600);
        query(CHANGE).bind(format!("heard {round}")).execute(&other).await.unwrap();
        timeout(Duration::from_secs(60), changes.next()).await.unwrap();
    }
    // A connection that ends, as it does when the server is started again, is a reason to look, and is made anew.
    changes.look = Instant::now() + Duration::from_secs(3_600);
    query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
        .execute(&other)
        .await
        .unwrap();
    timeout(Duration::from_secs(60), changes.next()).await.unwrap();
    assert!(changes.listener.is_none());
    changes.again = Instant::now();
    changes.next().await;
    assert!(changes.listener.is_some());
}

#[tokio::test]
async fn who_can_not_hear_looks_often_enough() {
    let mut changes = Changes::of(Db::open("sqlite::memory:").await.unwrap());
    for _ in 0..2 {
        changes.next().await;
        assert!(changes.look <= Instant::now() + Duration::from_millis(499));
    }
}
