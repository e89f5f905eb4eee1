//! Requests that shall be done once, however often they are sent: `Idempotency-Key`.
//!
//! That a request is being done is written in the transaction of what it does, so neither is there without the other,
//! whoever else does the same at the same time on whichever replica. Its answer is written behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::store::{Db, Transaction, query};

/// How long a request is known.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 3600);

const FORGET: &str = "DELETE FROM idempotency WHERE name = $1 AND expires_at <= $2";
const TAKE: &str =
    "INSERT INTO idempotency (name, request, expires_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
const ANSWER: &str = "UPDATE idempotency SET status = $2, answer = $3 WHERE name = $1";
const FIND: &str = "SELECT request, status, answer FROM idempotency WHERE name = $1 AND expires_at > $2";

tokio::task_local! {
    static CLAIM: Arc<Claim>;
}

/// A request that shall be done once.
#[derive(Debug)]
pub(crate) struct Claim {
    name: String,
    request: String,
    state: AtomicU8,
}

/// Nothing was done for it yet.
const FREE: u8 = 0;
/// It is being done here.
const TAKEN: u8 = 1;
/// Someone else has done it.
const LOST: u8 = 2;

/// A request that was done before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// Whether it was this very request.
    pub(crate) is_same: bool,
    /// The status and the JSON of its answer, once it is there.
    pub(crate) answer: Option<(i64, String)>,
}

impl Claim {
    /// The claim of who asks on what `key` calls, for a request that is told from others by its parts.
    pub(crate) fn new(who: &str, key: &str, request: &[&[u8]]) -> Arc<Self> {
        let name = digest(&[who.as_bytes(), key.as_bytes()]);
        Arc::new(Self { name, request: digest(request), state: AtomicU8::new(FREE) })
    }

    /// Does work whose first change is done for this claim, or not at all.
    pub(crate) async fn holds<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        CLAIM.scope(Arc::clone(self), work).await
    }

    /// Whether someone else was first.
    pub(crate) fn is_lost(&self) -> bool {
        self.state.load(Ordering::Relaxed) == LOST
    }

    /// Whether something was done for it here.
    pub(crate) fn is_taken(&self) -> bool {
        self.state.load(Ordering::Relaxed) == TAKEN
    }

    /// What was done for it before, if anything.
    pub(crate) async fn done(&self, db: &Db) -> Result<Option<Done>> {
        let found = query(FIND).bind(&self.name).bind(Timestamp::now().as_millisecond());
        let found = found.optional::<(String, Option<i64>, Option<String>)>(db).await?;
        Ok(found.map(|(request, status, answer)| Done { is_same: request == self.request, answer: status.zip(answer) }))
    }

    /// Writes what was answered.
    pub(crate) async fn answered(&self, db: &Db, status: u16, answer: &str) -> Result<()> {
        query(ANSWER).bind(&self.name).bind(i64::from(status)).bind(answer).execute(db).await.map(drop)
    }
}

/// Takes the claim of the work under way, if there is one, in the transaction of its first change. The error of a claim
/// that someone else has taken reaches nobody: they are told what was answered then.
pub(crate) async fn take(tx: &mut Transaction) -> Result<()> {
    let Ok(claim) = CLAIM.try_with(Arc::clone) else { return Ok(()) };
    if claim.state.load(Ordering::Relaxed) != FREE {
        return Ok(());
    }
    let now = Timestamp::now().as_millisecond();
    query(FORGET).bind(&claim.name).bind(now).execute(&mut *tx).await?;
    let until = now.saturating_add(i64::try_from(KNOWN_FOR.as_millis()).unwrap_or(i64::MAX));
    let taken = query(TAKE).bind(&claim.name).bind(&claim.request).bind(until).execute(tx).await?;
    claim.state.store(if taken == 0 { LOST } else { TAKEN }, Ordering::Relaxed);
    if taken == 0 { Err(Error::new(ErrorKind::Conflict, "this was done already")) } else { Ok(()) }
}

/// A digest that tells where each part ends.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
