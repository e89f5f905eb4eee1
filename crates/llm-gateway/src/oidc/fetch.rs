//! Asking an issuer: what it says of itself, and its keys.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use llm_core::{Error, ErrorKind, Result};
use llm_providers::Timeouts;
use llm_providers::transport::{HttpTransport, WireRequest};
use serde::Deserialize;
use url::Url;

use super::key_set::KeySet;
use crate::config::{IssuerConfig, safe_url};

/// How long an answer may take.
const PATIENCE: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    total: Duration::from_secs(5),
};
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 512 * 1024;

/// What asks issuers. Redirects are not followed, so nothing is asked but what the configuration names, and what stands
/// there under its own name.
#[derive(Debug)]
pub(super) struct Fetch(HttpTransport);

/// What an issuer says of itself (OpenID Connect Discovery 1.0).
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Fetch {
    pub(super) fn new() -> Result<Self> {
        HttpTransport::new(&PATIENCE).map(Self)
    }

    /// An issuer's keys.
    pub(super) async fn keys(&self, issuer: &IssuerConfig) -> Result<KeySet> {
        let place = match &issuer.jwks_url {
            Some(place) => place.clone(),
            None => self.discover(issuer).await?.jwks_uri,
        };
        KeySet::read(&self.get(&place).await?)
    }

    /// What an issuer says of itself. One that says that it is another is not believed.
    async fn discover(&self, issuer: &IssuerConfig) -> Result<Discovery> {
        let body = self.get(&issuer.discovery()).await?;
        let said: Discovery = serde_json::from_slice(&body).map_err(|error| {
            Error::new(ErrorKind::ProviderError, "what an issuer says of itself can't be read").with_source(error)
        })?;
        if said.issuer == issuer.issuer {
            return Ok(said);
        }
        Err(Error::new(ErrorKind::ProviderError, "what stands at an issuer's address is said to be another's")
            .with_hint("`issuer` must be the very text that it says itself, with or without a `/` at its end"))
    }

    async fn get(&self, place: &str) -> Result<Bytes> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        self.send(WireRequest { method: Method::GET, url: url(place)?, headers, body: Bytes::new() }).await
    }

    async fn send(&self, request: WireRequest) -> Result<Bytes> {
        let answer = self.0.send(request, &PATIENCE).await?;
        if answer.head.status != StatusCode::OK {
            let message = format!("an issuer answered with status {}", answer.head.status.as_u16());
            return Err(Error::new(ErrorKind::ProviderError, message));
        }
        answer.body.collect(MAX_ANSWER).await
    }
}

fn url(place: &str) -> Result<Url> {
    safe_url(place)
        .map_err(|why| Error::new(ErrorKind::ProviderError, format!("an address that an issuer names {why}")))
}
