//! Streamed answers: what is ready together leaves together, and the call is settled before its last byte leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use llm_core::chat::CallInfo;
use llm_core::codec::Trailer;
use llm_core::operation::exactly;
use llm_core::{Error, ErrorKind, OperationKind, Result, Usage};
use llm_providers::framing;
use llm_providers::transport::{WireBody, WireResponse};
use tokio::time::{Instant, Sleep, timeout_at};

use super::account::{Account, End, Used};
use super::admit::Admitted;
use super::answer::trailer;
use super::asked::Asked;
use super::headers::{self, Departures};
use super::own;
use super::relay::Relay;
use super::send::{Begun, first_answer};
use super::spoken;
use super::surface::with_codec;
use crate::config::OnDisconnect;
use crate::record::CallStatus;
use crate::routing::Deployment;

/// The most bytes that leave in one piece.
const PIECE: usize = 64 * 1024;
/// How often a caller hears that a provider which has not yet said anything is still at it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long the closing mark of a stream that is over is awaited.
const LINGER: Duration = Duration::from_secs(1);
/// How long an answer is still read whose caller is gone, where that is the policy.
const DRAIN: Duration = Duration::from_secs(60);

/// Answers a call that streams.
pub(crate) async fn answer(admitted: Admitted, candidates: &[Arc<Deployment>]) -> Result<Response> {
    let Admitted { mut account, cap_output } = admitted;
    let asked = account.asked().clone();
    let begun = first_answer(&mut account, candidates, cap_output, |begun| begin(begun, asked.clone())).await;
    let opening = match begun {
        Ok(opening) => opening,
        Err(error) => {
            let status = error.status_for_caller().as_u16();
            let end = End { status: CallStatus::Error, http_status: Some(status), error: Some(&error) };
            account.settle(&end, Used::nothing()).await;
            return Err(error);
        }
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, opening.relay.content_type());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let (limits, attempts) = (account.rate_limits(), account.attempts());
    asked.surface.name_call(&account.id().to_string(), headers);
    headers::describe(&opening.deployment, attempts, &opening.departures, &limits, headers);
    *response.body_mut() = Body::new(StreamBody(Some(Streaming::new(opening, account))));
    Ok(response)
}

/// A stream whose first content has come, or whose provider is still thinking after `commit_after`.
struct Opening {
    deployment: Arc<Deployment>,
    relay: Relay,
    body: WireBody,
    /// What is ready for the caller.
    out: Vec<u8>,
    /// What came from the provider.
    pieces: Vec<Bytes>,
    /// How the provider's body ended, if it has.
    ended: Option<Result<()>>,
    departures: Departures,
}

/// Awaits the first content, so that an early failure can still fall back.
async fn begin(begun: Begun, asked: Arc<Asked>) -> Result<Opening> {
    let Begun { deployment, provider, sent, response, sight } = begun;
    let WireResponse { head, body } = response;
    let named = |error: Error| error.with_provider(&*deployment.provider_id);
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let framer = match sent.passthrough {
        // Bytes that pass must be framed as the caller's protocol frames them.
        Some(_) => framing::of_passing_stream(content_type),
        None => framing::of_stream(provider.row().protocol, content_type),
    };
    let Some(framer) = framer else {
        const MOST: usize = 1024 * 1024;
        let body = body.collect(MOST).await.map_err(named)?;
        return Err(named(with_codec!(asked.surface, codec => {
            spoken::not_a_stream(codec, &provider, &sent.encoded.context, &head, body)
        })));
    };
    let relay = with_codec!(asked.surface, codec => spoken::relay(codec, &provider, framer, content_type.unwrap_or_default(), &sent, &head))?;
    let mut opening = Opening {
        deployment: deployment.clone(),
        relay,
        body,
        out: Vec::new(),
        pieces: Vec::new(),
        ended: None,
        departures: Departures::of(sent.encoded),
    };
    let deadline = Instant::now() + asked.route.commit_after;
    while opening.relay.observed().content_chunks == 0 && opening.ended.is_none() {
        // Past the deadline the headers leave, and whatever fails from then on is an error inside the stream.
        let Ok(next) = timeout_at(deadline, opening.body.next()).await else { break };
        match next {
            Some(Ok(piece)) => {
                let pushed = opening.relay.push(&piece, &mut opening.out);
                sight.saw(opening.relay.observed());
                pushed.map_err(named)?;
                opening.pieces.push(piece);
            }
            Some(Err(error)) => return Err(named(error)),
            None => {
                opening.relay.end(&mut opening.out).map_err(named)?;
                opening.ended = Some(Ok(()));
            }
        }
        if let Some(message) = opening.relay.observed().error.clone()
            && opening.relay.observed().content_chunks == 0
        {
            return Err(named(Error::new(ErrorKind::ProviderError, message)));
        }
    }
    Ok(opening)
}

