//! What was taken over before, and what is added to it now.

use std::collections::{BTreeMap, BTreeSet};

use llm_core::Result;

use crate::keys::{AdoptedLimit, Adoption, KeyHash};
use crate::limits::Scope;
use crate::store::query;

const THINGS: &str = "SELECT kind, id, became FROM imported";
const PUT_THING: &str = "INSERT INTO imported (kind, id, became) VALUES ($1, $2, $3)";
const KNOWN_SECRET: &str = "SELECT hash FROM key_secrets WHERE hash = $1";
const COUNTED: &str =
    "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM imported_counters WHERE limit_id = $1 AND until > $2";
const ADD_COUNTED: &str = "INSERT INTO imported_counters (limit_id, bucket, until, amount) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (limit_id, bucket) DO UPDATE SET amount = imported_counters.amount + excluded.amount";
const ADD_COUNTER: &str = "INSERT INTO counters (limit_id, bucket, until, amount, journal) VALUES ($1, $2, $3, $4, '') \
    ON CONFLICT (limit_id, bucket, journal) DO UPDATE SET amount = counters.amount + excluded.amount";

const CHANGED: &str = "INSERT INTO changes (kind, id) VALUES ('limit', $1)";

/// What was taken over, now or before.
pub(super) struct Imported {
    things: BTreeMap<(String, String), String>,
    fresh: Vec<(String, String)>,
    now: i64,
    /// Whom keys belong to, by their tokens.
    pub(super) owners: BTreeMap<String, Owner>,
    /// Users whose own keys may call nothing.
    pub(super) without_models: BTreeSet<String>,
}

/// Whom a key belongs to.
pub(super) struct Owner {
    pub(super) key: String,
    pub(super) team: Option<String>,
    pub(super) user: Option<String>,
}

impl Imported {
    pub(super) async fn read(adoption: &mut Adoption) -> Result<Self> {
        let things: Vec<(String, String, String)> = query(THINGS).all(&mut adoption.tx).await?;
        Ok(Self {
            things: things.into_iter().map(|(kind, id, became)| ((kind, id), became)).collect(),
            fresh: Vec::new(),
            now: adoption.now(),
            owners: BTreeMap::new(),
            without_models: BTreeSet::new(),
        })
    }

    /// What a thing of LiteLLM has become here.
    pub(super) fn became(&self, kind: &str, id: &str) -> Option<&str> {
        self.things.get(&(kind.to_owned(), id.to_owned())).map(String::as_str)
    }

    pub(super) fn has(&self, kind: &str, id: &str) -> bool {
        self.became(kind, id).is_some()
    }

    pub(super) fn is_new(&self, kind: &str, id: &str) -> bool {
        !self.has(kind, id)
    }

    /// Notes that a thing was taken over.
    pub(super) fn note(&mut self, kind: &str, id: &str, became: &str) {
        let thing = (kind.to_owned(), id.to_owned());
        self.fresh.push(thing.clone());
        self.things.insert(thing, became.to_owned());
    }

    /// The names, or addresses, that things of a kind have here.
    pub(super) async fn names(&self, kind: &str, adoption: &mut Adoption) -> Result<BTreeSet<String>> {
        let sql = match kind {
            "organization" => "SELECT name FROM organizations",
            "team" => "SELECT name FROM teams",
            "user" => "SELECT name FROM users",
            _ => "SELECT email FROM users WHERE email IS NOT NULL",
        };
        let names: Vec<(String,)> = query(sql).all(&mut adoption.tx).await?;
        Ok(names.into_iter().map(|(name,)| name).collect())
    }

    pub(super) async fn knows_secret(&self, adoption: &mut Adoption, hash: &KeyHash) -> Result<bool> {
        let known: Option<(String,)> = query(KNOWN_SECRET).bind(hash.to_string()).optional(&mut adoption.tx).await?;
        Ok(known.is_some())
    }

    /// Counts what was used of limits, beyond what was counted of it before.
    pub(super) async fn spent(&self, adoption: &mut Adoption, scope: &Scope, limits: &[AdoptedLimit]) -> Result<()> {
        for limit in limits {
            let Some((bucket, amount)) = limit.spent else { continue };
            let id = limit.id(scope).to_string();
            let (before,): (i64,) = query(COUNTED).bind(id.as_str()).bind(self.now).one(&mut adoption.tx).await?;
            let more = amount.saturating_sub(before);
            if more <= 0 {
                continue;
            }
            for sql in [ADD_COUNTED, ADD_COUNTER] {
                let add = query(sql).bind(id.as_str()).bind(bucket.start).bind(bucket.until).bind(more);
                add.execute(&mut adoption.tx).await?;
            }
            // Gateways that know the limit look at it again.
            query(CHANGED).bind(id.as_str()).execute(&mut adoption.tx).await?;
        }
        Ok(())
    }

    /// Writes what was noted.
    pub(super) async fn write(&self, adoption: &mut Adoption) -> Result<()> {
        for (kind, id) in &self.fresh {
            let became = self.became(kind, id).unwrap_or(id);
            let put = query(PUT_THING).bind(kind.as_str()).bind(id.as_str()).bind(became);
            put.execute(&mut adoption.tx).await?;
        }
        Ok(())
    }
}
