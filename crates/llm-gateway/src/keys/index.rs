//! What calls and lists look things up in.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};

use super::rows::{KeyRow, TeamRow};
use super::{
    Identity, KeyHash, KeyId, Organization, OrganizationId, PriceOverride, Team, TeamId, User, UserId, VirtualKey,
};
use crate::limits::{Limit, LimitId};

/// Everything in the database that is held in memory. Ids sort by age.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_hash: HashMap<KeyHash, Secret>,
    keys: BTreeMap<KeyId, Entry>,
    organizations: BTreeMap<OrganizationId, Arc<Organization>>,
    teams: BTreeMap<TeamId, Arc<Team>>,
    users: BTreeMap<UserId, Arc<User>>,
    by_identity: HashMap<Identity, UserId>,
    /// The keys of those who come with tokens, by user and team.
    logins: HashMap<(UserId, Option<TeamId>), KeyId>,
    limits: BTreeMap<LimitId, Arc<Limit>>,
    settings: HashMap<String, Arc<str>>,
    prices: BTreeMap<String, Arc<PriceOverride>>,
}

/// One secret of a key.
#[derive(Debug)]
struct Secret {
    key: Arc<VirtualKey>,
    /// From when on it is no longer one, if the key has got another.
    until: Option<Timestamp>,
}

#[derive(Debug)]
struct Entry {
    key: Arc<VirtualKey>,
    secrets: Vec<(KeyHash, Option<Timestamp>)>,
}

impl Index {
    pub(super) fn by_hash(&self, hash: &KeyHash, now: Timestamp) -> Option<Arc<VirtualKey>> {
        let secret = self.by_hash.get(hash)?;
        if secret.until.is_some_and(|until| until <= now) { None } else { Some(Arc::clone(&secret.key)) }
    }

    pub(super) fn key(&self, id: &KeyId) -> Option<Arc<VirtualKey>> {
        self.keys.get(id).map(|entry| Arc::clone(&entry.key))
    }

    pub(super) fn keys(&self, after: Option<&KeyId>) -> impl Iterator<Item = &Arc<VirtualKey>> {
        newest_first(&self.keys, after).map(|entry| &entry.key)
    }

    /// The key of a user who comes with a token for a team.
    pub(super) fn key_of_login(&self, user: &UserId, team: Option<&TeamId>) -> Option<Arc<VirtualKey>> {
        self.key(self.logins.get(&(user.clone(), team.cloned()))?)
    }

    pub(super) fn organization(&self, id: &OrganizationId) -> Option<Arc<Organization>> {
        self.organizations.get(id).cloned()
    }

    pub(super) fn organizations(&self, after: Option<&OrganizationId>) -> impl Iterator<Item = &Arc<Organization>> {
        newest_first(&self.organizations, after)
    }

    /// The organization of that id or name.
    pub(super) fn named_organization(&self, text: &str) -> Option<Arc<Organization>> {
        let named = || self.organizations(None).find(|organization| organization.name == text).cloned();
        self.organization(&OrganizationId::new(text)).or_else(named)
    }

    pub(super) fn team(&self, id: &TeamId) -> Option<Arc<Team>> {
        self.teams.get(id).cloned()
    }

    pub(super) fn teams(&self, after: Option<&TeamId>) -> impl Iterator<Item = &Arc<Team>> {
        newest_first(&self.teams, after)
    }

    /// The team of that id or name.
    pub(super) fn named_team(&self, text: &str) -> Option<Arc<Team>> {
        self.team(&TeamId::new(text)).or_else(|| self.teams(None).find(|team| team.name == text).cloned())
    }

    pub(super) fn user(&self, id: &UserId) -> Option<Arc<User>> {
        self.users.get(id).cloned()
    }

    /// The user that someone is.
    pub(super) fn identified(&self, identity: &Identity) -> Option<Arc<User>> {
        self.user(self.by_identity.get(identity)?)
    }

    pub(super) fn users(&self, after: Option<&UserId>) -> impl Iterator<Item = &Arc<User>> {
        newest_first(&self.users, after)
    }

    pub(super) fn limit(&self, id: &LimitId) -> Option<Arc<Limit>> {
        self.limits.get(id).cloned()
    }

    pub(super) fn limits(&self, after: Option<&LimitId>) -> impl Iterator<Item = &Arc<Limit>> {
        newest_first(&self.limits, after)
    }

    pub(super) fn setting(&self, name: &str) -> Option<Arc<str>> {
        self.settings.get(name).cloned()
    }

    /// Puts a key, bound to whom it belongs to. One that belongs to nobody known is refused and taken out: it must not
    /// be wider than it is meant to be.
    pub(super) fn put_key(&mut self, row: KeyRow) -> Result<()> {
        let KeyRow { mut key, team, user, secrets } = row;
        self.remove_key(&key.id);
        key.team = team.map(|id| self.team(&id).ok_or_else(|| unbound("team", &id))).transpose()?;
        key.user = user.map(|id| self.user(&id).ok_or_else(|| unbound("user", &id))).transpose()?;
        let key = Arc::new(key);
        for (hash, until) in &secrets {
            self.by_hash.insert(*hash, Secret { key: Arc::clone(&key), until: *until });
        }
        if let (true, Some(user)) = (key.login, &key.user) {
            let team = key.team.as_ref().map(|team| team.id.clone());
            self.logins.insert((user.id.clone(), team), key.id.clone());
        }
        self.keys.insert(key.id.clone(), Entry { key, secrets });
        Ok(())
    }

