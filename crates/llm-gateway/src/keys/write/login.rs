//! Writing what the first token of someone makes: their user, their team, and the key that stands for them.

use jiff::Timestamp;
use llm_core::Result;

use super::change::Change;
use super::{json, organization, team, user};
use crate::author::Author;
use crate::keys::login::{Found, unknown_user};
use crate::keys::{
    Identified, Identity, KeyId, Keys, MembershipDraft, OrganizationDraft, OrganizationId, Role, TeamDraft, TeamId,
    UserDraft, UserId,
};
use crate::store::{Transaction, query};

const IDENTIFY: &str = "INSERT INTO identities (issuer, subject, \"user\", created_at) VALUES ($1, $2, $3, $4)";
const INSERT_KEY: &str = "INSERT INTO keys (id, name, team, \"user\", blocked, tags, metadata, default_limits, login, \
    created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// What the key of a login is called.
const KEY_NAME: &str = "login";
/// The longest name that a new user is given, in bytes.
const MAX_NAME: usize = 200;

impl Keys {
    /// Makes whatever is missing for someone who was identified, in one change.
    pub(in crate::keys) async fn admit(&self, who: &Identified) -> Result<()> {
        let mut tx = self.begin().await?;
        // Who came at the same time, here or at another process, has made it.
        if self.index().login(who)?.is_some() {
            return Ok(());
        }
        let found = self.index().identified(&who.identity);
        let user = found.as_ref().map_or_else(UserId::fresh, |user| user.id.clone());
        let author = Author::Login { user: user.clone() };
        let made = async {
            let user = match found {
                Some(user) => user.id.clone(),
                None => self.admit_user(&mut tx, user, who).await?,
            };
            let team = self.admit_team(&mut tx, who).await?;
            if let Some(team) = &team {
                let membership = MembershipDraft { team: team.to_string(), role: Role::Member };
                if !self.user(&user).is_some_and(|user| user.is_in(team)) {
                    user::join(&mut tx, &user, &[membership]).await?;
                }
            }
            insert_key(&mut tx, &user, team.as_ref()).await?;
            tracing::info!(%user, issuer = %who.identity.issuer, "let in someone who came with a token");
            self.commit(tx).await
        };
        author.does(made).await
    }

    /// The user that someone becomes: the one of their address where that may be, or a new one of id `fresh`.
    async fn admit_user(&self, tx: &mut Change<'_>, fresh: UserId, who: &Identified) -> Result<UserId> {
        let now = Timestamp::now().as_millisecond();
        let of_address = who.email.as_deref().and_then(|email| {
            let is_same = |known: &str| known.eq_ignore_ascii_case(email);
            self.index().users(None).find(|user| user.email.as_deref().is_some_and(is_same)).cloned()
        });
        let id = match &of_address {
            Some(user) if who.makes.tie => user.id.clone(),
            _ if who.makes.user => {
                // An address is one user's only, and whoever has it already keeps it.
                let email = who.email.clone().filter(|_| of_address.is_none());
                let draft = UserDraft { name: self.free_name(who), email, ..UserDraft::default() };
                draft.check()?;
                user::insert(tx, &fresh, &draft, false, now).await?;
                fresh
            }
            _ => return Err(unknown_user()),
        };
        identify(tx, &id, &who.identity, now).await?;
        Ok(id)
    }

    /// A name that no user has: nobody comes to be taken for someone else because a token says their name.
    fn free_name(&self, who: &Identified) -> String {
        let plain: String = who.name.chars().filter(|char| !char.is_control()).collect();
        let mut end = plain.len().min(MAX_NAME);
        while !plain.is_char_boundary(end) {
            end -= 1;
        }
        let name = plain.get(..end).unwrap_or_default().trim();
        let is_taken = |name: &str| name.is_empty() || self.find_user(name).is_some();
        if is_taken(name) { format!("{name} {}", who.identity.mark()).trim().to_owned() } else { name.to_owned() }
    }

    /// The team that someone's calls belong to, made where it may be.
    async fn admit_team(&self, tx: &mut Change<'_>, who: &Identified) -> Result<Option<TeamId>> {
        let now = Timestamp::now().as_millisecond();
        // Each lock is let go of before anything is waited for.
        let found = self.index().team_of(who)?;
        let name = match found {
            Found::None => return Ok(None),
            Found::Is(team) => return Ok(Some(team.id.clone())),
            Found::Missing(name) => name.to_owned(),
        };
        let found = self.index().organization_of(who)?;
        let organization = match found {
            Found::None => None,
            Found::Is(organization) => Some(organization.id.to_string()),
            Found::Missing(name) => {
                let draft = OrganizationDraft { name: name.to_owned(), ..OrganizationDraft::default() };
                draft.check()?;
                let id = OrganizationId::fresh();
                organization::insert(tx, id.as_str(), &draft, false, now).await?;
                Some(id.to_string())
            }
        };
        let draft = TeamDraft { name, organization, ..TeamDraft::default() };
        draft.check()?;
        let id = TeamId::fresh();
        team::insert(tx, id.as_str(), &draft, false, now).await?;
        Ok(Some(id))
    }
}

/// Ties an identity to a user.
pub(super) async fn identify(db: &mut Transaction, user: &UserId, identity: &Identity, now: i64) -> Result<()> {
    query(IDENTIFY)
        .bind(&*identity.issuer)
        .bind(&*identity.subject)
        .bind(user.as_str())
        .bind(now)
        .execute(db)
        .await
        .map_err(|error| super::taken(error, "a user with the identity", &identity.subject))?;
    Ok(())
}

/// Makes the key of a user who comes with tokens. The limits of the configuration hold for it.
async fn insert_key(db: &mut Transaction, user: &UserId, team: Option<&TeamId>) -> Result<()> {
    query(INSERT_KEY)
        .bind(KeyId::fresh().as_str())
        .bind(KEY_NAME)
        .bind(team.map(ToString::to_string))
        .bind(user.as_str())
        .bind(false)
        .bind(json::<[String]>(&[])?)
        .bind(json(&serde_json::Map::new())?)
        .bind(true)
        .bind(true)
        .bind(Timestamp::now().as_millisecond())
        .execute(db)
        .await?;
    Ok(())
}
