//! Keys, by the hashes of their secrets, so that what was given out goes on working.

use std::collections::BTreeMap;

use llm_core::Result;

use super::super::node::{Fields, Node};
use super::Import;
use super::rows::{Source, time};
use super::tenants::taken_over;
use super::write::{Imported, Owner};
use crate::keys::{Adopted, AdoptedSecret, Adoption, KeyDraft, KeyHash, KeyId};
use crate::limits::{ModelPattern, Scope};

const PLACE: &str = "LiteLLM_VerificationToken";

/// The team of LiteLLM's own console, whose keys are sessions.
const CONSOLE: &str = "litellm-dashboard";

/// Members of a key's metadata that only LiteLLM's machinery reads.
const OF_NO_USE: &[&str] = &["rpm_limit_type", "tpm_limit_type", "disable_global_guardrails", "soft_budget"];

impl Import<'_> {
    /// Takes over every key.
    pub(super) async fn keys(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<()> {
        let mut names = imported.names("user", adoption).await?;
        let members = self.memberships(source).await?;
        let rows = source.rows(PLACE).await?;
        let mut count: BTreeMap<(String, String), usize> = BTreeMap::new();
        for row in &rows {
            if let (Some(user), Some(team)) = (text(row, "user_id"), text(row, "team_id")) {
                *count.entry((user, team)).or_default() += 1;
            }
        }
        let mut retired = self.retired(source).await?;
        for mut row in rows {
            let Some(token) = row.take_text("token") else { continue };
            if text(&row, "team_id").as_deref() == Some(CONSOLE) {
                self.report.ignored(PLACE, "a session of LiteLLM's own console");
                continue;
            }
            let Some(hash) = KeyHash::from_hex(&token) else {
                self.report.refused(
                    PLACE,
                    "its token is not the SHA-256 of a key in hexadecimal, so nobody could call with it",
                );
                continue;
            };
            if let Some(user) = text(&row, "user_id") {
                self.nameless_user(&user, Vec::new(), adoption, imported, &mut names).await?;
            }
            // A user's budget within a team is that of the only key that the user has there.
            if let (Some(user), Some(team)) = (text(&row, "user_id"), text(&row, "team_id"))
                && let Some(budget) = members.get(&(user.clone(), team.clone()))
            {
                let free = row.get("budget_id").is_none_or(Node::is_empty);
                if free && count.get(&(user, team)) == Some(&1) {
                    row.0.retain(|(name, _)| name != "budget_id");
                    row.0.push(("budget_id".to_owned(), Node::Text(budget.clone())));
                    self.report.mapped(
                        "LiteLLM_TeamMembership.budget_id",
                        "the limits of the only key of the user in the team",
                    );
                } else {
                    let why =
                        "a user has no budget of its own within a team; limit its keys, of which there are several";
                    self.report.refused("LiteLLM_TeamMembership.budget_id", why);
                }
            }
            let secrets = retired.remove(&token).unwrap_or_default();
            self.key(row, &token, hash, secrets, adoption, imported).await?;
        }
        Ok(())
    }

    async fn key(
        &mut self,
        mut row: Fields,
        token: &str,
        hash: KeyHash,
        mut secrets: Vec<AdoptedSecret>,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<()> {
        let shown = row.take_text("key_name").unwrap_or_else(|| "sk-...".to_owned());
        let alias = row.take_text("key_alias").unwrap_or_else(|| shown.clone());
        let mut limits = self.limits(&mut row, PLACE);
        let mut metadata = Self::metadata(&mut row);
        self.rates_of_models(&mut metadata, PLACE, &mut limits);
        let tags = metadata.take("tags").and_then(|node| node.texts()).unwrap_or_default();
        if !tags.is_empty() {
            self.report.carried(format!("{PLACE}.metadata.tags"), "`tags` of every call with the key");
        }
        metadata.0.retain(|(name, node)| !OF_NO_USE.contains(&name.as_str()) && !node.is_empty());
        let guarded = self.guards(&mut metadata, &mut row, PLACE);
        let team = row.take_text("team_id");
        let user = row.take_text("user_id");
        let mut models = self.models(&mut row, PLACE);
        if team.is_none()
            && user.as_ref().is_some_and(|user| imported.without_models.contains(user))
            && models.is_none()
        {
            models = Some(vec![ModelPattern::from("no-default-models")]);
        }
        let mut blocked = row.take("blocked").and_then(|node| node.bool()).unwrap_or(false);
        if blocked {
            self.report.carried(format!("{PLACE}.blocked"), "`blocked`");
        }
        blocked |= guarded;
        blocked |= self.restricted(&mut row);
        let team_missing = team.as_ref().is_some_and(|team| !imported.has("team", team));
        if team_missing {
            self.report.refused(format!("{PLACE}.team_id"), "there is no such team; the key arrives blocked");
        }
        let user_missing = user.as_ref().is_some_and(|user| !imported.has("user", user));
        if user_missing {
            self.report
                .refused(format!("{PLACE}.user_id"), "the user could not be taken over; the key arrives blocked");
        }
        let foreign = row.take_text("organization_id").is_some() && team.is_none();
        if foreign {
            let why = "a key belongs to an organization by its team, and it has none; it arrives blocked";
            self.report.refused(format!("{PLACE}.organization_id"), why);
        }
        blocked |= team_missing || user_missing || foreign;
        let (team, user) = (team.filter(|_| !team_missing), user.filter(|_| !user_missing));
        let expires_at = row.take("expires").as_ref().and_then(time);
        if expires_at.is_some() {
            self.report.carried(format!("{PLACE}.expires"), "`expires_at`");
        }
        let created_at = self.created(&mut row);
        self.leftover(row, PLACE);

        let owner = |key: &str| Owner { key: key.to_owned(), team: team.clone(), user: user.clone() };
        if let Some(key) = imported.became("key", token) {
            let key = key.to_owned();
            self.report.carried(PLACE, "a key that was taken over before");
            imported.spent(adoption, &Scope::key(key.as_str()), &limits).await?;
            imported.owners.insert(token.to_owned(), owner(&key));
            return Ok(());
        }
        if imported.knows_secret(adoption, &hash).await? {
            self.report.ignored(PLACE, "a key of this secret is here already");
            return Ok(());
        }
        secrets.push(AdoptedSecret { hash, shown, until: None });
        let draft = KeyDraft {
            name: alias,
            team: team.clone(),
            user: user.clone(),
            models,
            expires_at,
            tags,
            metadata: metadata.to_json(),
            ..KeyDraft::default()
        };
        let id = KeyId::fresh().to_string();
        let adopted = Adopted { id: id.clone(), draft, blocked, created_at, limits: limits.clone() };
        let done = adoption.key(&adopted, &secrets).await;
        if !taken_over(done, PLACE, &adopted.draft.name, self.report)? {
            return Ok(());
        }
        self.report.carried(PLACE, "a key, by the hash of its secret, which goes on working");
        imported.note("key", token, &id);
        imported.spent(adoption, &Scope::key(id.as_str()), &limits).await?;
        imported.owners.insert(token.to_owned(), owner(&id));
        Ok(())
    }

    /// What narrows a key in a way that can't be held to here: it arrives blocked, since it must not be able to do more.
    fn restricted(&mut self, row: &mut Fields) -> bool {
        let routes = row.take("allowed_routes").and_then(|node| node.texts()).unwrap_or_default();
        let narrowed = routes.iter().any(|route| route != "llm_api_routes");
        let kind = row.take_text("key_type").filter(|kind| kind != "default" && kind != "llm_api");
        let project = row.take_text("project_id");
        for (name, said) in [("allowed_routes", narrowed), ("key_type", kind.is_some())] {
            if said {
                let why = "a key's routes can't be narrowed; one that administers is given a role; it arrives blocked";
                self.report.refused(format!("{PLACE}.{name}"), why);
            }
        }
        if project.is_some() {
            self.report.refused(
                format!("{PLACE}.project_id"),
                "there are no projects; make it a team; the key arrives blocked",
            );
        }
        narrowed || kind.is_some() || project.is_some()
    }

    /// Budgets of users within teams.
    async fn memberships(&mut self, source: &mut Source) -> Result<BTreeMap<(String, String), String>> {
        let rows = source.rows("LiteLLM_TeamMembership").await?;
        let budget = |row: Fields| Some(((text(&row, "user_id")?, text(&row, "team_id")?), text(&row, "budget_id")?));
        Ok(rows.into_iter().filter_map(budget).collect())
    }

    /// Secrets that keys had before, and that are good for a while, by the token of the key.
    async fn retired(&mut self, source: &mut Source) -> Result<BTreeMap<String, Vec<AdoptedSecret>>> {
        let mut retired: BTreeMap<String, Vec<AdoptedSecret>> = BTreeMap::new();
        for mut row in source.rows("LiteLLM_DeprecatedVerificationToken").await? {
            let until = row.take("revoke_at").as_ref().and_then(time).filter(|until| *until > self.now);
            let hash = row.take_text("token").and_then(|token| KeyHash::from_hex(&token));
            if let (Some(until), Some(hash), Some(key)) = (until, hash, row.take_text("active_token_id")) {
                let secret = AdoptedSecret { hash, shown: "sk-...".to_owned(), until: Some(until) };
                retired.entry(key).or_default().push(secret);
                self.report
                    .carried("LiteLLM_DeprecatedVerificationToken", "a secret that was rotated away, until its time");
            }
        }
        Ok(retired)
    }
}

fn text(row: &Fields, name: &str) -> Option<String> {
    row.get(name)?.text().filter(|text| !text.is_empty()).map(str::to_owned)
}
