//! What reaches a provider and costs nothing there: files, and how batches are doing. It counts as one request under the
//! limits of its key, and is recorded like any call.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, header};
use llm_core::codec::RequestHead;
use llm_core::{Error, ErrorKind, NanoUsd, OperationKind, Protocol, Result};

use crate::Gateway;
use crate::call::{self, Arrival};
use crate::journal::Entry;
use crate::keys::VirtualKey;
use crate::limits::{Actual, Estimate, Reservation, Subject};
use crate::record::{CallRecord, CallStatus, Object, OpenRecord, Outcome};

/// A request of an authenticated key, read.
pub(crate) struct Visit {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) arrival: Arrival,
    pub(crate) key: Arc<VirtualKey>,
    pub(crate) protocol: Protocol,
    pub(crate) kind: OperationKind,
    /// Its name in call records.
    pub(crate) operation: &'static str,
    /// The application's own user, as a header names it.
    end_user: Option<Arc<str>>,
    /// The tags of key and request.
    tags: Vec<Arc<str>>,
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

/// Answers a request with what `work` makes of it. Whatever goes wrong is said in the caller's protocol.
pub(crate) async fn answer<F>(
    gateway: Arc<Gateway>,
    kind: OperationKind,
    protocol: Protocol,
    request: Request<Body>,
    work: impl FnOnce(Arc<Visit>) -> F,
) -> Response
where
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let arrival = Arrival::now();
    let (parts, body) = request.into_parts();
    let visit = enter(&gateway, kind, protocol, arrival, parts, body).await;
    carry_out(&gateway, protocol, arrival, visit, work).await
}

/// The same for a request that was read otherwise.
pub(crate) async fn carry_out<F>(
    gateway: &Arc<Gateway>,
    protocol: Protocol,
    arrival: Arrival,
    visit: Result<Visit>,
    work: impl FnOnce(Arc<Visit>) -> F,
) -> Response
where
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let done = match visit {
        Ok(visit) => {
            // What a provider is asked to keep is recorded also where the caller has gone meanwhile.
            let work = work(Arc::new(visit));
            let broken = |_| Error::new(ErrorKind::Internal, "the request could not be answered");
            gateway.spawn(work).await.map_err(broken).and_then(|done| done)
        }
        Err(error) => Err(error),
    };
    call::named(protocol, &arrival.id.to_string(), done)
}

async fn enter(
    gateway: &Arc<Gateway>,
    kind: OperationKind,
    protocol: Protocol,
    arrival: Arrival,
    parts: Parts,
    body: Body,
) -> Result<Visit> {
    let (key, body) = call::enter(gateway, &parts, body, arrival.at).await?;
    Visit::new(gateway, kind, protocol, arrival, key, parts, body)
}

impl Visit {
    /// A request of `key`, whose body was read.
    pub(crate) fn new(
        gateway: &Arc<Gateway>,
        kind: OperationKind,
        protocol: Protocol,
        arrival: Arrival,
        key: Arc<VirtualKey>,
        parts: Parts,
        body: Bytes,
    ) -> Result<Self> {
        let end_user = call::end_user(&parts.headers, None)?;
        let tags = call::tags(&parts.headers, &key.tags)?;
        let operation = kind.as_str();
        Ok(Self { gateway: gateway.clone(), arrival, key, protocol, kind, operation, end_user, tags, parts, body })
    }

    /// The same under another name in call records.
    pub(crate) fn named(self, operation: &'static str) -> Self {
        Self { operation, ..self }
    }

    /// The head as codecs read it.
    pub(crate) fn head(&self) -> RequestHead {
        let Parts { method, uri, headers, .. } = &self.parts;
        let (path, query) = (uri.path().to_owned(), uri.query().map(str::to_owned));
        RequestHead { method: method.clone(), path, query, headers: headers.clone() }
    }

    /// Begins what is asked: takes one request from the limits, and writes that down.
    pub(crate) async fn begin(&self, provider: Option<&str>, deployment: Option<&str>) -> Result<Errand> {
        let tags: Vec<&str> = self.tags.iter().map(|tag| &**tag).collect();
        let subject = Subject { end_user: self.end_user.as_deref(), tags: &tags, ..self.key.subject() };
        let nothing = Estimate { spend: Some(NanoUsd::ZERO), ..Estimate::default() };
        let now = self.gateway.now_ms();
        self.gateway.recall(now, &subject).await;
        let held = self.gateway.ledger.admit(now, &subject, &nothing).await;
        let reservation = held.map_err(|refusal| self.refused(Error::from(refusal)))?;
        let mut open = self.open_record(provider, deployment);
        open.charges = reservation.charges();
        let entry = match self.gateway.journal.begin(open) {
            Ok(entry) => entry,
            Err(error) => {
                reservation.cancel();
                return Err(error);
            }
        };
        if let Err(error) = entry.written().await {
            entry.forget();
            reservation.cancel();
            return Err(error);
        }
        Ok(Errand { entry, reservation, arrival: self.arrival })
    }

