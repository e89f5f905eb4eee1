//! The secret that an application presents, and the hash that is kept of it.

use std::fmt;

use llm_core::{Error, ErrorKind, Result};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// Random bytes of a secret.
const RANDOM: usize = 32;
/// Digits of a secret: what 32 bytes need in base 62.
const DIGITS: usize = 43;
/// Characters of a secret that are kept and shown, so that people can tell keys apart. With 4 digits beyond `sk-`
/// there remain 232 random bits.
const SHOWN: usize = 7;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes a secret: `sk-` and 32 bytes of the operating system's randomness in base 62.
pub(super) fn make() -> Result<Secret> {
    random("sk-").map(Secret::new)
}

/// `prefix` and 32 random bytes in base 62.
pub(crate) fn random(prefix: &str) -> Result<String> {
    let mut bytes = [0; RANDOM];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, "the operating system gives no random numbers").with_source(error)
    })?;
    Ok(format!("{prefix}{}", base62(bytes)))
}

/// The part of a secret that may be shown.
pub(super) fn shown(secret: &Secret) -> String {
    secret.expose().chars().take(SHOWN).collect()
}

/// A number of 256 bits, its highest byte first, in base 62 and always in 43 digits.
fn base62(mut number: [u8; RANDOM]) -> String {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // One step of long division by 62; the remainder is the next digit, the lowest first.
        let mut rest: u32 = 0;
        for byte in &mut number {
            let part = rest << 8 | u32::from(*byte);
            *byte = (part / 62) as u8;
            rest = part % 62;
        }
        *digit = ALPHABET.get(rest as usize).copied().unwrap_or(b'0');
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}

/// The SHA-256 of a secret. A fast hash is right here: the secret has 256 random bits, so there is nothing to guess.
///
/// Looking a hash up in a map takes a time that depends on it, but tells a caller nothing: who wants to learn a stored
/// hash by timing would have to choose hashes freely, and a caller chooses only what is hashed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Reads what [`Display`](fmt::Display) writes, in capital letters too; none for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
            *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
        }
        Some(Self(bytes))
    }

    /// Whether both are the same, in a time that tells nothing of where they differ.
    pub fn same(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

#[cfg(test)]
mod tests;
