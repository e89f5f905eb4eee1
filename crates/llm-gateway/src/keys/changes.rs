//! Reading on from where one was: what others changed, and what this process did.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use llm_core::Result;

use super::rows::{self, KeyRow};
use super::{KeyId, Keys, Team, TeamId};
use crate::limits::{Limit, LimitId, Scope};
use crate::store::{Transaction, query};

const OLDEST_AND_NEWEST: &str = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM changes";
const SINCE: &str = "SELECT kind, id FROM changes WHERE seq > $1 AND seq <= $2";
const KEYS_OF_TEAM: &str = "SELECT id FROM keys WHERE team = $1";

/// What has to be read anew, by id.
#[derive(Debug, Default)]
struct Changed {
    teams: BTreeSet<String>,
    keys: BTreeSet<String>,
    limits: BTreeSet<String>,
    settings: BTreeSet<String>,
}

/// The new state of what changed, and what is gone.
#[derive(Debug, Default)]
struct News {
    teams: Vec<Team>,
    keys: Vec<KeyRow>,
    limits: Vec<Limit>,
    settings: Vec<(String, String)>,
    gone: Changed,
}

impl Keys {
    /// Reads what changed in the database since the last time and applies it. When this returns, every change that was
    /// committed before it was called is in force here.
    pub async fn refresh(&self) -> Result<()> {
        let mut seen = self.seen.lock().await;
        // One transaction, so that a key and its limits are seen as of one moment.
        let mut tx = self.db.read().await?;
        let (oldest, newest): (i64, i64) = query(OLDEST_AND_NEWEST).one(&mut tx).await?;
        if newest == *seen {
            return Ok(());
        }
        let missed = *seen < 0 || oldest > *seen + 1 || newest < *seen;
        let news = if missed { self.everything(&mut tx).await? } else { self.since(&mut tx, *seen, newest).await? };
        drop(tx);
        self.apply(news);
        *seen = newest;
        Ok(())
    }

    async fn since(&self, db: &mut Transaction, seen: i64, newest: i64) -> Result<News> {
        let mut changed = Changed::default();
        let rows: Vec<(String, String)> = query(SINCE).bind(seen).bind(newest).all(&mut *db).await?;
        for (kind, id) in rows {
            match kind.as_str() {
                "team" => {
                    // Keys hold their team's list of models.
                    let keys: Vec<(String,)> = query(KEYS_OF_TEAM).bind(&id).all(&mut *db).await?;
                    changed.keys.extend(keys.into_iter().map(|(id,)| id));
                    changed.teams.insert(id);
                }
                "key" => _ = changed.keys.insert(id),
                "limit" => _ = changed.limits.insert(id),
                "setting" => _ = changed.settings.insert(id),
                // Written by a later version, which also knows what to do about it.
                _ => {}
            }
        }
        self.read(db, changed).await
    }

    async fn read(&self, db: &mut Transaction, changed: Changed) -> Result<News> {
        let mut news = News::default();
        for id in changed.teams {
            let mut found = rows::teams(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.teams.insert(id);
            }
            news.teams.append(&mut found);
        }
        let mut teams: HashMap<TeamId, Arc<Team>> =
            self.index().teams(None).map(|team| (team.id.clone(), Arc::clone(team))).collect();
        teams.extend(news.teams.iter().map(|team| (team.id.clone(), Arc::new(team.clone()))));
        for id in changed.keys {
            let mut found = rows::keys(db, Some(&id), &teams).await?;
            if found.is_empty() {
                news.gone.keys.insert(id);
            }
            news.keys.append(&mut found);
        }
        for id in changed.limits {
            let mut found = rows::limits(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.limits.insert(id);
            }
            news.limits.append(&mut found);
        }
        for name in changed.settings {
            let mut found = rows::settings(db, Some(&name)).await?;
            if found.is_empty() {
                news.gone.settings.insert(name);
            }
            news.settings.append(&mut found);
        }
        Ok(news)
    }

    async fn everything(&self, db: &mut Transaction) -> Result<News> {
        let teams = rows::teams(db, None).await?;
        let by_id = teams.iter().map(|team| (team.id.clone(), Arc::new(team.clone()))).collect();
        let keys = rows::keys(db, None, &by_id).await?;
        let limits = rows::limits(db, None).await?;
        let settings = rows::settings(db, None).await?;

        let index = self.index();
        let without = |known: Vec<String>, found: HashSet<&str>| -> BTreeSet<String> {
            known.into_iter().filter(|id| !found.contains(id.as_str())).collect()
        };
        let gone = Changed {
            teams: without(
                index.team_ids().map(ToString::to_string).collect(),
                teams.iter().map(|team| team.id.as_str()).collect(),
            ),
            keys: without(
                index.key_ids().map(ToString::to_string).collect(),
                keys.iter().map(|(key, _)| key.id.as_str()).collect(),
            ),
            limits: without(
                index.limit_ids().map(ToString::to_string).collect(),
                limits.iter().map(|limit| limit.id.as_str()).collect(),
            ),
            settings: without(
                index.setting_names().cloned().collect(),
                settings.iter().map(|(name, _)| name.as_str()).collect(),
            ),
        };
        drop(index);
        Ok(News { teams, keys, limits, settings, gone })
    }

    /// Puts news in force. The order keeps the invariant: a key leaves before its limits do, and comes after them.
    fn apply(&self, news: News) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for id in news.gone.keys {
            index.remove_key(&KeyId::new(id.as_str()));
            self.ledger.remove_scope(&Scope::key(id));
        }
        for mut limit in news.limits {
            if limit.spec.window.is_calendar() && limit.spec.tz.is_none() {
                limit.spec.tz.clone_from(&self.config.tz);
            }
            // What can't be enforced was refused when it was written.
            if let Err(error) = self.ledger.put(limit.clone()) {
                tracing::error!(limit = %limit.id, %error, "a limit of the database can't be enforced");
            }
            index.put_limit(limit);
        }
        for team in news.teams {
            index.put_team(team);
        }
        for (key, secrets) in news.keys {
            self.apply_defaults(&key.scope(), key.default_limits);
            index.put_key(key, secrets);
        }
        for id in news.gone.limits {
            let id = LimitId::new(id);
            self.ledger.remove(&id);
            index.remove_limit(&id);
        }
        for id in news.gone.teams {
            index.remove_team(&TeamId::new(id.as_str()));
        }
        for (name, value) in news.settings {
            index.put_setting(name, Some(value));
        }
        for name in news.gone.settings {
            index.put_setting(name, None);
        }
    }

    /// Puts the limits of the configuration in force for one key, or takes them out of force.
    fn apply_defaults(&self, scope: &Scope, wanted: bool) {
        for spec in &self.defaults {
            let limit = Limit::derived(scope.clone(), spec.clone());
            if !wanted {
                self.ledger.remove(&limit.id);
            } else if let Err(error) = self.ledger.put(limit) {
                tracing::error!(%error, "a limit of `limits.defaults` can't be enforced");
            }
        }
    }
}
