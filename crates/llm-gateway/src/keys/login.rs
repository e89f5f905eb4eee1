//! From a token to the key that stands for whoever presents it.
//!
//! There is one way to be let in, which is a key. Who comes with a token has one, too: it is made when they come for the
//! first time, has no secret, and is bound to their user and to the team that the token names. So limits, lists of
//! models, blocks, records, reports and stored objects know of no other kind of caller. Only what a token says anew each
//! time is taken from the token: the role, and with it which teams that role is one of.

use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};

use super::index::Index;
use super::{Identified, Keys, Membership, Organization, Role, Team, User, VirtualKey};

/// How long the database may take to let someone in for the first time.
const PATIENCE: Duration = Duration::from_secs(5);

impl Keys {
    /// The key of whoever was identified; made, with their user, where this is the first time.
    pub(crate) async fn log_in(&self, who: &Identified) -> Result<Arc<VirtualKey>> {
        if let Some(key) = self.index().login(who)? {
            return Ok(Arc::new(key));
        }
        match tokio::time::timeout(PATIENCE, self.admit(who)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() != ErrorKind::Internal => return Err(error),
            Ok(Err(error)) => return Err(no_database().with_source(error)),
            Err(_) => return Err(no_database()),
        }
        match self.index().login(who)? {
            Some(key) => Ok(Arc::new(key)),
            None => Err(Error::new(ErrorKind::Conflict, "this user was deleted at this moment")),
        }
    }
}

impl Index {
    /// The key of whoever was identified, as the token binds it; none where something must be made first. An error
    /// where it must be there already.
    pub(super) fn login(&self, who: &Identified) -> Result<Option<VirtualKey>> {
        let user = self.identified(&who.identity);
        if user.is_none() && !who.makes.user && !who.makes.tie {
            return Err(unknown_user());
        }
        let team = match self.team_of(who)? {
            Found::None => None,
            Found::Is(team) => Some(team),
            Found::Missing(_) => return Ok(None),
        };
        let Some(key) = user.and_then(|user| self.key_of_login(&user.id, team.as_ref().map(|team| &team.id))) else {
            return Ok(None);
        };
        Ok(Some(as_said(&key, who)))
    }

    /// The team that someone's calls belong to.
    pub(super) fn team_of<'a>(&self, who: &'a Identified) -> Result<Found<'a, Team>> {
        let found = who.teams.iter().find_map(|said| self.named_team(said));
        let Some(team) = found else {
            return match who.teams.first() {
                None => Ok(Found::None),
                // The organization that it is to be made in must be allowed to be there, too.
                Some(first) if who.makes.team => self.organization_of(who).map(|_| Found::Missing(first)),
                Some(first) => Err(denied(format!("there is no team `{first}` here, which this token names"))),
            };
        };
        match self.organization_of(who)? {
            Found::None => Ok(Found::Is(team)),
            Found::Is(organization) if team.organization.as_ref().is_some_and(|own| own.id == organization.id) => {
                Ok(Found::Is(team))
            }
            Found::Is(_) | Found::Missing(_) => {
                Err(denied(format!("the team `{}` is not of the organization that this token names", team.name)))
            }
        }
    }

    /// The organization that someone's team must belong to.
    pub(super) fn organization_of<'a>(&self, who: &'a Identified) -> Result<Found<'a, Organization>> {
        let found = who.organizations.iter().find_map(|said| self.named_organization(said));
        match (found, who.organizations.first()) {
            (Some(organization), _) => Ok(Found::Is(organization)),
            (None, None) => Ok(Found::None),
            (None, Some(first)) if who.makes.organization => Ok(Found::Missing(first)),
            (None, Some(first)) => {
                Err(denied(format!("there is no organization `{first}` here, which this token names")))
            }
        }
    }
}

/// What a token names.
pub(super) enum Found<'a, T> {
    /// Nothing.
    None,
    /// Something that is there.
    Is(Arc<T>),
    /// Something that is not there and may be made.
    Missing(&'a str),
}

/// A key as whoever was identified has it.
fn as_said(key: &VirtualKey, who: &Identified) -> VirtualKey {
    let mut key = key.clone();
    let team = key.team.as_ref().map(|team| team.id.clone());
    match (who.role, &key.user) {
        (Some(role), Some(user)) => {
            // The issuer decides, so what is said of the user here gives nothing more.
            let teams = team.into_iter().map(|team| Membership { team, role: Role::Member }).collect();
            key.user = Some(Arc::new(User { role, teams, ..User::clone(user) }));
            key.role = Some(role);
        }
        (None, Some(user)) => {
            let team = team.as_ref().map(|team| team.as_str());
            key.role = Role::ALL.iter().copied().find(|role| user.reaches(*role, team));
        }
        (_, None) => key.role = None,
    }
    key
}

fn no_database() -> Error {
    Error::new(ErrorKind::Overloaded, "nobody can be let in for the first time while the database does not answer")
}

/// The error of who is nobody here.
pub(super) fn unknown_user() -> Error {
    denied("this token is of nobody who is a user here".to_owned())
        .with_hint("ask the administrator of this gateway to make a user with this identity")
}

fn denied(message: String) -> Error {
    Error::new(ErrorKind::PermissionDenied, message)
}