    fn open_record(&self, provider: Option<&str>, deployment: Option<&str>) -> OpenRecord {
        let subject = self.key.subject();
        OpenRecord {
            id: self.arrival.id,
            created_at: self.arrival.at,
            key: subject.key.into(),
            team: subject.team.map(Arc::from),
            user: subject.user.map(Arc::from),
            organization: subject.organization.map(Arc::from),
            end_user: self.end_user.clone(),
            tags: self.tags.clone(),
            operation: self.operation.into(),
            protocol: self.protocol,
            model: deployment.unwrap_or_default().into(),
            provider: provider.map(Arc::from),
            deployment: deployment.map(Arc::from),
            stream: false,
            reserved: Estimate { spend: Some(NanoUsd::ZERO), ..Estimate::default() },
            objects: Vec::new(),
            parked: false,
            attempts: Vec::new(),
            charges: Vec::new(),
        }
    }

    /// Records that a limit refused it, and gives the error back.
    pub(crate) fn refused(&self, error: Error) -> Error {
        let outcome = Outcome { status: CallStatus::Refused, ..outcome(&self.arrival, Some(&error)) };
        let record = CallRecord::new(self.open_record(None, None), outcome);
        if let Err(error) = self.gateway.journal.refused(record) {
            tracing::warn!(%error, "a refused call could not be recorded");
        }
        error
    }

    /// Something that `provider` now stores for the key.
    pub(crate) fn object(&self, kind: crate::record::ObjectKind, id: &str, at: &Keeper) -> Object {
        Object {
            key: self.key.id.as_str().into(),
            id: id.into(),
            kind,
            team: self.key.team.as_ref().map(|team| team.id.as_str().into()),
            provider: at.provider.clone(),
            deployment: at.deployment.clone(),
            account: at.account.clone(),
            native_id: None,
            made_at: self.arrival.at,
            gone_at: None,
            detail: serde_json::Value::Null,
        }
    }
}

/// Who keeps something.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    pub(crate) provider: Arc<str>,
    pub(crate) deployment: Arc<str>,
    pub(crate) account: Option<Arc<str>>,
}

impl Keeper {
    /// A deployment.
    pub(crate) fn of(deployment: &crate::routing::Deployment) -> Self {
        Self {
            provider: deployment.provider_id.clone(),
            deployment: deployment.id.clone(),
            account: deployment.account.clone(),
        }
    }
}

/// Something under way that costs nothing.
#[must_use = "one that is dropped is recorded as interrupted"]
pub(crate) struct Errand {
    entry: Entry,
    reservation: Reservation,
    arrival: Arrival,
}

impl Errand {
    /// It went well; `objects` are stored from now on, or no longer.
    pub(crate) async fn done(self, objects: Vec<Object>) -> Result<()> {
        self.end(None, objects).await
    }

    /// It went wrong. Gives the error back.
    pub(crate) async fn failed(self, error: Error) -> Error {
        match self.end(Some(&error), Vec::new()).await {
            Ok(()) => error,
            Err(error) => error,
        }
    }

    async fn end(self, error: Option<&Error>, objects: Vec<Object>) -> Result<()> {
        let free = Actual { spend: Some(NanoUsd::ZERO), ..Actual::default() };
        let charges = self.reservation.settle(&free).charges;
        let outcome = Outcome { objects, charges, ..outcome(&self.arrival, error) };
        match self.entry.end(outcome) {
            Some(written) => written.await,
            None => Ok(()),
        }
    }
}

fn outcome(arrival: &Arrival, error: Option<&Error>) -> Outcome {
    Outcome {
        status: if error.is_some() { CallStatus::Error } else { CallStatus::Ok },
        http_status: Some(error.map_or(200, |error| error.status_for_caller().as_u16())),
        error: error.map(|error| error.kind().as_str().into()),
        cost_usd: Some(NanoUsd::ZERO),
        latency_ms: u64::try_from(arrival.clock.elapsed().as_millis()).ok(),
        ..Outcome::default()
    }
}

/// An answer in JSON, as a codec wrote it.
pub(crate) fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The error for an operation that a caller's protocol has no form of.
pub(crate) fn unspoken(kind: OperationKind, protocol: Protocol) -> Error {
    Error::new(ErrorKind::NotImplemented, format!("`{protocol}` has no `{kind}`"))
}

#[cfg(test)]
mod tests;
