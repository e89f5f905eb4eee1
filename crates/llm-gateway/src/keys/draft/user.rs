//! What is said to make or change a user.

use llm_core::Result;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{check_tenant, said, wrong};
use crate::keys::{Identity, Role};
use crate::limits::{LimitSpec, ModelPattern};

/// The most teams of one user.
const MAX_TEAMS: usize = 1_000;
/// The most identities of one user.
const MAX_IDENTITIES: usize = 32;

/// A user to be made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserDraft {
    /// Its name; no other user may have it.
    pub name: String,
    /// Its address; no other user may have it.
    #[serde(default)]
    pub email: Option<String>,
    /// What it may do; what a member may, unless said.
    #[serde(default)]
    pub role: Option<Role>,
    /// The teams it is a member of.
    #[serde(default)]
    pub teams: Vec<MembershipDraft>,
    /// What identity providers call it; no other user may have one of them.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// Which models its keys may call; all unless said.
    #[serde(default)]
    pub models: Option<Vec<ModelPattern>>,
    /// Its limits.
    #[serde(default)]
    pub limits: Vec<LimitSpec>,
    /// What is to be remembered of it.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// A team, by its id or name, and what the user is to be in it: `"search"`, or
/// `{"team":"search","role":"team_administrator"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "Said")]
pub struct MembershipDraft {
    /// The id or name of the team.
    pub team: String,
    /// A member unless said.
    pub role: Role,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a team, or `{\"team\":…,\"role\":…}`")]
enum Said {
    Team(String),
    Membership(Membership),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Membership {
    team: String,
    #[serde(default)]
    role: Option<Role>,
}

impl From<Said> for MembershipDraft {
    fn from(said: Said) -> Self {
        match said {
            Said::Team(team) => Self { team, role: Role::Member },
            Said::Membership(Membership { team, role }) => Self { team, role: role.unwrap_or(Role::Member) },
        }
    }
}

/// A change of a user. A member that is not said stays; one that is said as null becomes nothing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// A new name.
    #[serde(default)]
    pub name: Option<String>,
    /// A new address; null for none.
    #[serde(default, deserialize_with = "said")]
    pub email: Option<Option<String>>,
    /// What it may do.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether its keys are refused.
    #[serde(default)]
    pub blocked: Option<bool>,
    /// The teams it is a member of, in the place of those it was.
    #[serde(default)]
    pub teams: Option<Vec<MembershipDraft>>,
    /// What identity providers call it, in the place of all that they did.
    #[serde(default)]
    pub identities: Option<Vec<Identity>>,
    /// Which models its keys may call; null for all.
    #[serde(default, deserialize_with = "said")]
    pub models: Option<Option<Vec<ModelPattern>>>,
    /// Its limits, in the place of all that it has.
    #[serde(default)]
    pub limits: Option<Vec<LimitSpec>>,
    /// What is remembered, in the place of what was.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl MembershipDraft {
    /// Refuses a role that is none within a team.
    pub(in crate::keys) fn check(&self) -> Result<()> {
        match self.role {
            Role::Member | Role::TeamAdministrator => Ok(()),
            role => Err(wrong("teams", format_args!("can't give the role `{role}`: it is one of no team"))),
        }
    }
}

fn check_teams(teams: &[MembershipDraft]) -> Result<()> {
    if teams.len() > MAX_TEAMS {
        return Err(wrong("teams", format_args!("has more than {MAX_TEAMS} entries")));
    }
    teams.iter().try_for_each(MembershipDraft::check)
}

fn check_identities(identities: &[Identity]) -> Result<()> {
    if identities.len() > MAX_IDENTITIES {
        return Err(wrong("identities", format_args!("has more than {MAX_IDENTITIES} entries")));
    }
    identities.iter().try_for_each(Identity::check)
}

fn check_email(email: Option<&str>) -> Result<()> {
    let is_address = |email: &str| {
        let whole = email.len() <= 320 && !email.chars().any(|char| char.is_control() || char.is_whitespace());
        whole && email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
    };
    if email.is_none_or(is_address) {
        Ok(())
    } else {
        Err(wrong("email", "is not an address such as `ada@example.org`"))
    }
}

impl UserDraft {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        check_email(self.email.as_deref())?;
        check_teams(&self.teams)?;
        check_identities(&self.identities)?;
        check_tenant(Some(&self.name), self.models.as_deref(), Some(&self.limits), Some(&self.metadata))
    }
}

impl UserPatch {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        check_email(self.email.as_ref().and_then(Option::as_deref))?;
        check_teams(self.teams.as_deref().unwrap_or_default())?;
        check_identities(self.identities.as_deref().unwrap_or_default())?;
        let models = self.models.as_ref().and_then(Option::as_deref);
        check_tenant(self.name.as_deref(), models, self.limits.as_deref(), self.metadata.as_ref())
    }
}
