//! Trying again: back-off with jitter, the provider's own word on when, and a deadline over all attempts.
//!
//! Only what fails before the head of an answer is tried again: once a byte of it is there, it is the answer. The
//! gateway has a way of its own, over deployments, and never comes here.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use futures_util::future::BoxFuture;
use llm_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

/// How often, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How many further attempts there may be.
    pub most: u32,
    /// The wait before the first of them; it doubles from one to the next.
    pub first_wait: Duration,
    /// The longest wait of our own. A provider may ask for a longer one.
    pub longest_wait: Duration,
}

impl Retries {
    /// None at all.
    pub const NONE: Self = Self { most: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };

    /// The wait after the attempt of that number, the first being 0. `chance` is between 0 and 1: callers that failed
    /// together don't come back together.
    fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(2u32.saturating_pow(attempt));
        doubled.min(self.longest_wait).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

impl Default for Retries {
    /// Two further attempts, about half a second and a second later.
    fn default() -> Self {
        Self { most: 2, first_wait: Duration::from_millis(500), longest_wait: Duration::from_secs(8) }
    }
}

/// What a retry needs of the world: the time, waiting, and chance.
pub(crate) trait Pace: Send + Sync + fmt::Debug {
    /// The time.
    fn now(&self) -> Instant;
    /// Waits.
    fn wait(&self, wait: Duration) -> BoxFuture<'_, ()>;
    /// A number between 0 and 1.
    fn chance(&self) -> f64;
}

/// The world as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World;

impl Pace for World {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wait(&self, wait: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(wait))
    }

    fn chance(&self) -> f64 {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u8(0);
        f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }
}

/// Makes attempts until one succeeds, fails for good, or there is no time for another. `attempt` is told how much time
/// is left. Of all errors the most telling one is given, with the number of attempts: a connection that failed at last says
/// less than what the provider answered before.
pub(crate) async fn retrying<T, F: Future<Output = Result<T>>>(
    retries: &Retries,
    pace: &dyn Pace,
    total: Duration,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<T> {
    let deadline = pace.now().checked_add(total);
    let mut made = 0;
    let mut told: Option<Error> = None;
    let most_telling = |told: Option<Error>, error: Error| match told.filter(|told| says(told) > says(&error)) {
        Some(told) => told,
        None => error,
    };
    loop {
        let left = deadline.map_or(total, |deadline| deadline.saturating_duration_since(pace.now()));
        let error = match attempt(left).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let wait = next_wait(retries, &error, made, pace);
        let error = most_telling(told.take(), error);
        let left = deadline.map_or(total, |deadline| deadline.saturating_duration_since(pace.now()));
        let Some(wait) = wait.filter(|wait| *wait < left) else { return Err(error.with_attempts(made + 1)) };
        told = Some(error);
        pace.wait(wait).await;
        made += 1;
    }
}

/// How much an error says of what is wrong: least that nobody could be reached.
fn says(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Connection => 0,
        ErrorKind::Timeout => 1,
        _ => 2,
    }
}

fn next_wait(retries: &Retries, error: &Error, made: u32, pace: &dyn Pace) -> Option<Duration> {
    if made >= retries.most || !error.is_retryable() {
        return None;
    }
    let own = retries.wait(made, pace.chance());
    Some(error.retry_after().map_or(own, |asked| asked.max(own)))
}

#[cfg(test)]
mod tests;
