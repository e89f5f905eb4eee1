//! What is said to make or change a team.

use llm_core::Result;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{check_tenant, said};
use crate::limits::{LimitSpec, ModelPattern};

/// A team to be made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamDraft {
    /// Its name; no other team may have it.
    pub name: String,
    /// The id or name of the organization it belongs to.
    #[serde(default)]
    pub organization: Option<String>,
    /// Which models its keys may call; all unless said.
    #[serde(default)]
    pub models: Option<Vec<ModelPattern>>,
    /// Its limits.
    #[serde(default)]
    pub limits: Vec<LimitSpec>,
    /// What is to be remembered of it.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// A change of a team. A member that is not said stays; one that is said as null becomes nothing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamPatch {
    /// A new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether its keys are refused.
    #[serde(default)]
    pub blocked: Option<bool>,
    /// The id or name of another organization; null for none.
    #[serde(default, deserialize_with = "said")]
    pub organization: Option<Option<String>>,
    /// Which models its keys may call; null for all.
    #[serde(default, deserialize_with = "said")]
    pub models: Option<Option<Vec<ModelPattern>>>,
    /// Its limits, in the place of all that it has.
    #[serde(default)]
    pub limits: Option<Vec<LimitSpec>>,
    /// What is remembered, in the place of what was.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl TeamDraft {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        check_tenant(Some(&self.name), self.models.as_deref(), Some(&self.limits), Some(&self.metadata))
    }
}

impl TeamPatch {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        let models = self.models.as_ref().and_then(Option::as_deref);
        check_tenant(self.name.as_deref(), models, self.limits.as_deref(), self.metadata.as_ref())
    }
}
