//! Telling people that a share of a limit is used up (`notify_at`), off every call's way.
//!
//! The ledger notes what is crossed; this task takes it from there, writes it into the database, and tells every place of
//! the configuration until it has heard. What was noted is told once in each window, whichever process notices it, and a
//! restart forgets nothing: what an earlier process could not note any more is found by looking at the counters.

mod message;
mod outbox;

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use llm_core::{Error, ErrorKind, Result};
use llm_providers::Timeouts;
use llm_providers::transport::{HttpTransport, WireRequest};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::{WebhookConfig, WebhookForm};
use crate::keys::Keys;
use crate::limits::{Crossing, Ledger};
use crate::store::Db;

/// How often the ledger is asked.
const EVERY: Duration = Duration::from_millis(250);
/// How often the database is asked for what other processes have left.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long a place may take to hear.
const PATIENCE: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(10),
    idle: Duration::from_secs(10),
    total: Duration::from_secs(15),
};

/// The task that tells. Dropping it stops the task; what was not told is told by the next process.
#[derive(Debug)]
pub(crate) struct Notifier(JoinHandle<()>);

impl Notifier {
    /// Begins to tell `webhooks` what `ledger` notes.
    pub(crate) fn start(db: Db, ledger: Ledger, keys: &Arc<Keys>, webhooks: &[WebhookConfig]) -> Result<Self> {
        let http = HttpTransport::new(&PATIENCE)?;
        let places = webhooks.iter().filter_map(Place::new).collect();
        let work = Work { db, ledger, keys: Arc::downgrade(keys), places, http };
        Ok(Self(tokio::spawn(work.run())))
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A place that is told.
struct Place {
    /// What it is known by in the database.
    target: String,
    url: url::Url,
    form: WebhookForm,
}

impl Place {
    fn new(config: &WebhookConfig) -> Option<Self> {
        let digest = Sha256::digest(config.url.expose().as_bytes());
        let target = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { target, url: config.url()?, form: config.form() })
    }
}

struct Work {
    db: Db,
    ledger: Ledger,
    keys: Weak<Keys>,
    places: Vec<Place>,
    http: HttpTransport,
}

impl Work {
    async fn run(self) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What could not be written yet is kept until it can.
        let mut noted: Vec<Crossing> = Vec::new();
        let mut look_at = now();
        loop {
            ticks.tick().await;
            if self.db.is_closed() {
                return;
            }
            let crossed = self.ledger.crossed(now());
            for Crossing { limit, percent, .. } in &crossed {
                tracing::warn!(limit = %limit.id, percent, "a limit is used up to a share at which to notify");
            }
            if self.places.is_empty() {
                continue;
            }
            noted.extend(crossed);
            if !noted.is_empty() {
                match self.note(&noted).await {
                    Ok(()) => {
                        noted.clear();
                        look_at = now();
                    }
                    Err(error) => tracing::warn!(?error, "a crossed limit can't be written down yet"),
                }
            }
            if look_at <= now() {
                look_at = match self.tell_all().await {
                    Ok(next) => next.unwrap_or(i64::MAX).min(now() + millis(LOOK_EVERY)),
                    Err(error) => {
                        tracing::warn!(?error, "who is to be told of crossed limits can't be read yet");
                        now() + millis(Duration::from_secs(1))
                    }
                };
            }
        }
    }

    /// Writes down who is to be told of what.
    async fn note(&self, crossed: &[Crossing]) -> Result<()> {
        let Some(keys) = self.keys.upgrade() else { return Ok(()) };
        for crossing in crossed {
            for place in &self.places {
                let body = message::body(crossing, &keys, place.form, now());
                outbox::put(&self.db, crossing, &place.target, &body, now()).await?;
            }
        }
        Ok(())
    }

    /// Tells everything that is due, and says when the next is.
    async fn tell_all(&self) -> Result<Option<i64>> {
        for due in outbox::due(&self.db, now()).await? {
            // A place that left the configuration is told nothing any more.
            let Some(place) = self.places.iter().find(|place| place.target == due.target) else { continue };
            if !outbox::claim(&self.db, &due, now()).await? {
                continue;
            }
            match self.tell(place, due.body.clone()).await {
                Ok(()) => outbox::told(&self.db, &due).await?,
                Err(error) => {
                    let again = outbox::failed(&self.db, &due, now()).await?;
                    tracing::warn!(limit = %due.limit, %error, again, "a webhook did not hear of a crossed limit");
                }
            }
        }
        let targets: Vec<&str> = self.places.iter().map(|place| place.target.as_str()).collect();
        outbox::next(&self.db, &targets).await
    }

    async fn tell(&self, place: &Place, body: String) -> Result<()> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let request = WireRequest { method: Method::POST, url: place.url.clone(), headers, body: Bytes::from(body) };
        let answer = self.http.send(request, &PATIENCE).await?;
        if answer.head.status.is_success() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ProviderError, format!("it answered with status {}", answer.head.status.as_u16())))
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
