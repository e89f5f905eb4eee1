//! Asking an issuer: what it says of itself, and its keys.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use llm_core::{Error, ErrorKind, Result};
use llm_providers::Timeouts;
use llm_providers::transport::{HttpTransport, WireRequest};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::key_set::KeySet;
use crate::config::{IssuerConfig, LoginConfig, Secret, safe_url};

/// How long an answer may take.
const PATIENCE: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    total: Duration::from_secs(5),
};
/// How long an issuer that could not be asked is left alone.
pub(super) const REST: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 512 * 1024;

/// What asks issuers. Redirects are not followed, so nothing is asked but what the configuration names, and what stands
/// there under its own name.
#[derive(Debug)]
pub(super) struct Fetch(HttpTransport);

/// What an issuer says of itself (OpenID Connect Discovery 1.0).
#[derive(Debug, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    jwks_uri: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    /// How a client may prove itself there; `client_secret_basic` where it does not say.
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Discovery {
    /// Where people log in.
    pub(super) fn authorization(&self) -> Result<Url> {
        url(self.authorization_endpoint.as_deref().ok_or_else(no_login)?)
    }

    /// Whether a client's secret can be sent in the customary header.
    fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        methods.is_none_or(|all| all.is_empty() || all.iter().any(|method| method == "client_secret_basic"))
    }
}

fn no_login() -> Error {
    Error::new(ErrorKind::ProviderError, "the issuer does not say where people log in")
}

/// What an issuer answers to a code.
#[derive(Deserialize)]
struct Redeemed {
    id_token: Option<String>,
    error: Option<String>,
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
    pub(super) async fn discover(&self, issuer: &IssuerConfig) -> Result<Discovery> {
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
        let (status, body) =
            self.send(WireRequest { method: Method::GET, url: url(place)?, headers, body: Bytes::new() }).await?;
        if status == StatusCode::OK { Ok(body) } else { Err(answered(status)) }
    }

    /// The ID token that an issuer gives for a login's code; the issuer's reason, where it gives none.
    pub(super) async fn redeem(
        &self,
        said: &Discovery,
        login: &LoginConfig,
        form: &[(&str, &str)],
    ) -> Result<std::result::Result<String, String>> {
        let url = url(said.token_endpoint.as_deref().ok_or_else(no_login)?)?;
        let mut headers = HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ]);
        let mut form = form.to_vec();
        match &login.client_secret {
            Some(secret) if said.takes_basic() => {
                headers.insert(header::AUTHORIZATION, basic(&login.client_id, secret)?);
            }
            secret => {
                form.push(("client_id", &login.client_id));
                form.extend(secret.iter().map(|secret| ("client_secret", secret.expose())));
            }
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = WireRequest { method: Method::POST, url, headers, body: body.into() };
        let (status, body) = self.send(request).await?;
        let answer: Option<Redeemed> = serde_json::from_slice(&body).ok();
        match (status.as_u16(), answer) {
            (200, Some(Redeemed { id_token: Some(token), .. })) => Ok(Ok(token)),
            (400..=499, Some(Redeemed { error: Some(reason), .. })) => {
                tracing::warn!(
                    issuer = said.issuer,
                    status = status.as_u16(),
                    "an issuer gave nothing for a login's code"
                );
                Ok(Err(reason))
            }
            _ => Err(answered(status)),
        }
    }

    async fn send(&self, request: WireRequest) -> Result<(StatusCode, Bytes)> {
        let answer = self.0.send(request, &PATIENCE).await?;
        Ok((answer.head.status, answer.body.collect(MAX_ANSWER).await?))
    }
}

fn answered(status: StatusCode) -> Error {
    Error::new(ErrorKind::ProviderError, format!("an issuer answered with status {}", status.as_u16()))
}

/// How a client proves itself (RFC 6749, section 2.3.1): both parts escaped before they are put together.
fn basic(id: &str, secret: &Secret) -> Result<HeaderValue> {
    let escaped = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret.expose())));
    let mut value = HeaderValue::from_str(&format!("Basic {pair}"))
        .map_err(|_| Error::new(ErrorKind::Internal, "the login's secret can't stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn url(place: &str) -> Result<Url> {
    safe_url(place)
        .map_err(|why| Error::new(ErrorKind::ProviderError, format!("an address that an issuer names {why}")))
}
