//! Who asks, and how far that reaches.
//!
//! A role is checked twice: against the route's [`Rule`](super::Rule), before anything is read, and here, against the
//! one thing that is asked for. What lies out of reach is not there: it is answered like an id that nothing has.

use std::borrow::Cow;
use std::sync::Arc;

use llm_core::{Error, ErrorKind, Result};

use crate::author::Author;
use crate::keys::{Role, Team, TeamId, User, UserId, VirtualKey, not_found};
use crate::record::CallRecord;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// What it may do.
    pub(super) role: Role,
    /// The key that was presented, if it is not the administrator's own.
    pub(super) key: Option<Arc<VirtualKey>>,
    /// The user that it belongs to.
    pub(super) user: Option<Arc<User>>,
    /// The teams that it administers, if that is its role.
    teams: Vec<TeamId>,
    /// The one team that it is its user in, where it is not so in all. Whoever administers a team can make keys there for
    /// its members, and give such a key a new secret: so a key of a team proves nothing of its user elsewhere. A token
    /// proves who comes with it.
    within: Option<TeamId>,
}

impl Actor {
    /// Who presents the administrator's own key.
    pub(super) fn administrator() -> Self {
        Self { role: Role::Administrator, key: None, user: None, teams: Vec::new(), within: None }
    }

    /// Who presents a virtual key; none where the key carries no role. A role reaches no further than the user's.
    pub(super) fn of_key(key: Arc<VirtualKey>) -> Option<Self> {
        let (said, user) = (key.role?, key.user.clone());
        let team = key.team.as_ref().map(|team| team.id.clone());
        let reaches = |user: &Arc<User>| user.reaches(said, team.as_ref().map(TeamId::as_str));
        let role = if user.as_ref().is_none_or(reaches) { said } else { Role::Member };
        let teams = match (role, &team, &user) {
            (Role::TeamAdministrator, Some(team), _) => vec![team.clone()],
            (Role::TeamAdministrator, None, Some(user)) => user.administered(),
            _ => Vec::new(),
        };
        let within = team.filter(|_| !key.login);
        Some(Self { role, key: Some(key), user, teams, within })
    }

    /// What the audit log says of whatever it changes.
    pub(super) fn author(&self) -> Author {
        match &self.key {
            Some(key) => Author::Key { key: key.id.clone(), user: self.user.as_ref().map(|user| user.id.clone()) },
            None => Author::Administrator,
        }
    }

    /// Whether it may see everything.
    pub(super) fn sees_everything(&self) -> bool {
        matches!(self.role, Role::Administrator | Role::Auditor)
    }

    /// Whether it may change everything.
    pub(super) fn is_administrator(&self) -> bool {
        self.role == Role::Administrator
    }

    /// Whether it administers a team.
    pub(super) fn administers(&self, team: &TeamId) -> bool {
        self.is_administrator() || self.teams.contains(team)
    }

    /// The teams that it administers; only asked of those who see not everything.
    pub(super) fn teams(&self) -> &[TeamId] {
        &self.teams
    }

    /// Whether it may know of a team.
    pub(super) fn sees_team(&self, team: &TeamId) -> bool {
        self.sees_everything()
            || self.teams.contains(team)
            || self.user.as_ref().is_some_and(|user| user.is_in(team) && self.is_own(&user.id, Some(team)))
            || self.key.as_ref().is_some_and(|key| key.is_of_team(team))
    }

    /// Whether it may know of a user; how much of it, [`Actor::known_of`] and [`Actor::sees_whole`] say.
    pub(super) fn sees_user(&self, user: &User) -> bool {
        self.sees_everything() || self.is_user(&user.id) || self.teams.iter().any(|team| user.is_in(team))
    }

    /// Whether it may know all that is counted for a user, in whichever team: limits of a user are over all of them.
    pub(super) fn sees_whole(&self, user: &User) -> bool {
        let is_within = || user.teams.iter().all(|membership| self.sees_membership(user, &membership.team));
        self.sees_everything() || self.is_own(&user.id, None) || (self.sees_user(user) && is_within())
    }

