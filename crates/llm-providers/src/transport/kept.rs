//! A proof of who we are that is asked for once and kept until shortly before it runs out.

use std::time::Duration;

use llm_core::Result;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long before its end a proof is no longer used, so that none runs out on its way.
pub(super) const MARGIN: Duration = Duration::from_secs(60);

/// What is kept, and until when it holds; no time where it never runs out.
#[derive(Debug)]
pub(super) struct Kept<T>(Mutex<Option<(T, Option<Instant>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    /// What is kept, or else what `fetch` gives. Calls that need a new one at the same time wait for one and the same.
    pub(super) async fn get(&self, fetch: impl Future<Output = Result<(T, Option<Instant>)>>) -> Result<T> {
        let mut kept = self.0.lock().await;
        if let Some((proof, until)) = kept.as_ref()
            && until.is_none_or(|until| Instant::now() + MARGIN < until)
        {
            return Ok(proof.clone());
        }
        let (proof, until) = fetch.await?;
        *kept = Some((proof.clone(), until));
        Ok(proof)
    }
}
