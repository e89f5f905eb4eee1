//! Whom keys belong to, as it is held in memory: organizations, their teams, and users.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Identity, OrganizationId, Role, TeamId, UserId};
use crate::limits::{ModelPattern, Scope, ScopeKind};

/// Teams that share limits and a list of models.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name; unique.
    pub name: String,
    /// Which models its keys may call; all where none is said.
    pub models: Option<Vec<ModelPattern>>,
    /// Whether its keys are refused now.
    pub blocked: bool,
    /// What its owner wants to remember.
    pub metadata: Map<String, Value>,
    /// When it was made.
    #[schemars(with = "crate::schema::Time")]
    pub created_at: Timestamp,
}

/// Keys that share limits and a list of models.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name; unique.
    pub name: String,
    /// The organization it belongs to.
    #[serde(serialize_with = "organization_id")]
    #[schemars(with = "Option<OrganizationId>")]
    pub organization: Option<Arc<Organization>>,
    /// Which models its keys may call; all where none is said.
    pub models: Option<Vec<ModelPattern>>,
    /// Whether its keys are refused now.
    pub blocked: bool,
    /// What its owner wants to remember.
    pub metadata: Map<String, Value>,
    /// When it was made.
    #[schemars(with = "crate::schema::Time")]
    pub created_at: Timestamp,
}

fn organization_id<S: Serializer>(found: &Option<Arc<Organization>>, serializer: S) -> Result<S::Ok, S::Error> {
    found.as_ref().map(|organization| &organization.id).serialize(serializer)
}

/// Someone, or something, that has keys and is a member of teams.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its name; unique.
    pub name: String,
    /// Its address; unique.
    pub email: Option<String>,
    /// What it may do everywhere. A team administrator here is one in every team it is a member of.
    pub role: Role,
    /// The teams it is a member of.
    pub teams: Vec<Membership>,
    /// What identity providers call it: who comes with a token that says so is this user.
    pub identities: Vec<Identity>,
    /// Which models its keys may call; all where none is said.
    pub models: Option<Vec<ModelPattern>>,
    /// Whether its keys are refused now.
    pub blocked: bool,
    /// What is remembered of it.
    pub metadata: Map<String, Value>,
    /// When it was made.
    #[schemars(with = "crate::schema::Time")]
    pub created_at: Timestamp,
}

/// What a user is in one team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// A member, or an administrator of this team.
    pub role: Role,
}

impl User {
    /// Whether it is a member of a team.
    pub fn is_in(&self, team: &TeamId) -> bool {
        self.teams.iter().any(|membership| membership.team == *team)
    }

    /// Whether it may administer a team that it is a member of.
    pub fn administers(&self, team: &TeamId) -> bool {
        let everywhere = matches!(self.role, Role::Administrator | Role::TeamAdministrator);
        self.teams
            .iter()
            .any(|membership| membership.team == *team && (everywhere || membership.role == Role::TeamAdministrator))
    }

    /// The teams it may administer.
    pub fn administered(&self) -> Vec<TeamId> {
        let teams = self.teams.iter().map(|membership| &membership.team);
        teams.filter(|team| self.administers(team)).cloned().collect()
    }

    /// Whether a key of this user, for `team` if any, may have a role.
    pub fn reaches(&self, role: Role, team: Option<&str>) -> bool {
        match role {
            Role::Administrator => self.role == Role::Administrator,
            Role::Auditor => matches!(self.role, Role::Administrator | Role::Auditor),
            Role::TeamAdministrator => match team {
                Some(team) => self.administers(&TeamId::new(team)),
                None => !self.administered().is_empty(),
            },
            Role::Member => true,
        }
    }

    /// The scope of the user's limits.
    pub fn scope(&self) -> Scope {
        Scope::new(ScopeKind::User, self.id.as_str())
    }
}

impl Organization {
    /// The scope of the organization's limits.
    pub fn scope(&self) -> Scope {
        Scope::new(ScopeKind::Organization, self.id.as_str())
    }
}

impl Team {
    /// The scope of the team's limits.
    pub fn scope(&self) -> Scope {
        Scope::new(ScopeKind::Team, self.id.as_str())
    }
}
