//! Organizations, teams and users.

use std::collections::{BTreeMap, BTreeSet};

use llm_core::{ErrorKind, Result};

use super::super::node::{Fields, Node};
use super::super::{Outcome, Report};
use super::Import;
use super::rows::Source;
use super::write::Imported;
use crate::keys::{Adopted, Adoption, MembershipDraft, OrganizationDraft, Role, TeamDraft, UserDraft};
use crate::limits::{ModelPattern, Scope, ScopeKind};

/// A pattern that no model's name matches: LiteLLM's own word for *none*.
const NO_MODELS: &str = "no-default-models";

/// Columns that say nothing which would have to hold here.
const OF_NO_USE: &[&str] = &[
    "updated_at",
    "created_by",
    "updated_by",
    "settings_updated_at",
    "last_active",
    "model_spend",
    "total_spend",
    "soft_budget_cooldown",
    "rotation_count",
    "last_rotation_at",
    "key_rotation_at",
    "budget_reset_at",
    "config",
    "team_member_permissions",
    "allowed_cache_controls",
    "admins",
    "members",
    "model_id",
    "default_team_member_models",
    "allow_team_guardrail_config",
    "password",
    "password_reset_required",
    "last_breach_check_at",
    "sso_user_id",
    "last_run_at",
    "spend",
];

/// Why other columns can't hold here.
const REFUSED: &[(&str, &str)] = &[
    ("object_permission_id", "grants of tool servers, vector stores and agents, which are not served here"),
    ("router_settings", "routing is said in the configuration, for all alike"),
    ("policies", "guards are not taken over"),
    ("access_group_ids", "groups of models, tool servers and agents are not taken over; say `models`"),
    ("aliases", "a name means the same for everybody; make a model name"),
    ("permissions", "rights beside calling models are roles here"),
    ("budget_fallbacks", "what is over its budget is refused, and not sent elsewhere"),
    ("auto_rotate", "keys are not rotated by themselves"),
    ("rotation_interval", "keys are not rotated by themselves"),
    ("agent_id", "agents are not served here"),
];

