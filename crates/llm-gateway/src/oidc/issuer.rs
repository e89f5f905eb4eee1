//! One issuer: its keys, and when they are read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::fetch::Fetch;
use super::invalid;
use super::key_set::{KeySet, PublicKey, Thumbprint};
use super::token::Token;
use crate::config::{IssuerConfig, SigningAlgorithm};

/// How often keys are read because a token names one that is not known: at most so many times in a row, and then once in
/// every `REST`. Who makes up names can't have an issuer flooded.
const IN_A_ROW: u32 = 4;
const REST: Duration = Duration::from_secs(10);
/// How soon keys that could not be read are read again; then after twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// An issuer, and the keys that it had when they were last read. While it can't be reached they stay good.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) config: IssuerConfig,
    keys: RwLock<Option<Arc<KeySet>>>,
    /// Held while keys are read, so that they are read once for all who wait.
    reading: tokio::sync::Mutex<()>,
    /// How often they were read, or could not be.
    attempts: AtomicU64,
    allowance: Mutex<Allowance>,
}

/// What is left of the readings that tokens may cause.
#[derive(Debug)]
struct Allowance {
    left: u32,
    since: Instant,
}

impl Issuer {
    /// One whose keys are not known yet.
    pub(super) fn new(config: IssuerConfig) -> Self {
        Self {
            config,
            keys: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            attempts: AtomicU64::new(0),
            allowance: Mutex::new(Allowance { left: IN_A_ROW, since: Instant::now() }),
        }
    }

    /// Reads the keys now and then, in the background, until the task is aborted.
    pub(super) fn keep_fresh(self: &Arc<Self>, fetch: &Arc<Fetch>) -> JoinHandle<()> {
        let (issuer, fetch) = (Arc::clone(self), Arc::clone(fetch));
        tokio::spawn(async move {
            let mut retry = FIRST_RETRY;
            loop {
                let wait = match issuer.read(&fetch).await {
                    Ok(()) => {
                        retry = FIRST_RETRY;
                        issuer.config.refresh.0
                    }
                    Err(error) => {
                        tracing::warn!(issuer = issuer.config.issuer, %error, source = ?std::error::Error::source(&error),
                            "the keys of an issuer can't be read; those that are known stay good");
                        let wait = retry.min(issuer.config.refresh.0);
                        retry = retry.saturating_mul(2);
                        wait
                    }
                };
                tokio::time::sleep(wait).await;
            }
        })
    }

    /// Whether it still has a key.
    pub(super) fn has(&self, key: &Thumbprint) -> bool {
        self.known().is_some_and(|keys| keys.has(key))
    }

    /// The key that has signed a token.
    pub(super) async fn verify(&self, fetch: &Fetch, token: &Token<'_>) -> Result<Thumbprint> {
        let algorithm = token.algorithm(&self.config)?;
        let keys = self.fitting(fetch, token, algorithm).await?;
        let signer = keys.iter().find(|key| key.has_signed(token, algorithm));
        signer.map(|key| key.thumbprint).ok_or_else(|| invalid("the signature of this token is not its issuer's"))
    }

    /// The keys that may have signed a token, which are read again where none is known.
    async fn fitting(
        &self,
        fetch: &Fetch,
        token: &Token<'_>,
        algorithm: SigningAlgorithm,
    ) -> Result<Vec<Arc<PublicKey>>> {
        let fitting = |keys: &KeySet| Some(keys.fitting(token, algorithm)).filter(|found| !found.is_empty());
        if let Some(found) = self.known().and_then(|keys| fitting(&keys)) {
            return Ok(found);
        }
        let asked = self.attempts.load(Ordering::Acquire);
        let reading = self.reading.lock().await;
        // Who waited for another's reading takes what that found, also where it found nothing.
        if self.attempts.load(Ordering::Acquire) == asked
            && self.may_read()
            && let Err(error) = self.read_alone(fetch).await
        {
            tracing::warn!(issuer = self.config.issuer, %error, "the keys of an issuer can't be read");
        }
        drop(reading);
        let Some(keys) = self.known() else {
            return Err(Error::new(ErrorKind::Connection, "the keys of this token's issuer can't be read now"));
        };
        fitting(&keys).ok_or_else(|| invalid("this token is signed with a key that its issuer does not have"))
    }

    /// Whether a token may have the keys read.
    fn may_read(&self) -> bool {
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while allowance.left < IN_A_ROW && now.duration_since(allowance.since) >= REST {
            allowance.left += 1;
            allowance.since += REST;
        }
        if allowance.left == IN_A_ROW {
            allowance.since = now;
        }
        let may = allowance.left > 0;
        allowance.left = allowance.left.saturating_sub(1);
        may
    }

    async fn read(&self, fetch: &Fetch) -> Result<()> {
        let _reading = self.reading.lock().await;
        self.read_alone(fetch).await
    }

    /// Reads the keys, in the place of those that were known. Only while `reading` is held.
    async fn read_alone(&self, fetch: &Fetch) -> Result<()> {
        let read = fetch.keys(&self.config).await;
        let done = read.map(|keys| {
            tracing::debug!(issuer = self.config.issuer, keys = keys.len(), "read the keys of an issuer");
            if keys.len() == 0 {
                tracing::warn!(issuer = self.config.issuer, "an issuer has no key that tokens may be signed with");
            }
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
        });
        self.attempts.fetch_add(1, Ordering::Release);
        done
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