    pub(super) fn remove_key(&mut self, id: &KeyId) {
        if let Some(entry) = self.keys.remove(id) {
            for (hash, _) in &entry.secrets {
                self.by_hash.remove(hash);
            }
            if entry.key.login {
                self.logins.retain(|_, key| key != id);
            }
        }
    }

    /// Puts an organization, and binds its teams and their keys to it as it now is.
    pub(super) fn put_organization(&mut self, organization: Organization) {
        let organization = Arc::new(organization);
        self.organizations.insert(organization.id.clone(), Arc::clone(&organization));
        let is_of = |team: &&Arc<Team>| team.organization.as_ref().is_some_and(|own| own.id == organization.id);
        let teams: Vec<Team> = self.teams.values().filter(is_of).map(|team| Team::clone(team)).collect();
        for team in teams {
            self.put_bound_team(Team { organization: Some(Arc::clone(&organization)), ..team });
        }
    }

    pub(super) fn remove_organization(&mut self, id: &OrganizationId) {
        self.organizations.remove(id);
    }

    /// Puts a team, and binds its keys to it as it now is.
    pub(super) fn put_team(&mut self, row: TeamRow) -> Result<()> {
        let TeamRow { mut team, organization } = row;
        let organization = organization.map(|id| self.organization(&id).ok_or_else(|| unbound("organization", &id)));
        team.organization = organization.transpose()?;
        self.put_bound_team(team);
        Ok(())
    }

    fn put_bound_team(&mut self, team: Team) {
        let team = Arc::new(team);
        self.teams.insert(team.id.clone(), Arc::clone(&team));
        self.rebind(|key| key.is_of_team(&team.id), |key| key.team = Some(Arc::clone(&team)));
    }

    pub(super) fn remove_team(&mut self, id: &TeamId) {
        self.teams.remove(id);
    }

    /// Puts a user, and binds its keys to it as it now is.
    pub(super) fn put_user(&mut self, user: User) {
        let user = Arc::new(user);
        self.remove_user(&user.id);
        self.by_identity.extend(user.identities.iter().map(|identity| (identity.clone(), user.id.clone())));
        self.users.insert(user.id.clone(), Arc::clone(&user));
        self.rebind(|key| key.is_of_user(&user.id), |key| key.user = Some(Arc::clone(&user)));
    }

    pub(super) fn remove_user(&mut self, id: &UserId) {
        let Some(gone) = self.users.remove(id) else { return };
        for identity in &gone.identities {
            // Another user may have got it meanwhile.
            if self.by_identity.get(identity) == Some(id) {
                self.by_identity.remove(identity);
            }
        }
    }

    /// Changes the keys that are meant.
    fn rebind(&mut self, is_meant: impl Fn(&VirtualKey) -> bool, change: impl Fn(&mut VirtualKey)) {
        for entry in self.keys.values_mut().filter(|entry| is_meant(&entry.key)) {
            let mut key = VirtualKey::clone(&entry.key);
            change(&mut key);
            entry.key = Arc::new(key);
            for (hash, until) in &entry.secrets {
                self.by_hash.insert(*hash, Secret { key: Arc::clone(&entry.key), until: *until });
            }
        }
    }

    pub(super) fn put_limit(&mut self, limit: Limit) {
        self.limits.insert(limit.id.clone(), Arc::new(limit));
    }

    pub(super) fn remove_limit(&mut self, id: &LimitId) {
        self.limits.remove(id);
    }

    pub(super) fn put_setting(&mut self, name: String, value: Option<String>) {
        match value {
            Some(value) => self.settings.insert(name, value.into()),
            None => self.settings.remove(&name),
        };
    }

    pub(super) fn put_price(&mut self, price: PriceOverride) {
        self.prices.insert(price.id.clone(), Arc::new(price));
    }

    pub(super) fn remove_price(&mut self, id: &str) {
        self.prices.remove(id);
    }

    pub(super) fn price(&self, id: &str) -> Option<Arc<PriceOverride>> {
        self.prices.get(id).cloned()
    }

    /// All of them, by id.
    pub(super) fn prices(&self) -> impl Iterator<Item = &Arc<PriceOverride>> {
        self.prices.values()
    }

    pub(super) fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    pub(super) fn limit_ids(&self) -> impl Iterator<Item = &LimitId> {
        self.limits.keys()
    }
}

/// The error of a row that belongs to something which is not there.
fn unbound(what: &str, id: &impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("it belongs to the {what} `{id}`, which is not there"))
}

/// The values of a map from its last key down, beginning below `after`.
fn newest_first<'a, K: Ord, V>(map: &'a BTreeMap<K, V>, after: Option<&K>) -> impl Iterator<Item = &'a V> {
    let end = after.map_or(Bound::Unbounded, Bound::Excluded);
    map.range((Bound::Unbounded, end)).rev().map(|(_, value)| value)
}
