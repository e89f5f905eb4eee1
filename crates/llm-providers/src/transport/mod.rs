//! How requests travel: sockets, time-outs and credentials. The only part of the crate that does I/O.

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "azure")]
mod azure;
mod body;
mod credentials;
#[cfg(feature = "google")]
mod google;
mod http;
mod ibm;
mod kept;
#[cfg(any(feature = "aws", feature = "azure", feature = "google"))]
#[cfg(test)]
mod loopback;
mod sandbox;
mod token;

#[cfg(feature = "aws")]
pub use aws::AwsSigner;
#[cfg(feature = "azure")]
pub use azure::entra_id;
pub use body::WireBody;
pub use credentials::{Credentials, Secret, StaticHeader};
#[cfg(feature = "google")]
pub use google::google_default;
#[cfg(feature = "google")]
pub(crate) use google::has_file as has_google_file;
pub use http::HttpTransport;
pub use ibm::ibm_iam;
pub use sandbox::{SANDBOX_MODEL, sandbox_price};
pub use token::{BearerTokens, Token, TokenHttp, TokenSource};

use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use llm_core::Result;
use llm_core::codec::ResponseHead;

/// How long each phase of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To reach the provider.
    pub connect: Duration,
    /// From the request's last byte to the answer's head.
    pub first_byte: Duration,
    /// Between two bytes of the body; any byte counts, comments included.
    pub idle: Duration,
    /// The whole call.
    pub total: Duration,
}

impl Default for Timeouts {
    /// Long enough for models that think for minutes before they speak.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            idle: Duration::from_secs(300),
            total: Duration::from_secs(3600),
        }
    }
}

/// A finished request: where to, what, and nothing left to add but the credential.
#[derive(Debug)]
pub struct WireRequest {
    /// The method.
    pub method: ::http::Method,
    /// The whole URL.
    pub url: url::Url,
    /// The headers.
    pub headers: ::http::HeaderMap,
    /// The body.
    pub body: bytes::Bytes,
}

/// An answer whose body is still on its way.
#[derive(Debug)]
pub struct WireResponse {
    /// Status and headers.
    pub head: ResponseHead,
    /// The body; dropping it closes the connection.
    pub body: WireBody,
}

/// How Amazon SageMaker says what the pieces of a streamed answer are that it wraps in messages of its own.
const WITHIN: ::http::HeaderName = ::http::HeaderName::from_static("x-amzn-sagemaker-content-type");

impl WireResponse {
    /// The answer itself, where a service has wrapped it in messages of its own.
    pub(crate) fn unwrapped(mut self) -> Self {
        let said = self.head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if said.is_some_and(|kind| kind.starts_with("application/vnd.amazon.eventstream"))
            && let Some(within) = self.head.headers.remove(WITHIN)
        {
            self.head.headers.insert(CONTENT_TYPE, within);
            self.body = self.body.unwrapped();
        }
        self
    }
}

/// What carries requests to one provider.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// A pool of connections, kept for life.
    Http(HttpTransport),
    /// The stand-in that answers by itself.
    Sandbox,
}

impl Transport {
    pub(crate) async fn send(&self, request: WireRequest, timeouts: &Timeouts) -> Result<WireResponse> {
        match self {
            Self::Http(http) => http.send(request, timeouts).await,
            Self::Sandbox => Ok(sandbox::answer(&request)),
        }
    }
}
