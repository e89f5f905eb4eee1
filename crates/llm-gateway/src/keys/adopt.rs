//! Taking over what was made elsewhere: keys by their hashes, and whom they belong to, under ids of their own.
//!
//! All of it happens in one transaction, with what the audit log says of it. A gateway that runs on the database takes notice of it as of any change.

use jiff::Timestamp;
use llm_core::Result;
use sha2::{Digest, Sha256};

use super::{KeyDraft, KeyHash, OrganizationDraft, TeamDraft, UserDraft, logged, write};
use crate::limits::{Bucket, LimitId, LimitSpec, Scope};
use crate::store::{Db, Transaction};

/// A transaction in which things are taken over. Dropped, nothing has happened.
#[derive(Debug)]
pub(crate) struct Adoption {
    pub(crate) tx: Transaction,
    pub(super) now: i64,
}

/// Something that was made elsewhere.
#[derive(Debug)]
pub(crate) struct Adopted<D> {
    /// Its id here; nothing may have it yet.
    pub(crate) id: String,
    /// What it is. Whom it belongs to is said by ids.
    pub(crate) draft: D,
    pub(crate) blocked: bool,
    pub(crate) created_at: Timestamp,
    /// Its limits, in the place of the draft's.
    pub(crate) limits: Vec<AdoptedLimit>,
}

/// A limit, and what was used of it before it came here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AdoptedLimit {
    pub(crate) spec: LimitSpec,
    /// Where it was counted, and how much.
    pub(crate) spent: Option<(Bucket, i64)>,
}

impl AdoptedLimit {
    /// Its id here: the same whenever it is taken over again.
    pub(crate) fn id(&self, scope: &Scope) -> LimitId {
        let digest = Sha256::digest(LimitId::derived(scope, &self.spec).as_str());
        LimitId::new(digest.iter().take(16).fold("limit_".to_owned(), |id, byte| format!("{id}{byte:02x}")))
    }
}

/// A secret that was given out elsewhere.
#[derive(Debug)]
pub(crate) struct AdoptedSecret {
    pub(crate) hash: KeyHash,
    /// What may be shown of it.
    pub(crate) shown: String,
    /// From when on it is no longer one.
    pub(crate) until: Option<Timestamp>,
}

impl Adoption {
    /// Begins the transaction.
    pub(crate) async fn begin(db: &Db) -> Result<Self> {
        let mut tx = db.write().await?;
        // What is taken over is read elsewhere meanwhile.
        tx.may_pause().await?;
        Ok(Self { tx, now: Timestamp::now().as_millisecond() })
    }

    /// When it began, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// Makes what was taken over last.
    pub(crate) async fn commit(self) -> Result<()> {
        self.tx.commit().await
    }

    /// Takes over an organization.
    pub(crate) async fn organization(&mut self, adopted: &Adopted<OrganizationDraft>) -> Result<()> {
        adopted.draft.check()?;
        write::organization::adopt(self, adopted).await?;
        logged::made(&mut self.tx, "organization", &adopted.id).await
    }

    /// Takes over a team.
    pub(crate) async fn team(&mut self, adopted: &Adopted<TeamDraft>) -> Result<()> {
        adopted.draft.check()?;
        write::team::adopt(self, adopted).await?;
        logged::made(&mut self.tx, "team", &adopted.id).await
    }

    /// Takes over a user.
    pub(crate) async fn user(&mut self, adopted: &Adopted<UserDraft>) -> Result<()> {
        adopted.draft.check()?;
        write::user::adopt(self, adopted).await?;
        logged::made(&mut self.tx, "user", &adopted.id).await
    }

    /// Takes over a key with its secrets, the one that is in use last.
    pub(crate) async fn key(&mut self, adopted: &Adopted<KeyDraft>, secrets: &[AdoptedSecret]) -> Result<()> {
        adopted.draft.check()?;
        write::key::adopt(self, adopted, secrets).await?;
        logged::made(&mut self.tx, "key", &adopted.id).await
    }

    /// Takes over the limits of a scope.
    pub(crate) async fn limits(&mut self, scope: &Scope, limits: &[AdoptedLimit]) -> Result<()> {
        for limit in limits {
            limit.spec.check()?;
            let id = limit.id(scope);
            write::limit::insert_as(&mut self.tx, &id, scope, &limit.spec, self.now).await?;
            logged::made(&mut self.tx, "limit", id.as_str()).await?;
        }
        Ok(())
    }
}
