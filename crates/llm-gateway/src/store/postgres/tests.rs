use tempfile::TempDir;

use super::*;
use crate::testing;

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for_a_little_and_named_without_its_password() {
    let begin = Instant::now();
    let error = open_within("postgres://me:hunter2@127.0.0.1:1/gateway", SHORT).await.unwrap_err();
    assert!(begin.elapsed() >= SHORT / 2, "{:?}", begin.elapsed());
    assert_eq!(error.message(), "the database `gateway` at `127.0.0.1:1` can't be opened");
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn what_will_not_change_by_waiting_is_an_error_at_once() {
    let folder = TempDir::new().unwrap();
    let url = testing::postgres(&folder.path().join("a.db"));
    let begin = Instant::now();
    for wrong in [format!("{url}_that_is_not_there"), "postgres://[".to_owned()] {
        open(&wrong).await.unwrap_err();
    }
    assert!(begin.elapsed() < START_PATIENCE, "{:?}", begin.elapsed());
}
