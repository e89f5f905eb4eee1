//! Whole answers: read to the end, metered and settled before the caller sees the last byte.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use llm_core::chat::CallInfo;
use llm_core::codec::{AnswerContext, Observed, Trailer};
use llm_core::{Error, OperationKind, Result};

use super::account::{Account, End, Held, Used};
use super::admit::Admitted;
use super::asked::Asked;
use super::headers::{self, Departures};
use super::own;
use super::send::{Begun, first_answer};
use super::spoken::{self, Said, Sent};
use super::surface::with_codec;
use crate::Gateway;
use crate::config::OnDisconnect;
use crate::record::CallStatus;
use crate::routing::Deployment;

/// The largest answer that is read whole.
const MAX_ANSWER: usize = 256 * 1024 * 1024;
/// How long an answer is still read whose caller is gone.
const DRAIN: Duration = Duration::from_secs(60);

/// Answers a call that does not stream. Its work is a future of its own, so that it can outlive a caller who hangs up
/// and still be charged exactly.
pub(crate) async fn answer(admitted: Admitted, candidates: Vec<Arc<Deployment>>) -> Result<Response> {
    let Admitted { account, cap_output } = admitted;
    let gateway = account.gateway().clone();
    let held = account.held();
    let work = Box::pin(complete(account, candidates, cap_output));
    Waiting { work: Some(work), held, gateway }.await
}

/// A caller that waits for the end of its call. Dropped early, it leaves the work to finish by itself, or ends it.
struct Waiting {
    work: Option<BoxFuture<'static, Result<Response>>>,
    held: Held,
    gateway: Arc<Gateway>,
}

impl Future for Waiting {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let answer = ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(answer)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        self.held.release_concurrency();
        if self.gateway.config.on_disconnect != Some(OnDisconnect::Cancel) {
            self.gateway.spawn(tokio::time::timeout(DRAIN, work));
        }
    }
}

async fn complete(mut account: Account, candidates: Vec<Arc<Deployment>>, cap_output: Option<u64>) -> Result<Response> {
    let asked = account.asked().clone();
    let whole = first_answer(&mut account, &candidates, cap_output, |begun| read_whole(begun, asked.clone())).await;
    let Whole { deployment, mut body, content_type, observed, mut answer, cx, mut departures } = match whole {
        Ok(whole) => whole,
        Err(error) => {
            let status = error.status_for_caller().as_u16();
            let end = End { status: CallStatus::Error, http_status: Some(status), error: Some(&error) };
            account.settle(&end, Used::nothing()).await;
            return Err(error);
        }
    };
    account.keep(&body);
    account.first_content();
    account.made(&observed.made);
    if let Some(kept) = &asked.kept {
        kept.done(&mut account, &deployment, &body);
    }
    let mut written = None;
    if account.keeps_own() {
        // What the call's end brings has no place in an answer of the one protocol that keeps responses.
        written = answer.take().map(|answer| answer.write(&cx, CallInfo::default(), departures.dropped.clone()));
        let seen = match &mut written {
            Some(Ok((written, _))) => Some(written),
            Some(Err(_)) => None,
            None => Some(&mut body),
        };
        if let Some(seen) = seen
            && let Ok(response) = serde_json::from_slice(seen)
            && !account.keep_own(response)
        {
            if let Some(unkept) = own::unkept(seen) {
                *seen = unkept;
            }
            departures.leave_out("store");
        }
    }
    let (limits, attempts, id) = (account.rate_limits(), account.attempts(), account.id());
    let used = account.used(&observed).await;
    let end = End { status: CallStatus::Ok, http_status: Some(200), error: None };
    let info = match account.is_pending(&observed) {
        true => account.park(),
        false => account.settle(&end, used).await,
    };

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    asked.surface.name_call(&id.to_string(), headers);
    headers::describe(&deployment, attempts, &departures, &limits, headers);
    headers::cost(&info, headers);
    let written = written.or_else(|| answer.map(|answer| answer.write(&cx, info, departures.dropped)));
    let body = match written.transpose()? {
        None => body,
        Some((body, content_type)) => {
            if let Ok(content_type) = HeaderValue::from_str(&content_type) {
                response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            }
            body
        }
    };
    *response.body_mut() = Body::from(body);
    Ok(response)
}

/// An answer that is all there.
struct Whole {
    deployment: Arc<Deployment>,
    body: Bytes,
    /// Of a body that passes.
    content_type: HeaderValue,
    observed: Observed,
    /// Set where it must be translated.
    answer: Option<Box<dyn Said>>,
    /// What it must be written with then.
    cx: AnswerContext,
    departures: Departures,
}

async fn read_whole(begun: Begun, asked: Arc<Asked>) -> Result<Whole> {
    let Begun { deployment, provider, sent, response, .. } = begun;
    let Sent { encoded, passthrough, answer: cx, .. } = sent;
    let named = |error: Error| error.with_provider(&*deployment.provider_id);
    let head = response.head;
    let body = response.body.collect(MAX_ANSWER).await.map_err(named)?;
    let (observed, answer) = match passthrough {
        Some(passthrough) => (passthrough.observe(&body), None),
        None => {
            let decoded = with_codec!(asked.surface, codec => {
                spoken::decode(codec, &asked, &deployment, &provider, &encoded.context, &head, &body)
            });
            decoded.map(|(observed, answer)| (observed, Some(answer))).map_err(named)?
        }
    };
    if passthrough.is_some() && !observed.complete && asked.kept.is_none() {
        let error = Error::bad_answer("the provider answered with something that is not an answer of its protocol");
        return Err(named(error.with_body(body)));
    }
    // A chat is JSON, whatever else a host calls it; other answers may be plain text.
    let json = HeaderValue::from_static("application/json");
    let theirs = head.headers.get(header::CONTENT_TYPE).filter(|_| asked.surface.kind() != OperationKind::Chat);
    let content_type = theirs.cloned().unwrap_or(json);
    let departures = Departures::of(encoded);
    Ok(Whole { deployment, body, content_type, observed, answer, cx, departures })
}

/// What the native protocol says at the end of a stream.
pub(super) fn trailer(deployment: &Deployment, info: CallInfo, departures: Departures) -> Trailer {
    let Departures { dropped, emulated } = departures;
    let provider = Some(deployment.provider_id.to_string());
    Trailer { provider, call: Some(info), dropped_params: dropped, emulated_params: emulated, ..Trailer::default() }
}
