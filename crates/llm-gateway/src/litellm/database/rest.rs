//! End users, tags, and the tables of which nothing is taken over.

use llm_core::Result;

use super::Import;
use super::rows::Source;
use super::write::Imported;
use crate::keys::{AdoptedLimit, Adoption};
use crate::limits::{LimitMeter, LimitSpec, Scope, ScopeKind, Window};

/// Tables that are read elsewhere.
const READ: &[&str] = &[
    "LiteLLM_BudgetTable",
    "LiteLLM_OrganizationTable",
    "LiteLLM_TeamTable",
    "LiteLLM_UserTable",
    "LiteLLM_VerificationToken",
    "LiteLLM_DeprecatedVerificationToken",
    "LiteLLM_TeamMembership",
    "LiteLLM_EndUserTable",
    "LiteLLM_TagTable",
    "LiteLLM_SpendLogs",
    "LiteLLM_DailyUserSpend",
];

/// Tables whose rows somebody will miss, and why they are not taken over.
const REFUSED: &[(&str, &str)] = &[
    (
        "LiteLLM_ProxyModelTable",
        "models that were made in LiteLLM's console are encrypted there; write them in `config.yaml`",
    ),
    ("LiteLLM_CredentialsTable", "credentials are encrypted there; put them into the environment"),
    ("LiteLLM_Config", "settings that were made in LiteLLM's console; write them in `config.yaml`"),
    ("LiteLLM_ConfigOverrides", "settings that were made in LiteLLM's console; write them in `config.yaml`"),
    ("LiteLLM_ProjectTable", "there are no projects; make them teams"),
    ("LiteLLM_OrganizationMembership", "nobody is a member of an organization but by its teams"),
    ("LiteLLM_ModelAccessGroupBudgetTable", "a group of models has no budget; limit keys or teams for those models"),
    ("LiteLLM_AccessGroupTable", "groups of models, tool servers and agents are not taken over; say `models`"),
    ("LiteLLM_ModelTable", "a name means the same for everybody; make a model name"),
    ("LiteLLM_ObjectPermissionTable", "grants of tool servers, vector stores and agents, which are not served here"),
    ("LiteLLM_GuardrailsTable", "guards are not taken over"),
    ("LiteLLM_PolicyTable", "guards are not taken over"),
    ("LiteLLM_PolicyAttachmentTable", "guards are not taken over"),
    ("LiteLLM_PromptTable", "prompts are not kept here"),
    ("LiteLLM_MCPServerTable", "tool servers are not served here"),
    ("LiteLLM_MCPToolsetTable", "tool servers are not served here"),
    ("LiteLLM_AgentsTable", "agents are not served here"),
    ("LiteLLM_SkillsTable", "skills are not kept here"),
    ("LiteLLM_JWTKeyMapping", "tokens of an identity provider are set up by hand"),
    ("LiteLLM_SSOConfig", "login is set up by hand"),
    ("LiteLLM_ManagedFileTable", "files stay with the provider; their ids are LiteLLM's own"),
    ("LiteLLM_ManagedObjectTable", "batches and the like stay with the provider; their ids are LiteLLM's own"),
    ("LiteLLM_ManagedVectorStoresTable", "vector stores are not served here"),
    ("LiteLLM_ManagedVectorStoreTable", "vector stores are not served here"),
    ("LiteLLM_SearchToolsTable", "searches are not served here"),
    ("LiteLLM_CacheConfig", "answers are not kept"),
    ("LiteLLM_ToolTable", "tools are not limited by name"),
    ("LiteLLM_MemoryTable", "memories are not kept here"),
];

impl Import<'_> {
    /// Limits of end users and tags.
    pub(super) async fn end_users_and_tags(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<()> {
        for (place, column, kind) in
            [("LiteLLM_EndUserTable", "user_id", ScopeKind::EndUser), ("LiteLLM_TagTable", "tag_name", ScopeKind::Tag)]
        {
            for mut row in source.rows(place).await? {
                let Some(id) = row.take_text(column).filter(|id| crate::keys::is_tag(id)) else { continue };
                let mut limits = self.limits(&mut row, place);
                if row.take("blocked").and_then(|node| node.bool()) == Some(true) {
                    let spec = LimitSpec::new(LimitMeter::Requests, Window::Total, 0);
                    limits.push(AdoptedLimit { spec, spent: None });
                    self.report.mapped(format!("{place}.blocked"), "a limit of 0 requests");
                }
                for name in ["alias", "description", "model_info", "created_at"] {
                    row.take(name);
                }
                for (name, why) in [
                    ("models", "there is no list of models for it; limit the calls of other models to 0"),
                    ("allowed_model_region", "deployments are not chosen by their region"),
                    ("default_model", "nothing is sent to a model that was not asked for"),
                ] {
                    if row.take_said(name).is_some() {
                        self.report.refused(format!("{place}.{name}"), why);
                    }
                }
                self.leftover(row, place);
                let scope = Scope::new(kind, id.as_str());
                if imported.is_new(kind.as_str(), &id) {
                    adoption.limits(&scope, &limits).await?;
                    imported.note(kind.as_str(), &id, &id);
                }
                imported.spent(adoption, &scope, &limits).await?;
                self.report.carried(place, "its limits");
            }
        }
        Ok(())
    }

    /// Notes what stands in all other tables.
    pub(super) async fn rest(&mut self, source: &mut Source) -> Result<()> {
        for table in source.tables().to_vec() {
            if READ.contains(&table.as_str()) {
                continue;
            }
            let count = source.count(&table).await?;
            if count == 0 {
                continue;
            }
            match REFUSED.iter().find(|(known, _)| *known == table) {
                Some((_, why)) => self.report.refused(table, format!("{why} (rows: {count})")),
                None => self.report.ignored(table, "records of LiteLLM's own work, or sums of what is read elsewhere"),
            }
        }
        Ok(())
    }
}
