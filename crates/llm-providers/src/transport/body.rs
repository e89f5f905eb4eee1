//! The body of an answer as it arrives, with the time-outs that hold between its bytes.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use llm_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, Sleep};

use crate::framing::Unwrapper;

/// A body on its way. Dropping it closes the connection to the provider.
pub struct WireBody {
    source: Source,
    idle: Duration,
    deadline: Instant,
    /// Armed only while nothing is there to read.
    timer: Option<Pin<Box<Sleep>>>,
}

enum Source {
    Http(Pin<Box<reqwest::Body>>),
    Ready(VecDeque<Bytes>),
    Wrapped(Box<Wrapped>),
}

/// A body within another's messages.
struct Wrapped {
    source: Source,
    unwrapper: Unwrapper,
    /// What went wrong behind the bytes that were given out last.
    failed: Option<Error>,
    ended: bool,
}

impl WireBody {
    pub(crate) fn http(body: reqwest::Body, idle: Duration, deadline: Instant) -> Self {
        Self { source: Source::Http(Box::pin(body)), idle, deadline, timer: None }
    }

    /// A body that is there already.
    pub fn ready(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let hour = Duration::from_secs(3600);
        let source = Source::Ready(pieces.into_iter().collect());
        Self { source, idle: hour, deadline: Instant::now() + hour, timer: None }
    }

    /// The body that stands in this one's messages.
    pub(crate) fn unwrapped(self) -> Self {
        let Self { source, idle, deadline, timer } = self;
        let wrapped = Wrapped { source, unwrapper: Unwrapper::default(), failed: None, ended: false };
        Self { source: Source::Wrapped(Box::new(wrapped)), idle, deadline, timer }
    }

    /// The next bytes; none at the end. `Pending` means that nothing has arrived since.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        match self.source.poll(cx) {
            Poll::Ready(next) => {
                self.timer = None;
                Poll::Ready(next)
            }
            Poll::Pending => {
                let (idle, deadline) = (self.idle, self.deadline);
                let timer = self
                    .timer
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.min(Instant::now() + idle))));
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::new(ErrorKind::Timeout, "the provider stopped sending"))))
            }
        }
    }

    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The whole body, at most `limit` bytes of it.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes> {
        let Some(first) = self.next().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = self.next().await.transpose()? else { return bounded(first, limit) };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.next().await.transpose()? {
            if whole.len() + piece.len() > limit {
                return Err(too_large(limit));
            }
            whole.extend_from_slice(&piece);
        }
        bounded(whole.freeze(), limit)
    }
}

impl Source {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        match self {
            Self::Ready(pieces) => Poll::Ready(pieces.pop_front().map(Ok)),
            Self::Wrapped(wrapped) => wrapped.poll(cx),
            Self::Http(body) => loop {
                match ready!(body.as_mut().poll_frame(cx)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(broken(error)))),
                    // Trailers say nothing that any provider's protocol needs.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                }
            },
        }
    }
}

impl Wrapped {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let mut out = Vec::new();
        loop {
            if let Some(error) = self.failed.take() {
                self.ended = true;
                return Poll::Ready(Some(Err(error)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let taken = match ready!(self.source.poll(cx)) {
                Some(Ok(bytes)) => self.unwrapper.push(&bytes, &mut out),
                Some(Err(error)) => Err(error),
                None => {
                    self.ended = true;
                    self.unwrapper.finish()
                }
            };
            self.failed = taken.err();
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Bytes::from(out))));
            }
        }
    }
}

fn bounded(body: Bytes, limit: usize) -> Result<Bytes> {
    if body.len() > limit { Err(too_large(limit)) } else { Ok(body) }
}

fn too_large(limit: usize) -> Error {
    Error::bad_answer(format!("the provider's answer is larger than {limit} bytes"))
}

fn broken(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Cut, "the connection to the provider broke in the middle of the answer")
        .with_source(error.without_url())
}

impl fmt::Debug for WireBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireBody")
    }
}