impl Import<'_> {
    /// Notes what nobody has taken of a row. What says nothing is no setting.
    pub(super) fn leftover(&mut self, row: Fields, place: &str) {
        for (name, node) in row.0 {
            let nothing = node.is_empty() || node == Node::Bool(false) || node.text() == Some("0");
            if nothing || OF_NO_USE.contains(&name.as_str()) {
                continue;
            }
            let why = REFUSED.iter().find(|(known, _)| *known == name).map(|(_, why)| *why);
            self.report.refused(format!("{place}.{name}"), why.unwrap_or("this column is not known"));
        }
    }

    /// A list of models. `all-…` and an empty list are all that are left by others.
    pub(super) fn models(&mut self, row: &mut Fields, place: &str) -> Option<Vec<ModelPattern>> {
        let names = row.take("models").and_then(|node| node.texts()).unwrap_or_default();
        if names.is_empty() || names.iter().any(|name| name == "all-proxy-models" || name == "all-team-models") {
            return None;
        }
        self.report.carried(format!("{place}.models"), "`models`; a group is its models");
        Some(self.plan.expand(names).iter().map(|name| ModelPattern::from(name.as_str())).collect())
    }

    pub(super) fn metadata(row: &mut Fields) -> Fields {
        row.take_table("metadata")
    }

    /// Takes over organizations, teams and users, in this order.
    pub(super) async fn tenants(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<()> {
        self.organizations(source, adoption, imported).await?;
        let members = self.teams(source, adoption, imported).await?;
        self.users(source, adoption, imported, members).await
    }

    async fn organizations(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<()> {
        let place = "LiteLLM_OrganizationTable";
        let mut names = imported.names("organization", adoption).await?;
        for mut row in source.rows(place).await? {
            let Some(id) = row.take_text("organization_id") else { continue };
            let alias = row.take_text("organization_alias");
            let models = self.models(&mut row, place);
            let limits = self.limits(&mut row, place);
            let metadata = Self::metadata(&mut row).to_json();
            let scope = Scope::new(ScopeKind::Organization, id.as_str());
            let created_at = self.created(&mut row);
            self.leftover(row, place);
            if imported.is_new("organization", &id) {
                let name = unique(alias.as_deref(), &id, &mut names);
                let draft = OrganizationDraft { name, models, limits: Vec::new(), metadata };
                let adopted = Adopted { id: id.clone(), draft, blocked: false, created_at, limits: limits.clone() };
                let done = adoption.organization(&adopted).await;
                if !taken_over(done, place, &id, self.report)? {
                    continue;
                }
                imported.note("organization", &id, &id);
            }
            self.report.carried(place, "an organization, under its id");
            imported.spent(adoption, &scope, &limits).await?;
        }
        Ok(())
    }

    /// Takes over teams, and gives their members.
    async fn teams(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<BTreeMap<String, Vec<MembershipDraft>>> {
        let place = "LiteLLM_TeamTable";
        let mut names = imported.names("team", adoption).await?;
        let mut members: BTreeMap<String, Vec<MembershipDraft>> = BTreeMap::new();
        for mut row in source.rows(place).await? {
            let Some(id) = row.take_text("team_id") else { continue };
            let alias = row.take_text("team_alias");
            let organization = row.take_text("organization_id");
            let missing = organization.as_ref().is_some_and(|id| !imported.has("organization", id));
            let models = self.models(&mut row, place);
            let mut limits = self.limits(&mut row, place);
            let mut metadata = Self::metadata(&mut row);
            self.rates_of_models(&mut metadata, place, &mut limits);
            let guarded = self.guards(&mut metadata, &mut row, place);
            let blocked = row.take("blocked").and_then(|node| node.bool()).unwrap_or(false) || guarded || missing;
            if missing {
                self.report.refused(
                    format!("{place}.organization_id"),
                    "there is no such organization; the team arrives blocked",
                );
            }
            for member in members_with_roles(row.take("members_with_roles")) {
                members.entry(member.0).or_default().push(MembershipDraft { team: id.clone(), role: member.1 });
            }
            let created_at = self.created(&mut row);
            self.leftover(row, place);
            let scope = Scope::new(ScopeKind::Team, id.as_str());
            if imported.is_new("team", &id) {
                let draft = TeamDraft {
                    name: unique(alias.as_deref(), &id, &mut names),
                    organization: organization.filter(|_| !missing),
                    models,
                    limits: Vec::new(),
                    metadata: metadata.to_json(),
                };
                let adopted = Adopted { id: id.clone(), draft, blocked, created_at, limits: limits.clone() };
                let done = adoption.team(&adopted).await;
                if !taken_over(done, place, &id, self.report)? {
                    continue;
                }
                imported.note("team", &id, &id);
            }
            self.report.carried(place, "a team, under its id");
            imported.spent(adoption, &scope, &limits).await?;
        }
        Ok(members)
    }

    async fn users(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
        mut members: BTreeMap<String, Vec<MembershipDraft>>,
    ) -> Result<()> {
        let place = "LiteLLM_UserTable";
        let mut names = imported.names("user", adoption).await?;
        let mut emails = imported.names("email", adoption).await?;
        for mut row in source.rows(place).await? {
            let Some(id) = row.take_text("user_id") else { continue };
            let alias = row.take_text("user_alias");
            let email = row.take_text("user_email").filter(|email| email.contains('@') && emails.insert(email.clone()));
            let role = self.role(&mut row, place);
            let mut teams = members.remove(&id).unwrap_or_default();
            for team in row.take("teams").and_then(|node| node.texts()).unwrap_or_default() {
                if !teams.iter().any(|known| known.team == team) {
                    teams.push(MembershipDraft { team, role: Role::Member });
                }
            }
            row.take("team_id");
            row.take("organization_id");
            teams.retain(|membership| imported.has("team", &membership.team));
            let models = self.models(&mut row, place);
            let none = models.iter().flatten().any(|pattern| pattern.as_str() == NO_MODELS);
            if none {
                self.report.mapped(format!("{place}.models"), "`no-default-models` is said of the user's own keys");
                imported.without_models.insert(id.clone());
            }
            let limits = self.limits(&mut row, place);
            if !limits.is_empty() || models.is_some() {
                let why = "models and limits of a user hold for all keys of the user; LiteLLM's only for those without a team";
                self.report.mapped(place, why);
            }
            let metadata = Self::metadata(&mut row).to_json();
            let created_at = self.created(&mut row);
            self.leftover(row, place);
            let scope = Scope::new(ScopeKind::User, id.as_str());
            if imported.is_new("user", &id) {
                let name = unique(alias.as_deref().or(email.as_deref()), &id, &mut names);
                let models = models.filter(|_| !none);
                let identities = Vec::new();
                let draft = UserDraft {
                    name,
                    email,
                    role: Some(role),
                    teams,
                    identities,
                    models,
                    limits: Vec::new(),
                    metadata,
                };
                let adopted = Adopted { id: id.clone(), draft, blocked: false, created_at, limits: limits.clone() };
                let done = adoption.user(&adopted).await;
                if !taken_over(done, place, &id, self.report)? {
                    continue;
                }
                imported.note("user", &id, &id);
            }
            self.report.carried(place, "a user, under its id");
            imported.spent(adoption, &scope, &limits).await?;
        }
        // Members whom no row describes.
        for (id, mut teams) in members {
            teams.retain(|membership| imported.has("team", &membership.team));
            self.nameless_user(&id, teams, adoption, imported, &mut names).await?;
        }
        Ok(())
    }

    /// Makes a user of whom there is nothing but an id.
    pub(super) async fn nameless_user(
        &mut self,
        id: &str,
        teams: Vec<MembershipDraft>,
        adoption: &mut Adoption,
        imported: &mut Imported,
        names: &mut BTreeSet<String>,
    ) -> Result<()> {
        if !imported.is_new("user", id) {
            return Ok(());
        }
        let draft = UserDraft { name: unique(None, id, names), teams, ..UserDraft::default() };
        let adopted = Adopted { id: id.to_owned(), draft, blocked: false, created_at: self.now, limits: Vec::new() };
        let done = adoption.user(&adopted).await;
        if taken_over(done, "LiteLLM_UserTable", id, self.report)? {
            imported.note("user", id, id);
            self.report.mapped(
                "LiteLLM_UserTable",
                "a user of that id is made, which keys or teams name and no row describes",
            );
        }
        Ok(())
    }

    fn role(&mut self, row: &mut Fields, place: &str) -> Role {
        let role = row.take_text("user_role").unwrap_or_default();
        let (ours, outcome, why) = match role.as_str() {
            "proxy_admin" => (
                Role::Administrator,
                Outcome::Mapped,
                "`administrator`; keys call models only, until they are given a role of their own",
            ),
            "proxy_admin_viewer" => (
                Role::Auditor,
                Outcome::Mapped,
                "`auditor`; keys call models only, until they are given a role of their own",
            ),
            "org_admin" => (Role::Member, Outcome::Refused, "nobody administers an organization; `member` is used"),
            "" | "internal_user" | "internal_user_viewer" | "team" | "customer" => {
                (Role::Member, Outcome::Mapped, "`member`")
            }
            _ => (Role::Member, Outcome::Refused, "not a known role; `member` is used"),
        };
        if !role.is_empty() {
            self.report.add(format!("{place}.user_role"), outcome, why);
        }
        ours
    }

    /// Takes guards out of metadata and row. Whether there are any: what they were to hold back must not pass.
    pub(super) fn guards(&mut self, metadata: &mut Fields, row: &mut Fields, place: &str) -> bool {
        let mut guarded = false;
        let in_metadata =
            ["guardrails", "policies"].map(|name| metadata.take_said(name).map(|_| format!("metadata.{name}")));
        let in_row = row.take_said("policies").map(|_| "policies".to_owned());
        for name in in_metadata.into_iter().chain([in_row]).flatten() {
            guarded = true;
            let why = "guards are not taken over; what they guard arrives blocked";
            self.report.refused(format!("{place}.{name}"), why);
        }
        if metadata.take_said("logging").is_some() {
            self.report.refused(
                format!("{place}.metadata.logging"),
                "calls are not sent to places of a key's or team's choice",
            );
        }
        guarded
    }
}

/// Whether something was taken over. What is wrong with it itself is noted; any other error ends the import.
pub(super) fn taken_over(done: Result<()>, place: &str, id: &str, report: &mut Report) -> Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::InvalidRequest => {
            report.refused(place, format!("`{id}`: {}", error.message()));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// A name that nothing of its kind has yet: the alias, or with the id behind it.
pub(super) fn unique(alias: Option<&str>, id: &str, names: &mut BTreeSet<String>) -> String {
    let name = alias.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(id);
    let name = if names.contains(name) { format!("{name} ({id})") } else { name.to_owned() };
    names.insert(name.clone());
    name
}

/// `[{"user_id": "…", "role": "admin"}, …]`.
fn members_with_roles(node: Option<Node>) -> Vec<(String, Role)> {
    let Some(Node::List(items)) = node else { return Vec::new() };
    let member = |item| {
        let Node::Table(mut fields) = item else { return None };
        let role = match fields.take_text("role").as_deref() {
            Some("admin") => Role::TeamAdministrator,
            _ => Role::Member,
        };
        Some((fields.take_text("user_id")?, role))
    };
    items.into_iter().filter_map(member).collect()
}
