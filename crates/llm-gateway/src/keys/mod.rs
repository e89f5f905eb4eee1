//! Virtual keys, the limits they are under, and whom they belong to: organizations, their teams, and users.
//!
//! The database is the truth, and all of it that calls need is held in memory: a call looks its key up there and waits
//! for no SQL. A change is written first and then read back by everyone alike, the process that made it included, so
//! nothing that was cached is ever written back.
//!
//! **Invariant:** a key is never in the index without the limits that hold for it being in the ledger.

mod adopt;
mod changes;
mod draft;
mod id;
mod identity;
mod index;
mod logged;
mod login;
mod price;
mod role;
mod rows;
pub(crate) mod secret;
mod tenant;
mod virtual_key;
mod watch;
mod write;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};

use crate::config::LimitsConfig;
use crate::limits::{Ledger, Limit, LimitId, LimitSpec, Scope, ScopeKind};
use crate::routing::Overrides;
use crate::store::Db;

pub(crate) use adopt::{Adopted, AdoptedLimit, AdoptedSecret, Adoption};
pub(crate) use draft::is_tag;
pub use draft::{
    KeyDraft, KeyPatch, MembershipDraft, OrganizationDraft, OrganizationPatch, PriceDraft, TeamDraft, TeamPatch,
    UserDraft, UserPatch,
};
pub use id::{KeyId, OrganizationId, TeamId, UserId};
pub use identity::Identity;
pub(crate) use identity::{Identified, Makes};
pub use price::{PriceOverride, Rate};
pub use role::Role;
pub use secret::KeyHash;
pub use tenant::{Membership, Organization, Team, User};
pub use virtual_key::VirtualKey;
pub use write::NewKey;
pub(crate) use write::{MAX_GRACE, not_found};

/// The longest secret that is looked up; a longer one is nobody's.
const MAX_SECRET: usize = 512;

/// All keys and limits, and whom they belong to. Shared by handle.
#[derive(Debug)]
pub struct Keys {
    db: Db,
    ledger: Ledger,
    defaults: Vec<LimitSpec>,
    config: LimitsConfig,
    index: RwLock<index::Index>,
    /// Told of every price that stands in the place of the catalogue's.
    overrides: Overrides,
    /// How far the changes have been read; held while they are applied, so that they are applied in order.
    seen: tokio::sync::Mutex<i64>,
    /// How often the index has become another one.
    age: AtomicU64,
    /// Told whenever this process has changed something.
    changed: Arc<tokio::sync::Notify>,
}

impl Keys {
    /// Reads everything into memory, and puts the limits into `ledger`.
    pub async fn open(db: Db, ledger: Ledger, config: &LimitsConfig) -> Result<Self> {
        let keys = Self {
            db,
            ledger,
            defaults: config.defaults.0.clone(),
            config: config.clone(),
            index: RwLock::default(),
            overrides: Overrides::default(),
            seen: tokio::sync::Mutex::new(-1),
            age: AtomicU64::new(0),
            changed: Arc::default(),
        };
        keys.refresh().await?;
        Ok(keys)
    }

    /// The key whose secret this is, if it may call at `now`. Nothing is said of a secret that is nobody's.
    pub fn authenticate(&self, secret: &str, now: Timestamp) -> Result<Arc<VirtualKey>> {
        let found = if secret.len() <= MAX_SECRET { self.index().by_hash(&KeyHash::of(secret), now) } else { None };
        let key = found.ok_or_else(|| Error::new(ErrorKind::InvalidApiKey, "this API key is not valid"))?;
        key.check(now)?;
        Ok(key)
    }

    /// The key that has a secret of this hash at `now`, whether or not it may call.
    pub(crate) fn of_hash(&self, hash: &KeyHash, now: Timestamp) -> Option<Arc<VirtualKey>> {
        self.index().by_hash(hash, now)
    }

    /// The key of that id.
    pub fn get(&self, id: &KeyId) -> Option<Arc<VirtualKey>> {
        self.index().key(id)
    }

    /// Up to `limit` keys, newest first, beginning behind `after`.
    pub fn list(
        &self,
        after: Option<&KeyId>,
        limit: usize,
        wanted: impl Fn(&VirtualKey) -> bool,
    ) -> Vec<Arc<VirtualKey>> {
        self.index().keys(after).filter(|key| wanted(key)).take(limit).cloned().collect()
    }

