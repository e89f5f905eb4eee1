//! What calls and lists look things up in.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;

use super::{KeyHash, KeyId, Team, TeamId, VirtualKey};
use crate::limits::{Limit, LimitId};

/// Everything in the database that is held in memory. Ids sort by age.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_hash: HashMap<KeyHash, Secret>,
    keys: BTreeMap<KeyId, Entry>,
    teams: BTreeMap<TeamId, Arc<Team>>,
    limits: BTreeMap<LimitId, Arc<Limit>>,
    settings: HashMap<String, Arc<str>>,
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
    hashes: Vec<KeyHash>,
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

    pub(super) fn team(&self, id: &TeamId) -> Option<Arc<Team>> {
        self.teams.get(id).cloned()
    }

    pub(super) fn teams(&self, after: Option<&TeamId>) -> impl Iterator<Item = &Arc<Team>> {
        newest_first(&self.teams, after)
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

    pub(super) fn put_key(&mut self, key: VirtualKey, secrets: Vec<(KeyHash, Option<Timestamp>)>) {
        self.remove_key(&key.id);
        let key = Arc::new(key);
        for (hash, until) in &secrets {
            self.by_hash.insert(*hash, Secret { key: Arc::clone(&key), until: *until });
        }
        let hashes = secrets.into_iter().map(|(hash, _)| hash).collect();
        self.keys.insert(key.id.clone(), Entry { key, hashes });
    }

    pub(super) fn remove_key(&mut self, id: &KeyId) {
        if let Some(entry) = self.keys.remove(id) {
            for hash in &entry.hashes {
                self.by_hash.remove(hash);
            }
        }
    }

    pub(super) fn put_team(&mut self, team: Team) {
        self.teams.insert(team.id.clone(), Arc::new(team));
    }

    pub(super) fn remove_team(&mut self, id: &TeamId) {
        self.teams.remove(id);
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

    pub(super) fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    pub(super) fn team_ids(&self) -> impl Iterator<Item = &TeamId> {
        self.teams.keys()
    }

    pub(super) fn limit_ids(&self) -> impl Iterator<Item = &LimitId> {
        self.limits.keys()
    }

    pub(super) fn setting_names(&self) -> impl Iterator<Item = &String> {
        self.settings.keys()
    }
}

/// The values of a map from its last key down, beginning below `after`.
fn newest_first<'a, K: Ord, V>(map: &'a BTreeMap<K, V>, after: Option<&K>) -> impl Iterator<Item = &'a V> {
    let end = after.map_or(Bound::Unbounded, Bound::Excluded);
    map.range((Bound::Unbounded, end)).rev().map(|(_, value)| value)
}
