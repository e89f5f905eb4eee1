//! The gateway as a library type: keys, limits, routes, journal and store in one place, with or without a server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::batches::{self, OpenBatches};
use crate::call::Parked;
use crate::config::Config;
use crate::journal::{Journal, Sizes};
use crate::keys::{Keys, VirtualKey};
use crate::limits::shared::{Server, Shared};
use crate::limits::{Ledger, Subject};
use crate::notify::Notifier;
use crate::oidc::Issuers;
use crate::routing::Routes;
use crate::store::{Books, Db, Housekeeping, Objects, Retention, recall};

/// How long the counters that replicas share may take, when the gateway starts and when it is closed.
const JOIN_PATIENCE: Duration = Duration::from_secs(2);

/// Everything that a call needs. One per process, shared by handle.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) routes: Routes,
    pub(crate) keys: Arc<Keys>,
    /// Whose tokens are taken in the place of keys.
    pub(crate) issuers: Issuers,
    pub(crate) ledger: Ledger,
    pub(crate) journal: Journal,
    pub(crate) books: Books,
    pub(crate) objects: Objects,
    pub(crate) batches: OpenBatches,
    /// Calls whose answers are made behind their callers' backs.
    pub(crate) parked: Parked,
    pub(crate) db: Db,
    /// The largest body of a request, in bytes.
    pub(crate) max_body: usize,
    tasks: TaskTracker,
    /// What keeps its limits together with those of other replicas; taken when it is closed.
    shared: Mutex<Option<Shared>>,
    _housekeeping: Housekeeping,
    _notifier: Notifier,
}

/// How often the counters of idle end users and tags leave the memory.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

impl Gateway {
    /// Opens the database, recovers the journal and reads keys and limits. Nothing listens yet.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        let routes = Routes::build(&config)?;
        Self::over(routes, config).await
    }

    /// The same over routes that were built from `config`.
    pub(crate) async fn over(routes: Routes, config: Config) -> Result<Arc<Self>> {
        let issuers = Issuers::start(&config)?;
        let db = Db::open(config.database.url()).await?;
        let ledger = Ledger::new();
        if config.redis.is_some() {
            ledger.keep_each();
        }
        let keys = Keys::open(db.clone(), ledger.clone(), &config.limits).await?;
        let keys = Arc::new(keys.pricing(routes.overrides().clone()));
        let sizes = Sizes::within(config.journal.max_size.0);
        let mut books = Books::open(&db, config.journal_folder(), sizes, &ledger, now_ms()).await?;
        let parked = std::mem::take(&mut books.parked);
        let unforced = |error| {
            Error::new(ErrorKind::JournalUnavailable, "the journal can't be kept on the disk").with_source(error)
        };
        books.journal.keep_on_disk(config.journal.sync.0).map_err(unforced)?;
        keys.watch();
        let open_batches = OpenBatches::recover(&db, &books, &ledger, now_ms()).await?;
        // The others are told of all that is held, so it comes behind what was recovered.
        let shared = match config.shared() {
            Some(server) => Some(share(server, &config, &ledger, &keys, &books.journal).await?),
            None => None,
        };
        let housekeeping = Housekeeping::start(db.clone(), retention(&config));
        let notifier = Notifier::start(db.clone(), ledger.clone(), &keys, &config.webhooks)?;
        let gateway = Arc::new(Self {
            max_body: usize::try_from(config.max_body.0).unwrap_or(usize::MAX),
            journal: books.journal.clone(),
            objects: Objects::new(db.clone(), books.journal.clone()),
            batches: open_batches,
            config,
            routes,
            keys,
            issuers,
            ledger,
            books,
            db,
            parked: Parked::default(),
            tasks: TaskTracker::new(),
            shared: Mutex::new(shared),
            _housekeeping: housekeeping,
            _notifier: notifier,
        });
        batches::watch(&gateway);
        crate::call::resume(&gateway, parked);
        gateway.sweep_now_and_then();
        Ok(gateway)
    }

    /// Lets the counters of idle end users and tags leave the memory, each time that all they have counted is in the
    /// database.
    fn sweep_now_and_then(self: &Arc<Self>) {
        let gateway = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SWEEP_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(gateway) = gateway.upgrade() else { return };
                if gateway.ledger.has_each() {
                    gateway.sweep(SWEEP_EVERY).await;
                }
            }
        });
    }

    /// Brings the counters of a call's end user and tags into memory, before anything is reserved for it.
    pub(crate) async fn recall(&self, now: i64, subject: &Subject<'_>) {
        let absent = self.ledger.absent(now, subject);
        if !absent.is_empty() {
            recall(&self.db, self.journal.id(), &self.ledger, now, absent).await;
        }
    }

    /// Ships what has ended and lets the counters of idle end users and tags leave the memory, unless the database takes
    /// longer than `patience`.
    pub async fn sweep(&self, patience: Duration) {
        if let Ok(Ok(())) = tokio::time::timeout(patience, self.flush()).await {
            self.ledger.sweep(now_ms());
        }
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The keys, teams and limits.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The key that a request presents by its secret, or by a token of an identity provider that stands for one, if it
    /// may call at `now`.
    pub(crate) async fn authenticate(&self, presented: &str, now: Timestamp) -> Result<Arc<VirtualKey>> {
        match self.keys.authenticate(presented, now) {
            Err(error) if error.kind() == ErrorKind::InvalidApiKey && self.issuers.take(presented) => {
                let key = self.issuers.authenticate(&self.keys, presented, now).await?;
                key.check(now)?;
                Ok(key)
            }
            found => found,
        }
    }

    /// Names, deployments and providers.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The limits and what they have counted.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What providers store, and for whom.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        now_ms()
    }

    /// Whether calls are taken.
    pub fn is_ready(&self) -> bool {
        self.journal.is_available()
    }

    /// Waits until everything that has ended is in the database.
    pub async fn flush(&self) -> Result<()> {
        self.books.shipper.flush().await
    }

    /// Waits for calls that go on without their caller, ships what has ended, and closes the database; at most
    /// `patience`. What could not be shipped stands in the journal and is read at the next start.
    pub async fn close(&self, patience: Duration) -> Result<()> {
        self.tasks.close();
        self.batches.stop();
        let end = async {
            self.tasks.wait().await;
            self.flush().await
        };
        let ended = tokio::time::timeout(patience, end).await;
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shared) = shared {
            shared.stop(JOIN_PATIENCE).await;
        }
        self.db.close().await;
        ended.unwrap_or_else(|_| {
            let message = "some calls did not finish, or could not be shipped, before the end";
            Err(Error::new(ErrorKind::Timeout, message)
                .with_hint("the journal has them; they are settled at the next start"))
        })
    }

    /// Runs work that may outlive its caller, and that [`close`](Self::close) waits for.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tasks.spawn(work)
    }
}

/// For how long things are kept in the database.
fn retention(config: &Config) -> Retention {
    let calls = config.calls.retention.map(|period| period.0);
    Retention { calls, responses: Some(config.responses.expire_after.0) }
}

/// Shares the limits with other replicas. Where their server can't be reached the gateway starts nevertheless.
async fn share(
    server: Server<'_>,
    config: &Config,
    ledger: &Ledger,
    keys: &Arc<Keys>,
    journal: &Journal,
) -> Result<Shared> {
    let shared = Shared::start(server, config.redis_deadline.0, ledger, keys, journal.id()).await?;
    if !shared.together(JOIN_PATIENCE).await {
        tracing::warn!("limits are not shared yet; this replica spends its part of what is left");
    }
    Ok(shared)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