    /// What people call the one that a limit is on; none for what has no other name than its id, and for what is gone.
    pub fn name_of(&self, scope: &Scope) -> Option<String> {
        let id = &*scope.id;
        match scope.kind {
            ScopeKind::Organization => Some(self.organization(&OrganizationId::new(id))?.name.clone()),
            ScopeKind::Team => Some(self.team(&TeamId::new(id))?.name.clone()),
            ScopeKind::User => Some(self.user(&UserId::new(id))?.name.clone()),
            ScopeKind::Key => Some(self.get(&KeyId::new(id))?.name.clone()),
            ScopeKind::EndUser | ScopeKind::Tag => None,
        }
    }

    /// The organization of that id.
    pub fn organization(&self, id: &OrganizationId) -> Option<Arc<Organization>> {
        self.index().organization(id)
    }

    /// The organization of that id or name.
    pub fn find_organization(&self, text: &str) -> Option<Arc<Organization>> {
        self.index().named_organization(text)
    }

    /// Up to `limit` organizations, newest first, beginning behind `after`.
    pub fn organizations(&self, after: Option<&OrganizationId>, limit: usize) -> Vec<Arc<Organization>> {
        self.index().organizations(after).take(limit).cloned().collect()
    }

    /// The team of that id.
    pub fn team(&self, id: &TeamId) -> Option<Arc<Team>> {
        self.index().team(id)
    }

    /// The team of that id or name.
    pub fn find_team(&self, text: &str) -> Option<Arc<Team>> {
        self.index().named_team(text)
    }

    /// Up to `limit` teams, newest first, beginning behind `after`.
    pub fn teams(&self, after: Option<&TeamId>, limit: usize, wanted: impl Fn(&Team) -> bool) -> Vec<Arc<Team>> {
        self.index().teams(after).filter(|team| wanted(team)).take(limit).cloned().collect()
    }

    /// The user of that id.
    pub fn user(&self, id: &UserId) -> Option<Arc<User>> {
        self.index().user(id)
    }

    /// The user of that id or name.
    pub fn find_user(&self, text: &str) -> Option<Arc<User>> {
        self.user(&UserId::new(text)).or_else(|| self.index().users(None).find(|user| user.name == text).cloned())
    }

    /// Up to `limit` users, newest first, beginning behind `after`.
    pub fn users(&self, after: Option<&UserId>, limit: usize, wanted: impl Fn(&User) -> bool) -> Vec<Arc<User>> {
        self.index().users(after).filter(|user| wanted(user)).take(limit).cloned().collect()
    }

    /// The limit of that id, if it was made by someone; those of the configuration are found in the ledger only.
    pub fn limit(&self, id: &LimitId) -> Option<Arc<Limit>> {
        self.index().limit(id)
    }

    /// Up to `limit` limits that were made by someone, newest first, beginning behind `after`.
    pub fn limits(&self, after: Option<&LimitId>, limit: usize, wanted: impl Fn(&Limit) -> bool) -> Vec<Arc<Limit>> {
        self.index().limits(after).filter(|limit| wanted(limit)).take(limit).cloned().collect()
    }

    /// The limits of one scope that were made by someone.
    pub fn limits_of(&self, scope: &Scope) -> Vec<Arc<Limit>> {
        self.limits(None, usize::MAX, |limit| limit.scope == *scope)
    }

    /// Whether any key was ever made and still stands.
    pub fn is_empty(&self) -> bool {
        self.index().keys(None).next().is_none()
    }

    /// A setting of the gateway that stands in the database.
    pub(crate) fn setting(&self, name: &str) -> Option<Arc<str>> {
        self.index().setting(name)
    }

    /// The same, telling the deployments that ask `overrides` of every price that stands in the place of the catalogue's.
    #[must_use]
    pub fn pricing(self, overrides: Overrides) -> Self {
        overrides.replace(self.index().prices().map(|price| (price.id.clone(), price.tariff())));
        Self { overrides, ..self }
    }

    /// The price of `provider:model` that stands in the place of the catalogue's.
    pub fn price(&self, id: &str) -> Option<Arc<PriceOverride>> {
        self.index().price(id)
    }

    /// All prices that stand in the place of the catalogue's, by id.
    pub fn prices(&self) -> Vec<Arc<PriceOverride>> {
        self.index().prices().cloned().collect()
    }

    /// Another number whenever something has changed: what was bound at the same age is bound as it would be now.
    pub(crate) fn age(&self) -> u64 {
        self.age.load(Ordering::Acquire)
    }

    /// The database behind it.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Told whenever this process has changed something, so that it can tell others.
    pub(crate) fn changed(&self) -> Arc<tokio::sync::Notify> {
        self.changed.clone()
    }

    fn index(&self) -> RwLockReadGuard<'_, index::Index> {
        // Nothing panics half-way through a change, so what a poisoned lock guards is whole.
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
