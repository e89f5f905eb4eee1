//! HTTP by reqwest: one pool of connections per provider, for life.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use llm_core::codec::ResponseHead;
use llm_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};

use super::{Timeouts, WireBody, WireRequest, WireResponse};

/// A pool of connections to one provider.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// An empty pool. Redirects are not followed: a credential goes nowhere but to the configured place.
    pub fn new(timeouts: &Timeouts) -> Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            // What is tried again, and when, is for the caller of this transport to say.
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .user_agent(concat!("llm-providers/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(ErrorKind::Internal, "no HTTP client could be made").with_source(error))?;
        Ok(Self { client })
    }

    /// Sends a request and waits for the head of its answer, whatever the status. An error says whether the request had
    /// [begun to leave](Error::is_in_doubt), which is known of one that has a body.
    pub async fn send(&self, request: WireRequest, timeouts: &Timeouts) -> Result<WireResponse> {
        let now = Instant::now();
        let deadline = now + timeouts.total;
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        let has_left = Arc::new(AtomicBool::new(false));
        *outgoing.body_mut() = Some(reqwest::Body::wrap(Outgoing { rest: request.body, has_left: has_left.clone() }));
        let answer = timeout_at(deadline.min(now + timeouts.first_byte), self.client.execute(outgoing))
            .await
            .map_err(|_| Error::new(ErrorKind::Timeout, "the provider did not answer in time"))
            .and_then(|answer| answer.map_err(unreachable))
            .map_err(|error| error.in_doubt(has_left.load(Ordering::Acquire)))?;
        let (parts, body) = http::Response::from(answer).into_parts();
        let head = ResponseHead { status: parts.status, headers: parts.headers };
        Ok(WireResponse { head, body: WireBody::http(body, timeouts.idle, deadline) })
    }
}

/// The body of a request, which knows whether it was asked for: no connection asks before it stands.
struct Outgoing {
    rest: Bytes,
    has_left: Arc<AtomicBool>,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.has_left.store(true, Ordering::Release);
        let rest = std::mem::take(&mut self.rest);
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

fn unreachable(error: reqwest::Error) -> Error {
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Connection };
    let message = if error.is_connect() { "no connection to the provider" } else { "the request did not get through" };
    Error::new(kind, message).with_source(error.without_url())
}