/// The body of a streamed answer. Dropped before its end, it was left by its caller.
struct StreamBody(Option<Streaming>);

/// A stream on its way.
struct Streaming {
    deployment: Arc<Deployment>,
    relay: Relay,
    body: Option<WireBody>,
    account: Option<Account>,
    out: Vec<u8>,
    ended: Option<Result<()>>,
    departures: Departures,
    /// Counts and settles, once the provider's body has ended.
    settling: Option<BoxFuture<'static, CallInfo>>,
    keep_alive: Option<Pin<Box<Sleep>>>,
    spoken: bool,
    done: bool,
    /// Model and usage, where the stream's chunks have no place for them.
    unsaid: (Option<String>, Option<Usage>),
    /// How much of what the provider stores is recorded.
    made: usize,
    /// Whether the caller's stream was ended already.
    finished: bool,
    /// Whether the body must break off, since it can't say that it is not whole.
    broken: bool,
}

impl Streaming {
    fn new(opening: Opening, mut account: Account) -> Self {
        for piece in &opening.pieces {
            account.keep(piece);
        }
        if opening.relay.observed().content_chunks > 0 {
            account.first_content();
        }
        let asked = account.asked();
        // Sound says neither.
        let unsaid = match asked.surface.kind() {
            OperationKind::Speak => (Some(opening.deployment.model.clone()), exactly(&asked.skim.units)),
            _ => (None, None),
        };
        let mut streaming = Self {
            deployment: opening.deployment,
            relay: opening.relay,
            body: Some(opening.body),
            account: Some(account),
            out: opening.out,
            ended: opening.ended,
            departures: opening.departures,
            settling: None,
            keep_alive: None,
            spoken: false,
            done: false,
            unsaid,
            made: 0,
            finished: false,
            broken: false,
        };
        streaming.note_made();
        streaming
    }

    /// Records the ids that the caller is about to see: with the call's end, where that is at hand.
    fn note_made(&mut self) {
        let observed = self.relay.observed();
        let Some(made) = observed.made.get(self.made..).filter(|made| !made.is_empty()) else { return };
        if let Some(account) = &mut self.account {
            match observed.complete {
                true => account.made(made),
                false => account.made_early(made, observed.pending),
            }
        }
        self.made = observed.made.len();
    }

