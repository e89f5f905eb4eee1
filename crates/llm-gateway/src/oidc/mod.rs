//! Tokens of identity providers (OpenID Connect) in the place of keys.
//!
//! A token is taken apart (`token`), its claims are checked, and its signature by the keys of the one issuer that it
//! names (`issuer`, `key_set`). What it says of someone is said in the words of the configuration (`claims`), and from
//! there on it is a key that calls: see [`Keys::log_in`].
//!
//! A signature is expensive, so a token that was good is known by its SHA-256 until it runs out, or until the key that
//! signed it is one no longer. Nothing is asked of an issuer on a call's way, but where a token names a key that is not
//! known here.
//!
//! **Invariant:** whom a token lets in is decided by its issuer and subject together, and by nothing else that it says.

mod claims;
mod fetch;
mod issuer;
mod key_set;
mod login;
mod token;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::keys::{Identified, Keys, VirtualKey};
use fetch::Fetch;
use issuer::Issuer;
use key_set::Thumbprint;
pub(crate) use login::{Back, Login};
use token::Token;

/// The most tokens that are known; more are checked anew each time.
const MOST_KNOWN: u64 = 20_000;
/// After how long a token is checked anew, whatever it says itself.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// Every issuer of the configuration, and the tokens that were found to be good.
pub(crate) struct Issuers {
    all: Vec<Arc<Issuer>>,
    fetch: Arc<Fetch>,
    known: Cache<[u8; 32], Arc<Known>>,
    login: Option<Login>,
    refreshing: Vec<JoinHandle<()>>,
}

/// A token that was found to be good.
struct Known {
    who: Identified,
    issuer: Arc<Issuer>,
    /// The key that has signed it.
    key: Thumbprint,
    /// Until when it is good, in seconds since 1970.
    until: i64,
    /// The key that it stands for, as it was bound at an age of the index.
    bound: Mutex<Option<(u64, Arc<VirtualKey>)>>,
}

impl Issuers {
    /// The issuers of a configuration, and the login by one of them. Their keys are read from now on, in the background.
    pub(crate) fn start(config: &Config) -> Result<Self> {
        let fetch = Arc::new(Fetch::new()?);
        let all: Vec<Arc<Issuer>> = config.issuers.iter().map(|one| Arc::new(Issuer::new(one.clone()))).collect();
        let login = Login::new(config, &all, &fetch)?;
        let refreshing = all.iter().map(|issuer| issuer.keep_fresh(&fetch)).collect();
        let known = Cache::builder().max_capacity(MOST_KNOWN).time_to_live(KNOWN_FOR).build();
        Ok(Self { all, fetch, known, login, refreshing })
    }

    /// The login of people, if there is one.
    pub(crate) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Whether a text that is no key may be a token.
    pub(crate) fn take(&self, presented: &str) -> bool {
        !self.all.is_empty() && Token::is_like(presented)
    }

    /// The key that a token stands for, if it is good at `now`. Whether the key may call is for the caller to ask.
    pub(crate) async fn authenticate(&self, keys: &Keys, text: &str, now: Timestamp) -> Result<Arc<VirtualKey>> {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let known = self.known.get(&hash).filter(|known| known.is_good(now));
        let known = match known {
            Some(known) => known,
            None => {
                let known = Arc::new(self.verify(text, now).await?);
                self.known.insert(hash, Arc::clone(&known));
                known
            }
        };
        known.key(keys).await
    }

    /// Checks a token from end to end.
    async fn verify(&self, text: &str, now: Timestamp) -> Result<Known> {
        let token = Token::parse(text)?;
        let issuer = token.issuer()?;
        let found = self.all.iter().find(|known| known.config.issuer == issuer);
        let issuer = found.ok_or_else(|| invalid("the issuer of this token is not one that is known here"))?;
        let until = token.check(&issuer.config, &issuer.config.audience.0, now)?;
        let key = issuer.verify(&self.fetch, &token).await?;
        let who = claims::read(&issuer.config, &token.claims)?;
        Ok(Known { who, issuer: Arc::clone(issuer), key, until, bound: Mutex::default() })
    }
}

impl Drop for Issuers {
    fn drop(&mut self) {
        self.refreshing.iter().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for Issuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|issuer| &issuer.config.issuer)).finish()
    }
}

impl Known {
    /// Whether it still is: not run out, and signed with a key that still is one.
    fn is_good(&self, now: Timestamp) -> bool {
        now.as_second() < self.until && self.issuer.has(&self.key)
    }

    /// The key that it stands for, bound as everything is now.
    async fn key(&self, keys: &Keys) -> Result<Arc<VirtualKey>> {
        let age = keys.age();
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, key)) = bound.filter(|(of, _)| *of == age) {
            return Ok(key);
        }
        let key = keys.log_in(&self.who).await?;
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some((age, Arc::clone(&key)));
        Ok(key)
    }
}

/// The error of a token that is no good.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidApiKey, message)
}

#[cfg(test)]
mod tests;
