use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use llm_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::{Pace, Retries, retrying};

/// A clock that only waiting moves, and no chance.
#[derive(Debug)]
struct Still {
    start: Instant,
    waited: Mutex<Vec<Duration>>,
}

impl Still {
    fn new() -> Self {
        Self { start: Instant::now(), waited: Mutex::default() }
    }

    fn waited(&self) -> Vec<Duration> {
        self.waited.lock().expect("not poisoned").clone()
    }
}

impl Pace for Still {
    fn now(&self) -> Instant {
        self.start + self.waited().iter().sum()
    }

    fn wait(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.waited.lock().expect("not poisoned").push(wait);
        Box::pin(std::future::ready(()))
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

fn busy() -> Error {
    Error::new(ErrorKind::Overloaded, "busy")
}

/// How many attempts were made, whether the last succeeded, and the waits between them.
async fn run(total: u64, errors: Vec<Error>) -> (usize, bool, Vec<Duration>) {
    let pace = Still::new();
    let (mut made, mut errors) = (0, errors.into_iter());
    let result = retrying(&Retries::default(), &pace, Duration::from_secs(total), |_| {
        made += 1;
        std::future::ready(errors.next().map_or(Ok(()), Err))
    })
    .await;
    let succeeded = result.is_ok();
    (made, succeeded, pace.waited())
}

#[tokio::test]
async fn waits_double_and_end() {
    let waits = [Duration::from_millis(500), Duration::from_secs(1)];
    assert_eq!(run(60, vec![busy(), busy()]).await, (3, true, waits.to_vec()));
    assert_eq!(run(60, vec![busy(), busy(), busy()]).await, (3, false, waits.to_vec()));
}

#[tokio::test]
async fn what_stays_wrong_is_not_tried_again() {
    for kind in [ErrorKind::InvalidRequest, ErrorKind::QuotaExceeded, ErrorKind::ProviderAuth, ErrorKind::Cut] {
        assert_eq!(run(60, vec![Error::new(kind, "no")]).await, (1, false, Vec::new()), "{kind}");
    }
}

#[tokio::test]
async fn the_provider_says_when() {
    let asked = Duration::from_secs(7);
    assert_eq!(run(60, vec![busy().with_retry_after(asked)]).await, (2, true, vec![asked]));
    // Not sooner than our own wait, and not at all where it would be too late.
    let soon = busy().with_retry_after(Duration::from_millis(1));
    assert_eq!(run(60, vec![soon]).await, (2, true, vec![Duration::from_millis(500)]));
    assert_eq!(run(5, vec![busy().with_retry_after(asked)]).await, (1, false, Vec::new()));
}

#[tokio::test]
async fn attempts_are_told_how_much_time_is_left() {
    let pace = Still::new();
    let mut left = Vec::new();
    let result = retrying(&Retries::default(), &pace, Duration::from_secs(2), |time| {
        left.push(time);
        std::future::ready(Err::<(), _>(busy()))
    })
    .await;
    assert!(result.is_err());
    assert_eq!(left, [2000, 1500, 500].map(Duration::from_millis));
}

#[test]
fn chance_halves_a_wait_at_most() {
    let retries = Retries::default();
    assert_eq!(retries.wait(0, 0.0), Duration::from_millis(250));
    assert_eq!(retries.wait(0, 1.0), Duration::from_millis(500));
    assert_eq!(retries.wait(40, 1.0), retries.longest_wait);
}

#[tokio::test]
async fn the_most_telling_error_is_told_with_the_attempts() {
    let refused = || Error::new(ErrorKind::Connection, "refused");
    let last = async |errors: Vec<Error>| {
        let mut errors = errors.into_iter();
        let (retries, pace) = (Retries::default(), Still::new());
        let attempt = |_| std::future::ready(errors.next().map_or(Ok(()), Err));
        let tried = retrying(&retries, &pace, Duration::from_secs(60), attempt).await;
        tried.expect_err("every attempt fails")
    };
    let error = last(vec![busy(), refused(), refused()]).await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Overloaded, 3));
    assert_eq!(error.to_string(), "busy (3 attempts)");
    let error = last(vec![refused(), busy(), Error::new(ErrorKind::RateLimited, "slowly")]).await;
    assert_eq!((error.message(), error.attempts()), ("slowly", 3), "the later of two that say as much");
    let error = last(vec![refused(), Error::new(ErrorKind::InvalidRequest, "no")]).await;
    assert_eq!((error.message(), error.attempts()), ("no", 2));
    let error = last(vec![Error::new(ErrorKind::InvalidRequest, "no")]).await;
    assert_eq!(error.to_string(), "no", "one attempt is nothing to tell");
}
