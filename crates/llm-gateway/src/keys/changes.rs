//! Reading on from where one was: what others changed, and what this process did.

use std::collections::{BTreeSet, HashSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use llm_core::Result;

use super::index::Index;
use super::rows::{self, KeyRow, TeamRow};
use super::{KeyId, Keys, Organization, OrganizationId, PriceOverride, TeamId, User, UserId};
use crate::limits::{Bucket, Limit, LimitId, Scope, ScopeKind};
use crate::store::replicas::Counted;
use crate::store::{Transaction, query};

const OLDEST_AND_NEWEST: &str = "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM changes";
const COUNTED: &str = "SELECT journal, bucket, until, amount FROM counters WHERE limit_id = $1 AND until > $2";
const ALL_COUNTED: &str = "SELECT limit_id, journal, bucket, until, amount FROM counters WHERE until > $1";
const SINCE: &str = "SELECT kind, id FROM changes WHERE seq > $1 AND seq <= $2";

/// What has to be read anew, by id.
#[derive(Debug, Default)]
struct Changed {
    organizations: BTreeSet<String>,
    teams: BTreeSet<String>,
    users: BTreeSet<String>,
    keys: BTreeSet<String>,
    limits: BTreeSet<String>,
    settings: BTreeSet<String>,
    prices: BTreeSet<String>,
}

/// The new state of what changed, and what is gone.
#[derive(Debug, Default)]
struct News {
    /// Whether it is all that there is.
    whole: bool,
    organizations: Vec<Organization>,
    teams: Vec<TeamRow>,
    users: Vec<User>,
    keys: Vec<KeyRow>,
    limits: Vec<Limit>,
    settings: Vec<(String, String)>,
    prices: Vec<PriceOverride>,
    /// What has been counted of limits that are new here, or was counted before they came here.
    counted: Vec<Counted>,
    gone: Changed,
}

impl Keys {
    /// Reads what changed in the database since the last time and applies it. When this returns, every change that was
    /// committed before it was called is in force here.
    pub async fn refresh(&self) -> Result<()> {
        let mut seen = self.seen.lock().await;
        // One transaction, so that a key and its limits are seen as of one moment.
        let mut tx = self.db.read().await?;
        self.catch_up(&mut tx, &mut seen).await
    }

    /// Reads on from `seen` and applies it. Nothing uncommitted may be visible to `tx`.
    pub(super) async fn catch_up(&self, tx: &mut Transaction, seen: &mut i64) -> Result<()> {
        let (oldest, newest): (i64, i64) = query(OLDEST_AND_NEWEST).one(&mut *tx).await?;
        if newest == *seen {
            return Ok(());
        }
        let missed = *seen < 0 || oldest > *seen + 1 || newest < *seen;
        let news = if missed { self.everything(tx, *seen >= 0).await? } else { self.since(tx, *seen, newest).await? };
        self.apply(news);
        *seen = newest;
        Ok(())
    }

    async fn since(&self, db: &mut Transaction, seen: i64, newest: i64) -> Result<News> {
        let mut changed = Changed::default();
        let rows: Vec<(String, String)> = query(SINCE).bind(seen).bind(newest).all(&mut *db).await?;
        for (kind, id) in rows {
            match kind.as_str() {
                "organization" => _ = changed.organizations.insert(id),
                "team" => _ = changed.teams.insert(id),
                "user" => _ = changed.users.insert(id),
                "key" => _ = changed.keys.insert(id),
                "limit" => _ = changed.limits.insert(id),
                "setting" => _ = changed.settings.insert(id),
                "price" => _ = changed.prices.insert(id),
                // Written by a later version, which also knows what to do about it.
                _ => {}
            }
        }
        self.read(db, changed).await
    }

    async fn read(&self, db: &mut Transaction, changed: Changed) -> Result<News> {
        let mut news = News::default();
        for id in changed.organizations {
            let mut found = rows::organizations(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.organizations.insert(id);
            }
            news.organizations.append(&mut found);
        }
        for id in changed.teams {
            let mut found = rows::teams(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.teams.insert(id);
            }
            news.teams.append(&mut found);
        }
        for id in changed.users {
            let mut found = rows::users(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.users.insert(id);
            }
            news.users.append(&mut found);
        }
        for id in changed.keys {
            let mut found = rows::keys(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.keys.insert(id);
            }
            news.keys.append(&mut found);
        }
        for id in changed.limits {
            let mut found = rows::limits(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.limits.insert(id);
            } else {
                let id = LimitId::new(id);
                let is_new = self.index().limit(&id).is_none();
                let counted = query(COUNTED).bind(id.as_str()).bind(Timestamp::now().as_millisecond());
                let counted: Vec<(String, i64, i64, i64)> = counted.all(&mut *db).await?;
                let counted = counted.into_iter().map(|(journal, start, until, amount)| Counted {
                    journal,
                    limit: id.clone(),
                    bucket: Bucket { start, until },
                    amount,
                });
                news.counted.extend(counted.filter(|one| is_new || one.journal.is_empty()));
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
        for id in changed.prices {
            let mut found = rows::prices(db, Some(&id)).await?;
            if found.is_empty() {
                news.gone.prices.insert(id);
            }
            news.prices.append(&mut found);
        }
        Ok(news)
    }

    async fn everything(&self, db: &mut Transaction, started: bool) -> Result<News> {
        let organizations = rows::organizations(db, None).await?;
        let teams = rows::teams(db, None).await?;
        let users = rows::users(db, None).await?;
        let keys = rows::keys(db, None).await?;
        let limits = rows::limits(db, None).await?;
        let settings = rows::settings(db, None).await?;
        let prices = rows::prices(db, None).await?;

        // Of the rest it is enough that it is no longer there: only keys and limits are known to the ledger, too.
        let gone = self.gone(&keys, &limits);
        let mut counted = Vec::new();
        // At the start the counters are read together with the journal.
        if started {
            let all = query(ALL_COUNTED).bind(Timestamp::now().as_millisecond());
            let all: Vec<(String, String, i64, i64, i64)> = all.all(&mut *db).await?;
            let index = self.index();
            let all = all.into_iter().map(|(id, journal, start, until, amount)| Counted {
                journal,
                limit: LimitId::new(id),
                bucket: Bucket { start, until },
                amount,
            });
            counted.extend(all.filter(|one| one.journal.is_empty() || index.limit(&one.limit).is_none()));
        }
        Ok(News { whole: true, organizations, teams, users, keys, limits, settings, prices, counted, gone })
    }

    /// Keys and limits that are known here and no longer there.
    fn gone(&self, keys: &[KeyRow], limits: &[Limit]) -> Changed {
        let index = self.index();
        let found: HashSet<&str> = keys.iter().map(|row| row.key.id.as_str()).collect();
        let gone_keys = index.key_ids().map(KeyId::as_str).filter(|id| !found.contains(id));
        let found: HashSet<&str> = limits.iter().map(|limit| limit.id.as_str()).collect();
        let gone_limits = index.limit_ids().map(LimitId::as_str).filter(|id| !found.contains(id));
        Changed {
            keys: gone_keys.map(str::to_owned).collect(),
            limits: gone_limits.map(str::to_owned).collect(),
            ..Changed::default()
        }
    }

    /// Puts news in force, all at once. The order keeps the invariant: a key leaves before its limits do, and comes
    /// after them and after those whom it belongs to.
    fn apply(&self, news: News) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if news.whole {
            *index = Index::default();
            // At once, so that no call in between sees the catalogue's price.
            self.overrides.replace(news.prices.iter().map(|price| (price.id.clone(), price.tariff())));
        }
        for id in news.gone.keys {
            index.remove_key(&KeyId::new(id.as_str()));
            self.ledger.remove_scope(&Scope::key(id));
        }
        for limit in news.limits {
            let limit = self.in_zone(limit);
            // What can't be enforced was refused when it was written.
            if let Err(error) = self.ledger.put(limit.clone()) {
                tracing::error!(limit = %limit.id, %error, "a limit of the database can't be enforced");
            }
            index.put_limit(limit);
        }
        let now = Timestamp::now().as_millisecond();
        for Counted { journal, limit, bucket, amount } in news.counted {
            if journal.is_empty() {
                self.ledger.carry(now, &limit, bucket, amount);
            } else {
                self.ledger.seed_others(now, &limit, bucket.start, amount);
            }
        }
        for organization in news.organizations {
            index.put_organization(organization);
        }
        for row in news.teams {
            let id = row.team.id.clone();
            if let Err(error) = index.put_team(row) {
                tracing::error!(team = %id, %error, "a team of the database can't be used, nor can its keys");
            }
        }
        for user in news.users {
            index.put_user(user);
        }
        for row in news.keys {
            let id = row.key.id.clone();
            self.apply_defaults(&row.key.scope(), row.key.default_limits);
            if let Err(error) = index.put_key(row) {
                tracing::error!(key = %id, %error, "a key of the database can't be used");
            }
        }
        for id in news.gone.limits {
            let id = LimitId::new(id);
            self.ledger.remove(&id);
            index.remove_limit(&id);
        }
        for id in news.gone.users {
            self.ledger.remove_scope(&Scope::new(ScopeKind::User, id.as_str()));
            index.remove_user(&UserId::new(id));
        }
        for id in news.gone.teams {
            self.ledger.remove_scope(&Scope::new(ScopeKind::Team, id.as_str()));
            index.remove_team(&TeamId::new(id));
        }
        for id in news.gone.organizations {
            self.ledger.remove_scope(&Scope::new(ScopeKind::Organization, id.as_str()));
            index.remove_organization(&OrganizationId::new(id));
        }
        for price in news.prices {
            self.overrides.put(&price.id, Some(price.tariff()));
            index.put_price(price);
        }
        for id in news.gone.prices {
            self.overrides.put(&id, None);
            index.remove_price(&id);
        }
        for (name, value) in news.settings {
            index.put_setting(name, Some(value));
        }
        for name in news.gone.settings {
            index.put_setting(name, None);
        }
        // While nobody can read it: whoever sees the new age sees the new index.
        self.age.fetch_add(1, Ordering::Release);
    }

    /// A limit of the database as it counts: a calendar is that of the configuration unless it says its own.
    pub(super) fn in_zone(&self, mut limit: Limit) -> Limit {
        if limit.spec.window.is_calendar() && limit.spec.tz.is_none() {
            limit.spec.tz.clone_from(&self.config.tz);
        }
        limit
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
