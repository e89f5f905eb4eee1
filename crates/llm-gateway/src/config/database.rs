//! Where keys, limits, calls and counters are kept.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use super::Secret;

/// `sqlite://FILE` (embedded), or `postgres://…` (for many replicas).
#[derive(Clone, Debug)]
pub enum Database {
    /// The address of an embedded SQLite database, whose file is made where there is none.
    Sqlite(String),
    /// The address of a PostgreSQL server: a secret, since it may hold a password.
    Postgres(Secret),
}

impl Database {
    /// The address, as it was written.
    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite(url) => url,
            Self::Postgres(url) => url.expose(),
        }
    }

    /// The address as it may be shown: a server's without user, password and options.
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(url) => url.clone(),
            Self::Postgres(url) => {
                let url = url.expose();
                let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
                // What stands before the `@` may hold a password, and so may options.
                let rest = rest.split('?').next().unwrap_or_default();
                format!("postgres://{}", rest.rsplit('@').next().unwrap_or_default())
            }
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::Sqlite("sqlite://llm-gateway.db".to_owned())
    }
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", "" | "//")) => {
                Err("`sqlite://` needs a file, such as `sqlite://llm-gateway.db`".to_owned())
            }
            Some(("sqlite", _)) => Ok(Self::Sqlite(text.to_owned())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Secret::new(text))),
            // The text is not repeated: an address may hold a password.
            _ => Err("not a database such as `sqlite://llm-gateway.db` or `postgres://user@host/name`".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Database {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
