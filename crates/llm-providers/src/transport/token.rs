//! Bearer tokens that are asked for and run out: one shape for every cloud that hands them out.

use std::fmt;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, header};
use llm_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::Instant;

use super::kept::Kept;
use super::{Credentials, HttpTransport, Secret, Timeouts, WireRequest};

/// How long an answer to a request for a token may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;

/// A token, and until when it holds.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// When it runs out.
    pub expires: Instant,
}

impl Token {
    /// A token that holds for `lifetime` from now.
    pub fn new(secret: impl Into<String>, lifetime: Duration) -> Self {
        // A lifetime past the end of time is as good as a day.
        let now = Instant::now();
        let expires = now.checked_add(lifetime).unwrap_or(now + Duration::from_secs(24 * 3600));
        Self { secret: Secret::new(secret), expires }
    }

    /// Reads the customary answer, `{"access_token", "expires_in"}`, or with `expires_on` in seconds since 1970; either
    /// may be a number or a text.
    pub fn read(body: &[u8]) -> Result<Self> {
        let bad = || Error::new(ErrorKind::ProviderAuth, "the token service answered what is no token");
        let answer: Value = serde_json::from_slice(body).map_err(|_| bad())?;
        let token = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let count = |name: &str| match answer.get(name)? {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        };
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let seconds = count("expires_in").or_else(|| Some(count("expires_on")?.saturating_sub(now())));
        // Where nothing is said, a token is asked for again soon.
        Ok(Self::new(token.ok_or_else(bad)?, Duration::from_secs(seconds.unwrap_or(300))))
    }
}

/// Where tokens come from.
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// Asks for a new token, over connections of its own.
    fn fetch<'a>(&'a self, http: &'a TokenHttp) -> BoxFuture<'a, Result<Token>>;
}

/// Plain requests to a token service.
#[derive(Debug)]
pub struct TokenHttp {
    transport: HttpTransport,
    timeouts: Timeouts,
}

impl TokenHttp {
    fn new() -> Result<Self> {
        let timeouts =
            Timeouts { connect: Duration::from_secs(5), first_byte: PATIENCE, idle: PATIENCE, total: PATIENCE };
        Ok(Self { transport: HttpTransport::new(&timeouts)?, timeouts })
    }

    /// Posts a form; the answer's body, where its status is 2xx.
    pub async fn post_form(&self, url: &str, members: &[(&str, &str)]) -> Result<bytes::Bytes> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(Method::POST, url, headers, body.into()).await
    }

    /// Gets what stands at `url`, where the status is 2xx.
    pub async fn get(&self, url: &str, headers: HeaderMap) -> Result<bytes::Bytes> {
        self.send(Method::GET, url, headers, bytes::Bytes::new()).await
    }

    async fn send(&self, method: Method, url: &str, headers: HeaderMap, body: bytes::Bytes) -> Result<bytes::Bytes> {
        let url = url::Url::parse(url)
            .map_err(|_| Error::new(ErrorKind::MissingCredential, "the token service has no valid URL"))?;
        let request = WireRequest { method, url, headers, body };
        let answer = self.transport.send(request, &self.timeouts).await?;
        let status = answer.head.status;
        let body = answer.body.collect(MAX_ANSWER).await?;
        if status.is_success() {
            return Ok(body);
        }
        // What it says may hold what we sent, so only its code is repeated.
        let said: Option<Value> = serde_json::from_slice(&body).ok();
        let code = said.as_ref().and_then(|said| said.get("error")?.as_str()).unwrap_or("no reason");
        let kind = if status.is_server_error() { ErrorKind::ProviderError } else { ErrorKind::ProviderAuth };
        Err(Error::new(kind, format!("the token service answered {} (`{code}`)", status.as_u16())))
    }
}

/// `Authorization: Bearer TOKEN`, with a token that is kept until shortly before it runs out. Calls that need a new one
/// at the same time wait for one and the same.
#[derive(Debug)]
pub struct BearerTokens {
    source: Box<dyn TokenSource>,
    http: TokenHttp,
    kept: Kept<HeaderValue>,
}

impl BearerTokens {
    /// Credentials whose tokens come from `source`. Nothing is asked for yet.
    pub fn new(source: impl TokenSource + 'static) -> Result<Self> {
        Ok(Self { source: Box::new(source), http: TokenHttp::new()?, kept: Kept::default() })
    }

    async fn fetch(&self) -> Result<(HeaderValue, Option<Instant>)> {
        let token = self.source.fetch(&self.http).await?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose()))
            .map_err(|_| Error::new(ErrorKind::ProviderAuth, "the token service's token can't stand in a header"))?;
        header.set_sensitive(true);
        Ok((header, Some(token.expires)))
    }
}

impl Credentials for BearerTokens {
    fn sign<'a>(&'a self, request: &'a mut WireRequest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            request.headers.insert(AUTHORIZATION, self.kept.get(self.fetch()).await?);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
