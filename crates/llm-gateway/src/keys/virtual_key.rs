//! A virtual key, as it is held in memory.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{KeyId, Organization, Role, Team, TeamId, User, UserId};
use crate::limits::{ModelPattern, Scope, Subject};

/// What an application calls by. The secret is not in it: only the hash of that is known.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VirtualKey {
    /// Its id.
    pub id: KeyId,
    /// What people call it; not unique.
    pub name: String,
    /// The beginning of its secret, to tell keys apart.
    pub prefix: String,
    /// The team it belongs to, and by it the organization.
    #[serde(serialize_with = "team_id")]
    #[schemars(with = "Option<TeamId>")]
    pub team: Option<Arc<Team>>,
    /// The user it belongs to.
    #[serde(serialize_with = "user_id")]
    #[schemars(with = "Option<UserId>")]
    pub user: Option<Arc<User>>,
    /// What it may do beside calling models: nothing where none is said.
    pub role: Option<Role>,
    /// Which models it may call; all where none is said. The patterns of user, team and organization hold beside them.
    pub models: Option<Vec<ModelPattern>>,
    /// From when on it is refused.
    #[schemars(with = "Option<crate::schema::Time>")]
    pub expires_at: Option<Timestamp>,
    /// Whether it is refused now.
    pub blocked: bool,
    /// The tokens of answer that a call is reserved at which states no bound of its own.
    pub assume_output: Option<u64>,
    /// Tags of every call made with it.
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<Arc<str>>,
    /// What its owner wants to remember.
    pub metadata: Map<String, Value>,
    /// Whether the limits of the configuration hold for it, because it was made without limits of its own.
    #[serde(skip)]
    pub default_limits: bool,
    /// Whether it stands for whoever comes with a token of its user for its team. Such a key has no secret.
    pub login: bool,
    /// When it was made.
    #[schemars(with = "crate::schema::Time")]
    pub created_at: Timestamp,
}

fn team_id<S: Serializer>(team: &Option<Arc<Team>>, serializer: S) -> Result<S::Ok, S::Error> {
    team.as_ref().map(|team| &team.id).serialize(serializer)
}

fn user_id<S: Serializer>(user: &Option<Arc<User>>, serializer: S) -> Result<S::Ok, S::Error> {
    user.as_ref().map(|user| &user.id).serialize(serializer)
}

impl VirtualKey {
    /// The organization of its team.
    pub fn organization(&self) -> Option<&Arc<Organization>> {
        self.team.as_ref()?.organization.as_ref()
    }

    /// Whether it belongs to this team.
    pub fn is_of_team(&self, team: &TeamId) -> bool {
        self.team.as_ref().is_some_and(|own| own.id == *team)
    }

    /// Whether it belongs to this user.
    pub fn is_of_user(&self, user: &UserId) -> bool {
        self.user.as_ref().is_some_and(|own| own.id == *user)
    }

    /// Whether the key may be used now: neither expired nor blocked, and nobody blocked to whom it belongs.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        let blocked = |whose: &str| Err(Error::new(ErrorKind::KeyBlocked, format!("{whose} is blocked")));
        if self.blocked {
            return blocked("this API key");
        }
        if self.user.as_ref().is_some_and(|user| user.blocked) {
            return blocked("the user of this API key");
        }
        if self.team.as_ref().is_some_and(|team| team.blocked) {
            return blocked("the team of this API key");
        }
        if self.organization().is_some_and(|organization| organization.blocked) {
            return blocked("the organization of this API key");
        }
        match self.expires_at {
            Some(end) if end <= now => {
                Err(Error::new(ErrorKind::KeyExpired, format!("this API key has expired on {end}")))
            }
            _ => Ok(()),
        }
    }

    /// Every list of models that holds for it: its own, and those of whom it belongs to.
    fn lists(&self) -> impl Iterator<Item = &[ModelPattern]> {
        let own = self.models.as_deref();
        let user = self.user.as_ref().and_then(|user| user.models.as_deref());
        let team = self.team.as_ref().and_then(|team| team.models.as_deref());
        let organization = self.organization().and_then(|organization| organization.models.as_deref());
        [own, user, team, organization].into_iter().flatten()
    }

    /// Whether a call of the model `asked` may be served by `deployment` (`provider:model`). Every list must admit the
    /// name, and with it whatever the configuration puts behind it, or else this one deployment.
    pub fn allows(&self, asked: &str, deployment: &str) -> bool {
        self.lists().all(|models| models.iter().any(|pattern| pattern.matches(asked) || pattern.matches(deployment)))
    }

    /// The error of a key that may not call a model.
    pub fn not_allowed(asked: &str) -> Error {
        let message = format!("this API key may not call the model `{asked}`");
        Error::new(ErrorKind::ModelNotAllowed, message).with_param("model")
    }

    /// Whose calls its calls are: what decides which limits apply, but for tags, end user and models.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            key: self.id.as_str(),
            team: self.team.as_ref().map(|team| team.id.as_str()),
            user: self.user.as_ref().map(|user| user.id.as_str()),
            organization: self.organization().map(|organization| organization.id.as_str()),
            ..Subject::default()
        }
    }

    /// The scope of the limits that are the key's own.
    pub fn scope(&self) -> Scope {
        Scope::key(self.id.as_str())
    }
}
