//! The id of a call.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The id of a call, which the caller sees as `x-request-id`: a UUID of version 7, so that ids sort as the calls came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(Uuid);

impl CallId {
    /// A new id for a call that came at `created_at`, to the millisecond.
    pub fn new(created_at: Timestamp) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(millis(created_at), &rand::random()).into_uuid())
    }

    /// What sorts before every id of a call that came at `at` or later, and behind every earlier one.
    pub(crate) fn before(at: Timestamp) -> Self {
        let [a, b, c, d, e, f] = Self::prefix(at);
        Self(Uuid::from_bytes([a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
    }

    fn prefix(at: Timestamp) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = millis(at).to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// The id as the database holds it.
    pub(crate) fn as_uuid(&self) -> Uuid {
        self.0
    }
}

/// Milliseconds since 1970; times before that count as its begin.
fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CallId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::from_str(text).map(Self)
    }
}

impl Serialize for CallId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
