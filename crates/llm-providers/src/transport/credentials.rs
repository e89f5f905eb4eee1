//! Credentials: the last step before a request leaves.

use std::fmt;

use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use llm_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::WireRequest;

/// A secret text. `Debug` shows the type's name only.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Shows the text; for the header it goes into and nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, because serde's own message for a wrong type repeats the value.
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom("a secret must be a string"))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::custom("a secret must be a string"))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom("a secret must be a string"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Adds what proves who we are to a finished request. Request signing needs URL and body, so this comes last, and
/// again for every attempt.
pub trait Credentials: Send + Sync + fmt::Debug {
    /// Signs the request.
    fn sign<'a>(&'a self, request: &'a mut WireRequest) -> BoxFuture<'a, Result<()>>;
}

/// A header that is the same for every request: a bearer token, or a key in a header of the provider's own.
pub struct StaticHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl StaticHeader {
    /// `Authorization: Bearer KEY`.
    pub fn bearer(key: &Secret) -> Result<Self> {
        Self::scheme("Bearer", key)
    }

    /// `Authorization: SCHEME KEY`.
    pub fn scheme(scheme: &str, key: &Secret) -> Result<Self> {
        Self::with(http::header::AUTHORIZATION, &format!("{scheme} {}", key.expose()))
    }

    /// `NAME: KEY`.
    pub fn named(name: &str, key: &Secret) -> Result<Self> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::invalid_request(format!("`{name}` is not the name of a header")))?;
        Self::with(name, key.expose())
    }

    fn with(name: HeaderName, text: &str) -> Result<Self> {
        let mut value = HeaderValue::from_str(text).map_err(|_| {
            Error::new(ErrorKind::MissingCredential, "the key has characters that no header can carry")
                .with_hint("look for a line break at its end")
        })?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

impl fmt::Debug for StaticHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticHeader")
    }
}

impl Credentials for StaticHeader {
    fn sign<'a>(&'a self, request: &'a mut WireRequest) -> BoxFuture<'a, Result<()>> {
        request.headers.insert(self.name.clone(), self.value.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}
