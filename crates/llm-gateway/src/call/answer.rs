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
use llm_core::chat::ChatAnswer;
use llm_core::codec::{Observed, Trailer};
use llm_core::{Error, Result};

use super::account::{Account, End, Held, Used};
use super::admit::Admitted;
use super::headers;
use super::send::{Begun, first_answer};
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
    let whole = first_answer(&mut account, &candidates, cap_output, read_whole).await;
    let Whole { deployment, body, observed, answer, dropped } = match whole {
        Ok(whole) => whole,
        Err(error) => {
            let status = error.status_for_caller().as_u16();
            let end = End { status: CallStatus::Error, http_status: Some(status), error: Some(&error) };
            account.settle(&end, Used::nothing());
            return Err(error);
        }
    };
    account.keep(&body);
    account.first_content();
    let (limits, attempts, id) = (account.rate_limits(), account.attempts(), account.id());
    let asked = account.asked().clone();
    let used = account.used(&observed).await;
    let end = End { status: CallStatus::Ok, http_status: Some(200), error: None };
    let info = account.settle(&end, used);

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    asked.surface.name_call(&id.to_string(), headers);
    headers::describe(&deployment, attempts, &dropped, &limits, headers);
    headers::cost(&info, headers);
    let body = match answer {
        None => body,
        Some(mut answer) => {
            answer.call = Some(info);
            answer.dropped_params = dropped;
            asked.surface.codec().encode_answer(&asked.answer_context(), &answer)?
        }
    };
    *response.body_mut() = Body::from(body);
    Ok(response)
}

/// An answer that is all there.
struct Whole {
    deployment: Arc<Deployment>,
    body: Bytes,
    observed: Observed,
    /// Set where it must be translated.
    answer: Option<ChatAnswer>,
    dropped: Vec<String>,
}

async fn read_whole(begun: Begun) -> Result<Whole> {
    let Begun { deployment, provider, encoded, response, passthrough, .. } = begun;
    let named = |error: Error| error.with_provider(&*deployment.provider_id);
    let body = response.body.collect(MAX_ANSWER).await.map_err(named)?;
    let (observed, answer) = match passthrough {
        Some(passthrough) => (passthrough.observe(&body), None),
        None => {
            let codec = provider.chat_codec()?;
            let mut answer = codec.decode_answer(&encoded.context, &response.head, &body).map_err(named)?;
            answer.provider = deployment.provider_id.to_string();
            let usage = answer.usage.clone();
            let service_tier = answer.service_tier.clone();
            (Observed { usage, service_tier, complete: true, ..Observed::default() }, Some(answer))
        }
    };
    if passthrough.is_some() && !observed.complete {
        let error = Error::bad_answer("the provider answered with something that is not an answer of its protocol");
        return Err(named(error.with_body(body)));
    }
    Ok(Whole { deployment, body, observed, answer, dropped: encoded.dropped })
}

/// What the native protocol says at the end of a stream.
pub(super) fn trailer(deployment: &Deployment, info: llm_core::chat::CallInfo, dropped: Vec<String>) -> Trailer {
    Trailer { provider: Some(deployment.provider_id.to_string()), call: Some(info), dropped_params: dropped }
}
