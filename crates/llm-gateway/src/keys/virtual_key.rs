//! A virtual key and the team that it belongs to, as they are held in memory.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{KeyId, TeamId};
use crate::limits::{ModelPattern, Scope, ScopeKind};

/// What an application calls by. The secret is not in it: only the hash of that is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VirtualKey {
    /// Its id.
    pub id: KeyId,
    /// What people call it; not unique.
    pub name: String,
    /// The beginning of its secret, to tell keys apart.
    pub prefix: String,
    /// The team it belongs to.
    #[serde(serialize_with = "team_id")]
    pub team: Option<Arc<Team>>,
    /// Which models it may call; all where none is said. The team's patterns hold beside them.
    pub models: Option<Vec<ModelPattern>>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether it is refused now.
    pub blocked: bool,
    /// Tags of every call made with it.
    pub tags: Vec<Arc<str>>,
    /// What its owner wants to remember.
    pub metadata: Map<String, Value>,
    /// Whether the limits of the configuration hold for it, because it was made without limits of its own.
    #[serde(skip)]
    pub default_limits: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

fn team_id<S: serde::Serializer>(team: &Option<Arc<Team>>, serializer: S) -> Result<S::Ok, S::Error> {
    team.as_ref().map(|team| &team.id).serialize(serializer)
}

/// Keys that share limits and a list of models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name; unique.
    pub name: String,
    /// Which models its keys may call; all where none is said.
    pub models: Option<Vec<ModelPattern>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl VirtualKey {
    /// Whether the key may call now: neither blocked nor expired.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        if self.blocked {
            return Err(Error::new(ErrorKind::KeyBlocked, "this API key is blocked"));
        }
        match self.expires_at {
            Some(end) if end <= now => {
                Err(Error::new(ErrorKind::KeyExpired, format!("this API key has expired on {end}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the key may call a model by any of the names it goes by (as asked, and `provider:model`). Its own list
    /// and its team's must both admit it, each by any of the names.
    pub fn allows(&self, names: &[&str]) -> bool {
        let admits = |models: &Option<Vec<ModelPattern>>| match models {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| names.iter().any(|name| pattern.matches(name))),
        };
        admits(&self.models) && self.team.as_ref().is_none_or(|team| admits(&team.models))
    }

    /// The same as an error that a caller understands; `names` begins with the name as it was asked.
    pub fn check_model(&self, names: &[&str]) -> Result<()> {
        if self.allows(names) {
            return Ok(());
        }
        let asked = names.first().copied().unwrap_or_default();
        let message = format!("this API key may not call the model `{asked}`");
        Err(Error::new(ErrorKind::ModelNotAllowed, message).with_param("model"))
    }

    /// The scope of the limits that are the key's own.
    pub fn scope(&self) -> Scope {
        Scope::key(self.id.as_str())
    }
}

impl Team {
    /// The scope of the team's limits.
    pub fn scope(&self) -> Scope {
        Scope::new(ScopeKind::Team, self.id.as_str())
    }
}
