//! The login of people: OpenID Connect's authorization code flow with PKCE (RFC 6749, RFC 7636).
//!
//! What a login must remember between its beginning and its end stands in a cookie of the browser that began it: one
//! secret, from which `state`, `nonce` and PKCE's verifier are derived. So it ends only in that browser, any replica can
//! end it, and nobody fills a table by beginning many.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use url::Url;

use super::fetch::{Discovery, Fetch, REST};
use super::issuer::Issuer;
use super::token::Token;
use super::{claims, invalid};
use crate::config::{Config, LoginConfig};
use crate::keys::{Identified, Makes, secret};

/// The longest code that is passed on, in bytes.
const MAX_CODE: usize = 4096;
/// Where the issuer sends people back to.
const CALLBACK: &str = "/login/callback";

/// The login by one issuer.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) config: LoginConfig,
    /// Where browsers reach this gateway.
    pub(crate) base: Url,
    issuer: Arc<Issuer>,
    fetch: Arc<Fetch>,
    /// What the issuer said last of where people log in, and when it was asked.
    said: tokio::sync::Mutex<Option<(Instant, Option<Arc<Discovery>>)>>,
}

/// A login that was begun.
pub(crate) struct Begun {
    /// Where the browser goes.
    pub(crate) to: Url,
    /// What it must bring along when it comes back.
    pub(crate) secret: String,
}

/// What a browser comes back with.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    /// Who has sent it (RFC 9207), if they say so.
    iss: Option<String>,
}

impl Login {
    pub(super) fn new(config: &Config, issuers: &[Arc<Issuer>], fetch: &Arc<Fetch>) -> Result<Option<Self>> {
        let Some(login) = &config.login else { return Ok(None) };
        let issuer = issuers.iter().find(|issuer| issuer.config.issuer == login.issuer);
        let issuer = issuer.ok_or_else(|| Error::invalid_request("`login.issuer` is none of the issuers"))?;
        Ok(Some(Self {
            base: login.base(config).map_err(Error::invalid_request)?,
            config: login.clone(),
            issuer: Arc::clone(issuer),
            fetch: Arc::clone(fetch),
            said: tokio::sync::Mutex::default(),
        }))
    }

    /// Whether browsers reach this gateway over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Begins a login.
    pub(crate) async fn begin(&self) -> Result<Begun> {
        let said = self.endpoints().await?;
        let secret = secret::random("")?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(derived("verifier", &secret)));
        let mut to = said.authorization()?;
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", self.callback().as_str())
            .append_pair("scope", &self.config.scopes.join(" "))
            .append_pair("state", &derived("state", &secret))
            .append_pair("nonce", &derived("nonce", &secret))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { to, secret })
    }

    /// Ends a login: who it is that came back to the browser which has the secret.
    pub(crate) async fn finish(&self, secret: &str, back: &Back, now: Timestamp) -> Result<Identified> {
        let is_ours = back.state.as_ref().is_some_and(|state| same(state, &derived("state", secret)));
        if secret.is_empty() || !is_ours {
            return Err(unknown());
        }
        if back.iss.as_ref().is_some_and(|iss| *iss != self.issuer.config.issuer) {
            return Err(unknown());
        }
        if let Some(reason) = &back.error {
            return Err(refused(reason));
        }
        let code = back.code.as_deref().filter(|code| !code.is_empty() && code.len() <= MAX_CODE);
        let code = code.ok_or_else(|| Error::invalid_request("this login came back without a `code`"))?;
        let said = self.endpoints().await?;
        let (callback, verifier) = (self.callback(), derived("verifier", secret));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback.as_str()),
            ("code_verifier", &verifier),
        ];
        let token = self.fetch.redeem(&said, &self.config, &form).await?.map_err(|reason| refused(&reason))?;
        self.read(&token, &derived("nonce", secret), now).await
    }

    /// Whom an ID token was given to, if it was given for this login.
    async fn read(&self, text: &str, nonce: &str, now: Timestamp) -> Result<Identified> {
        let token = Token::parse(text)?;
        let issuer = &self.issuer.config;
        if token.issuer()? != issuer.issuer {
            return Err(invalid("this token is of another issuer"));
        }
        token.check(issuer, std::slice::from_ref(&self.config.client_id), now)?;
        if token.claims.get("azp").is_some_and(|party| party.as_str() != Some(&self.config.client_id)) {
            return Err(invalid("this token was given to another client"));
        }
        if !token.text("nonce").is_some_and(|said| same(said, nonce)) {
            return Err(invalid("this token was given for another login"));
        }
        self.issuer.verify(&self.fetch, &token).await?;
        claims::read(issuer, &token.claims)
    }

    /// Someone as they are remembered while they are logged in: nothing is made any more, so who was deleted stays so.
    pub(crate) fn remembered(&self, who: Identified) -> Identified {
        Identified { makes: Makes::default(), ..who }
    }

    /// Whether someone was identified by the issuer whose accounts one logs in with.
    pub(crate) fn is_by(&self, who: &Identified) -> bool {
        *who.identity.issuer == *self.issuer.config.issuer
    }

    fn callback(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path(CALLBACK);
        url
    }

    /// What the issuer says of where people log in; asked now and then, and no more than that when it does not answer.
    async fn endpoints(&self) -> Result<Arc<Discovery>> {
        let mut said = self.said.lock().await;
        let failed = || Error::new(ErrorKind::Connection, "the identity provider can't be reached now");
        if let Some((at, last)) = &*said {
            let age = at.elapsed();
            match last {
                Some(last) if age < self.issuer.config.refresh.0 => return Ok(Arc::clone(last)),
                None if age < REST => return Err(failed()),
                _ => {}
            }
        }
        let asked = self.fetch.discover(&self.issuer.config).await.map(Arc::new);
        if let Err(error) = &asked {
            tracing::warn!(issuer = self.issuer.config.issuer, %error, "the login's issuer can't be asked");
        }
        // What it said before is good while it is out of reach.
        let before = said.take().and_then(|(_, before)| before);
        let last = asked.ok().or(before);
        *said = Some((Instant::now(), last.clone()));
        last.ok_or_else(failed)
    }
}

/// What is made of a login's secret for one purpose, and tells nothing of it or of the others.
fn derived(purpose: &str, secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{purpose}\n{secret}")))
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn unknown() -> Error {
    Error::invalid_request("this login was not begun in this browser, or too long ago")
        .with_hint("begin again at `/login`")
}

/// The error of a login that the issuer refused, with its reason as far as that is a plain word.
fn refused(reason: &str) -> Error {
    let is_word =
        |reason: &str| reason.len() <= 64 && reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let reason = if is_word(reason) { reason } else { "no reason" };
    Error::new(ErrorKind::PermissionDenied, format!("the identity provider refused this login (`{reason}`)"))
}