    /// Takes in all that the provider has sent, until nothing is ready or the piece is full.
    fn read(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none() && self.out.len() < PIECE {
            let Some(body) = &mut self.body else { return };
            match body.poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => self.ended = Some(self.relay.end(&mut self.out)),
                Poll::Ready(Some(Err(error))) => self.ended = Some(Err(error)),
                Poll::Ready(Some(Ok(piece))) => {
                    if let Some(account) = &mut self.account {
                        account.keep(&piece);
                    }
                    if let Err(error) = self.relay.push(&piece, &mut self.out) {
                        self.ended = Some(Err(error));
                    }
                }
            }
        }
        self.note_made();
        if self.ended.is_none() && self.relay.observed().complete {
            // The caller's client may leave as soon as it has read the end, so the call is over now. What is left of
            // the body (no more than its closing mark) is read aside, so that the connection can be used again.
            self.ended = Some(Ok(()));
            if let Some(body) = self.body.take() {
                tokio::spawn(tokio::time::timeout(LINGER, body.collect(PIECE)));
            }
        }
        if self.ended.is_some() {
            self.body = None;
        }
    }

    /// Ends the account, in a future of its own where tokens must be counted.
    fn settle(&mut self) {
        let Some(mut account) = self.account.take() else { return };
        let observed = self.relay.observed().clone();
        let failed = match &self.ended {
            Some(Err(error)) => Some(error.clone()),
            _ => None,
        };
        // What broke off goes on elsewhere.
        if account.is_pending(&observed) {
            self.settling = Some(Box::pin(std::future::ready(account.park())));
            return;
        }
        let status = match &failed {
            Some(error) if error.kind() == ErrorKind::Cut => CallStatus::Cut,
            Some(_) => CallStatus::Error,
            None if observed.error.is_some() => CallStatus::Error,
            None => CallStatus::Ok,
        };
        if status == CallStatus::Ok && account.keeps_own() {
            // The call's record holds the response, and with that the end of the caller's stream.
            self.relay.finish(&Trailer::default(), &mut self.out);
            self.finished = true;
            if let Some(response) = own::ended_in(&self.out)
                && !account.keep_own(response)
            {
                self.out = own::unkept_in(&self.out);
            }
        }
        let counting = account.used(&observed);
        self.settling = Some(Box::pin(async move {
            let used = counting.await;
            account.settle(&End { status, http_status: Some(200), error: failed.as_ref() }, used).await
        }));
    }

    /// Writes what only the gateway says at the end.
    fn finish(&mut self, info: CallInfo) {
        self.done = true;
        match &self.ended {
            Some(Err(error)) => {
                let error = error.clone().with_provider(&*self.deployment.provider_id);
                self.broken = self.relay.breaks_off();
                self.relay.error(&error, &mut self.out);
            }
            _ if self.finished => {}
            _ => {
                let mut trailer = trailer(&self.deployment, info, std::mem::take(&mut self.departures));
                (trailer.model, trailer.usage) = std::mem::take(&mut self.unsaid);
                self.relay.finish(&trailer, &mut self.out);
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.done {
            return Poll::Ready(None);
        }
        self.read(cx);
        if self.ended.is_some() && self.settling.is_none() {
            self.settle();
        }
        if let Some(settling) = &mut self.settling {
            match settling.as_mut().poll(cx) {
                Poll::Ready(info) => self.finish(info),
                // The last bytes wait for the settlement.
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.out.is_empty() {
            return if self.done { Poll::Ready(None) } else { self.poll_keep_alive(cx) };
        }
        if !self.spoken
            && let Some(account) = &mut self.account
        {
            account.first_content();
        }
        self.spoken = true;
        self.keep_alive = None;
        Poll::Ready(Some(Bytes::from(std::mem::take(&mut self.out))))
    }

    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.spoken || self.relay.content_type().as_bytes() != b"text/event-stream" {
            return Poll::Pending;
        }
        let timer = self.keep_alive.get_or_insert_with(|| Box::pin(tokio::time::sleep(KEEP_ALIVE)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        timer.as_mut().reset(Instant::now() + KEEP_ALIVE);
        // The timer must be asked once more, so that it wakes this task again.
        cx.waker().wake_by_ref();
        Poll::Ready(Some(Bytes::from_static(b": keep-alive\n\n")))
    }
}

/// The error of a body that must not look whole and has no words to say so: the connection is broken off.
#[derive(Debug)]
struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the provider's answer broke off")
    }
}

impl std::error::Error for BrokenOff {}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        let Some(stream) = &mut self.0 else { return Poll::Ready(None) };
        match stream.poll(cx) {
            Poll::Ready(None) if std::mem::take(&mut stream.broken) => Poll::Ready(Some(Err(BrokenOff))),
            polled => polled.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            stream.left();
        }
    }
}

impl Streaming {
    /// The caller is gone, perhaps with the last byte: what is not settled yet is settled without it.
    fn left(mut self) {
        if self.done {
            return;
        }
        // A settlement that is under way goes on.
        if let Some(settling) = self.settling.take() {
            tokio::spawn(settling);
        }
        let Some(account) = &self.account else { return };
        let gateway = account.gateway().clone();
        if gateway.config.on_disconnect == Some(OnDisconnect::Drain) {
            account.held().release_concurrency();
            gateway.spawn(self.drain());
        } else {
            account.sight().saw(self.relay.observed());
        }
    }

    /// Reads the rest of the answer for nobody, so that the call is charged exactly.
    async fn drain(mut self) {
        let end = std::future::poll_fn(|cx| {
            self.out.clear();
            self.read(cx);
            if self.ended.is_some() {
                return Poll::Ready(());
            }
            // A piece that is full says nothing of whether more is ready.
            if self.out.len() >= PIECE {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        // What does not end in time is charged by what came.
        let _ = tokio::time::timeout(DRAIN, end).await;
        if let Some(account) = &self.account {
            account.sight().saw(self.relay.observed());
        }
    }
}