    /// What it may know of a user that it sees: of others, and of its own with the key of a team, only what they are in
    /// its own teams, and not what identity providers call them.
    pub(super) fn known_of<'a>(&self, user: &'a User) -> Cow<'a, User> {
        if self.sees_everything() || self.is_own(&user.id, None) {
            return Cow::Borrowed(user);
        }
        let teams = user.teams.iter().filter(|membership| self.sees_membership(user, &membership.team)).cloned();
        Cow::Owned(User { teams: teams.collect(), identities: Vec::new(), ..user.clone() })
    }

    fn sees_membership(&self, user: &User, team: &TeamId) -> bool {
        self.sees_everything() || self.teams.contains(team) || self.is_own(&user.id, Some(team))
    }

    /// Whether it may know of a key.
    pub(super) fn sees_key(&self, key: &VirtualKey) -> bool {
        self.sees_everything()
            || key.team.as_ref().is_some_and(|team| self.teams.contains(&team.id))
            || self.owns(key)
            || self.is_key(key)
    }

    /// Whether what a user has, in `team` or in none, is its own.
    fn is_own(&self, user: &UserId, team: Option<&TeamId>) -> bool {
        self.is_user(user) && self.within.as_ref().is_none_or(|within| team == Some(within))
    }

    /// Whether a key is one of its user's, as far as it is this user.
    fn owns(&self, key: &VirtualKey) -> bool {
        let team = key.team.as_ref().map(|team| &team.id);
        key.user.as_ref().is_some_and(|user| self.is_own(&user.id, team))
    }

    fn is_user(&self, user: &UserId) -> bool {
        self.user.as_ref().is_some_and(|own| own.id == *user)
    }

    fn is_key(&self, key: &VirtualKey) -> bool {
        self.key.as_ref().is_some_and(|own| own.id == key.id)
    }

    /// The team, if it may know of it.
    pub(super) fn team(&self, found: Option<Arc<Team>>, asked: &str) -> Result<Arc<Team>> {
        found.filter(|team| self.sees_team(&team.id)).ok_or_else(|| not_found("team", asked))
    }

    /// The team, if it may administer it.
    pub(super) fn own_team(&self, found: Option<Arc<Team>>, asked: &str) -> Result<Arc<Team>> {
        let team = self.team(found, asked)?;
        if self.administers(&team.id) { Ok(team) } else { Err(out_of_reach()) }
    }

    /// The user, if it may know of it.
    pub(super) fn any_user(&self, found: Option<Arc<User>>, asked: &str) -> Result<Arc<User>> {
        found.filter(|user| self.sees_user(user)).ok_or_else(|| not_found("user", asked))
    }

    /// The user, if it may change it: a team administrator changes those who are in its own teams only and whose role
    /// is no higher than its own, and nobody but an administrator itself.
    pub(super) fn own_user(&self, found: Option<Arc<User>>, asked: &str) -> Result<Arc<User>> {
        let user = self.any_user(found, asked)?;
        let is_lower = matches!(user.role, Role::Member | Role::TeamAdministrator);
        let is_within = user.teams.iter().all(|membership| self.teams.contains(&membership.team));
        if self.is_administrator() || (is_lower && is_within && !self.is_user(&user.id)) {
            return Ok(user);
        }
        Err(out_of_reach())
    }

    /// The key, if it may know of it.
    pub(super) fn any_key(&self, found: Option<Arc<VirtualKey>>, asked: &str) -> Result<Arc<VirtualKey>> {
        found.filter(|key| self.sees_key(key)).ok_or_else(|| not_found("key", asked))
    }

    /// The key, if it may change it: a team administrator changes those of its teams whose role is no higher than its
    /// own, and nobody but an administrator the key that it presents.
    pub(super) fn own_key(&self, found: Option<Arc<VirtualKey>>, asked: &str) -> Result<Arc<VirtualKey>> {
        let key = self.any_key(found, asked)?;
        let is_within = key.team.as_ref().is_some_and(|team| self.teams.contains(&team.id));
        if self.is_administrator() || (is_within && self.may_give(key.role) && !self.is_key(&key)) {
            return Ok(key);
        }
        Err(out_of_reach())
    }

    /// The key, if it may give it a new secret: whoever may change it, and its owner. A secret opens all that its key
    /// may do, so no role may be higher than that of whoever asks.
    pub(super) fn rotatable_key(&self, found: Option<Arc<VirtualKey>>, asked: &str) -> Result<Arc<VirtualKey>> {
        let key = self.any_key(found, asked)?;
        let is_own = self.is_key(&key) || self.owns(&key);
        let is_lower = self.may_give(key.role) || self.is_key(&key);
        if self.role != Role::Auditor && is_own && is_lower { Ok(key) } else { self.own_key(Some(key), asked) }
    }

    /// Narrows what calls and sums are asked for to those that it may see: all, those of one team that it administers,
    /// or its own.
    pub(super) fn narrow(
        &self,
        key: &mut Option<String>,
        team: &mut Option<String>,
        user: &mut Option<String>,
    ) -> Result<()> {
        if self.sees_everything() {
            return Ok(());
        }
        if self.role == Role::TeamAdministrator {
            if let ([only], None) = (&self.teams[..], &team) {
                *team = Some(only.to_string());
            }
            let missing = || Error::invalid_request("say of which `team`").with_param("team");
            let asked = TeamId::new(team.as_deref().ok_or_else(missing)?);
            return if self.teams.contains(&asked) { Ok(()) } else { Err(not_found("team", asked.as_str())) };
        }
        match (&self.user, &self.key, &self.within) {
            (Some(own), _, None) => narrow_to("user", user, own.id.as_str()),
            (Some(own), _, Some(within)) => {
                narrow_to("user", user, own.id.as_str())?;
                narrow_to("team", team, within.as_str())
            }
            (None, Some(own), _) => narrow_to("key", key, own.id.as_str()),
            (None, None, _) => Err(out_of_reach()),
        }
    }

    /// Whether it may see a call.
    pub(super) fn sees_call(&self, call: &CallRecord) -> bool {
        let team = call.team.as_deref().map(TeamId::new);
        self.sees_everything()
            || team.as_ref().is_some_and(|team| self.teams.contains(team))
            || call.user.as_deref().is_some_and(|user| self.is_own(&UserId::new(user), team.as_ref()))
            || self.key.as_ref().is_some_and(|key| call.key.as_deref() == Some(key.id.as_str()))
    }

    /// Whether it may make keys of a role.
    pub(super) fn may_give(&self, role: Option<Role>) -> bool {
        match self.role {
            Role::Administrator => true,
            Role::TeamAdministrator => matches!(role, None | Some(Role::Member | Role::TeamAdministrator)),
            Role::Member => matches!(role, None | Some(Role::Member)),
            Role::Auditor => false,
        }
    }
}

/// Narrows a filter to the one thing that may be asked for. Whoever asks for another is told that there is none.
fn narrow_to(name: &str, filter: &mut Option<String>, own: &str) -> Result<()> {
    if let Some(asked) = filter.as_deref().filter(|asked| *asked != own) {
        return Err(not_found(name, asked));
    }
    *filter = Some(own.to_owned());
    Ok(())
}

/// The error of who sees a thing and may not change it.
pub(super) fn out_of_reach() -> Error {
    Error::new(ErrorKind::PermissionDenied, "the role of this key does not reach that far")
}
