//! The public keys of an issuer, as it publishes them (JWKS, RFC 7517).

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use llm_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::token::Token;
use crate::config::SigningAlgorithm;

/// The most keys of a set that are read.
const MOST_KEYS: usize = 100;
/// The most keys that one token is tried with, where it does not name one.
const MOST_TRIED: usize = 4;

/// What tells a public key from any other, whatever it is called.
pub(super) type Thumbprint = [u8; 32];

/// All keys of an issuer that may sign tokens.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Arc<PublicKey>>);

/// One of them.
pub(super) struct PublicKey {
    id: Option<String>,
    /// How it may have signed.
    algorithms: Vec<SigningAlgorithm>,
    decoding: DecodingKey,
    pub(super) thumbprint: Thumbprint,
}

/// A key as it is published. What else stands there is not needed.
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads what an issuer publishes. Keys that are for something else, or of a kind that is not taken, are left out.
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::ProviderError, "the issuer's keys can't be read").with_source(error)
        })?;
        let read = |key| Some(Arc::new(PublicKey::read(serde_json::from_value(key).ok()?)?));
        Ok(Self(set.keys.into_iter().take(MOST_KEYS).filter_map(read).collect()))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a key is one of them.
    pub(super) fn has(&self, thumbprint: &Thumbprint) -> bool {
        self.0.iter().any(|key| key.thumbprint == *thumbprint)
    }

    /// The keys that may have signed a token in a way.
    pub(super) fn fitting(&self, token: &Token<'_>, algorithm: SigningAlgorithm) -> Vec<Arc<PublicKey>> {
        let fits = |key: &&Arc<PublicKey>| {
            key.algorithms.contains(&algorithm) && token.key_id().is_none_or(|id| key.id.as_deref() == Some(id))
        };
        self.0.iter().filter(fits).take(MOST_TRIED).cloned().collect()
    }
}

impl PublicKey {
    fn read(key: Published) -> Option<Self> {
        use SigningAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        if key.usage.as_ref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        if key.key_ops.as_ref().is_some_and(|all| !all.iter().any(|one| one == "verify")) {
            return None;
        }
        let (mut algorithms, parts, decoding) = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (key.n?, key.e?);
                let decoding = DecodingKey::from_rsa_components(&n, &e).ok()?;
                (vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512], [n, e], decoding)
            }
            ("EC", Some(curve @ ("P-256" | "P-384"))) => {
                let (x, y) = (key.x?, key.y?);
                let decoding = DecodingKey::from_ec_components(&x, &y).ok()?;
                (vec![if curve == "P-256" { Es256 } else { Es384 }], [x, y], decoding)
            }
            ("OKP", Some("Ed25519")) => {
                let x = key.x?;
                let decoding = DecodingKey::from_ed_components(&x).ok()?;
                (vec![EdDsa], [x, String::new()], decoding)
            }
            // A shared secret above all: it must not come to be one because it was published.
            _ => return None,
        };
        if let Some(only) = &key.alg {
            algorithms.retain(|algorithm| algorithm.as_str() == only);
        }
        // The kinds of algorithms tell RSA from curves; no part holds a line's end.
        let thumbprint = Sha256::digest(format!("{:?}\n{}\n{}", decoding.family(), parts[0], parts[1])).into();
        (!algorithms.is_empty()).then_some(Self { id: key.kid, algorithms, decoding, thumbprint })
    }

    /// Whether it has signed a token.
    pub(super) fn has_signed(&self, token: &Token<'_>, algorithm: SigningAlgorithm) -> bool {
        let algorithm = match algorithm {
            SigningAlgorithm::Rs256 => Algorithm::RS256,
            SigningAlgorithm::Rs384 => Algorithm::RS384,
            SigningAlgorithm::Rs512 => Algorithm::RS512,
            SigningAlgorithm::Ps256 => Algorithm::PS256,
            SigningAlgorithm::Ps384 => Algorithm::PS384,
            SigningAlgorithm::Ps512 => Algorithm::PS512,
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::Es384 => Algorithm::ES384,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        };
        let verified =
            jsonwebtoken::crypto::verify(token.signature, token.signed.as_bytes(), &self.decoding, algorithm);
        matches!(verified, Ok(true))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").field("id", &self.id).field("algorithms", &self.algorithms).finish()
    }
}
