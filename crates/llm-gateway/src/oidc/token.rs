//! A token (JWT) taken apart, and everything that is checked of it but its signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use llm_core::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::invalid;
use crate::config::{IssuerConfig, SigningAlgorithm};

/// The longest token, in bytes: longer ones don't get through most proxies.
const MAX_TOKEN: usize = 16 * 1024;
/// What tokens may say that they are. Others are signed with the same keys and mean something else, such as a logout.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// A token that has the form of one. Nothing of it is true yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    header: Header,
    pub(super) claims: Map<String, Value>,
    /// What is signed.
    pub(super) signed: &'a str,
    /// The signature as it is written.
    pub(super) signature: &'a str,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    /// What must be understood; there is nothing of that kind that we do.
    #[serde(default)]
    crit: Option<Value>,
}

impl<'a> Token<'a> {
    /// Whether a text has three parts, of which the first begins as a JSON object does.
    pub(super) fn is_like(text: &str) -> bool {
        text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Takes a token apart.
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        if text.len() > MAX_TOKEN {
            return Err(invalid(format!("this token is longer than {MAX_TOKEN} bytes")));
        }
        let broken = || invalid("this token can't be read");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(broken)?;
        let (header, claims) = signed.split_once('.').ok_or_else(broken)?;
        let header = part(header).ok_or_else(broken)?;
        let claims = part(claims).ok_or_else(broken)?;
        Ok(Self { header, claims, signed, signature })
    }

    /// Who says that they have issued it.
    pub(super) fn issuer(&self) -> Result<&str> {
        self.text("iss").ok_or_else(|| invalid("this token does not say who issued it"))
    }

    /// The name of the key that it was signed with.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// How it says that it was signed, if tokens of its issuer may be.
    pub(super) fn algorithm(&self, issuer: &IssuerConfig) -> Result<SigningAlgorithm> {
        let said = self.header.alg.parse().ok();
        said.filter(|algorithm| issuer.algorithms.contains(algorithm))
            .ok_or_else(|| invalid("this token is signed in a way that is not taken from its issuer"))
    }

    /// Checks all that can be checked before the signature, which is dear. Says until when the token is good, in seconds
    /// since 1970.
    pub(super) fn check(&self, issuer: &IssuerConfig, audience: &[String], now: Timestamp) -> Result<i64> {
        self.algorithm(issuer)?;
        if self.header.crit.is_some() {
            return Err(invalid("this token demands what is not understood here (`crit`)"));
        }
        let is_known = |typ: &String| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
        if !self.header.typ.as_ref().is_none_or(is_known) {
            return Err(invalid("this token is of another kind (`typ`)"));
        }
        if !self.is_for(audience) {
            return Err(invalid("this token is made out for another audience"));
        }
        let leeway = i64::try_from(issuer.leeway.0.as_secs()).unwrap_or(i64::MAX);
        let now = now.as_second();
        let expires = self.time("exp")?.ok_or_else(|| invalid("this token does not say when it expires"))?;
        let until = expires.saturating_add(leeway);
        if until <= now {
            return Err(invalid("this token has expired"));
        }
        for claim in ["nbf", "iat"] {
            if self.time(claim)?.is_some_and(|from| from > now.saturating_add(leeway)) {
                return Err(invalid("this token is not valid yet"));
            }
        }
        Ok(until)
    }

    fn is_for(&self, audience: &[String]) -> bool {
        let is_ours = |said: &Value| said.as_str().is_some_and(|said| audience.iter().any(|ours| ours == said));
        match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        }
    }

    /// A claim that is a text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// A claim that is a time, in whole seconds since 1970.
    fn time(&self, claim: &str) -> Result<Option<i64>> {
        let Some(said) = self.claims.get(claim) else { return Ok(None) };
        let whole = said.as_i64();
        // Fractions are allowed.
        let time = whole.or_else(|| said.as_f64().filter(|time| time.abs() < 1e15).map(|time| time as i64));
        time.map(Some).ok_or_else(|| invalid(format!("`{claim}` of this token is not a time")))
    }
}

/// A part of a token, as it is said there in JSON.
fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
