//! A provider in the configuration: a row of the provider table, overridden or new.

use std::collections::BTreeMap;

use llm_core::Protocol;
use llm_core::codec::Quirks;
use llm_providers::registry::{Auth, Dialect, ProviderRow};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DeploymentConfig, Secret, TimeoutsConfig};

/// `[providers.ID]`. For an id that the provider table knows, only what differs from its row; a new id needs
/// `protocol` and `base_url`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// The credential; the row's customary environment variable unless set.
    #[schemars(with = "Option<String>")]
    pub api_key: Option<Secret>,
    /// Where the provider answers. Trusted, so a local one is allowed.
    pub base_url: Option<String>,
    /// The wire format in which it is spoken to, unless the caller speaks one of `also`.
    pub protocol: Option<Protocol>,
    /// Further wire formats that it speaks, and what differs there: `also.anthropic = { base_url = "/anthropic" }`.
    pub also: BTreeMap<Protocol, Dialect>,
    /// How the credential is sent: `bearer`, `none`, or `{ header = "x-api-key" }`.
    pub auth: Option<Auth>,
    /// The API version, for protocols that have several.
    pub version: Option<String>,
    /// How it differs from its protocol. Replaces the row's quirks as a whole.
    pub quirks: Option<Quirks>,
    /// Headers that are sent with every request, in addition to the row's. They may hold credentials.
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Secret>,
    /// Callers' headers that are passed on to this provider, in addition to the row's.
    pub forward_headers: Vec<String>,
    /// Members of requests by which this provider answers with other models than the one that is asked for, in addition
    /// to the row's: as paths through objects and lists (`models`, `tools.model`). The gateway refuses them.
    pub other_models: Vec<String>,
    /// Time-outs that differ from the general ones.
    pub timeouts: TimeoutsConfig,
    /// What its URLs need beside the model: resource, deployment, region, project, location.
    pub variables: BTreeMap<String, String>,
    /// Paths that differ from the protocol's, by the protocol's own; `"*"` is for all others. Laid over the row's.
    pub paths: BTreeMap<String, String>,
    /// The same for requests whose answer is streamed.
    pub stream_paths: BTreeMap<String, String>,
    /// Members of the query that every request carries. Laid over the row's.
    pub query: BTreeMap<String, String>,
}

impl ProviderConfig {
    /// The same provider as one deployment reaches it.
    #[must_use]
    pub fn of_deployment(mut self, deployment: &DeploymentConfig) -> Self {
        self.api_key = deployment.api_key.clone().or(self.api_key);
        self.base_url = deployment.base_url.clone().or(self.base_url);
        self.variables.extend(deployment.variables.clone());
        self.headers.extend(deployment.headers.clone());
        self
    }

    /// What is said here, laid over `row`; the row itself where nothing is. A new provider has no row and is made from
    /// what is said alone; none where that is too little.
    pub fn over(&self, id: &str, row: Option<&ProviderRow>) -> Option<ProviderRow> {
        let mut row = match (row, self.protocol, &self.base_url) {
            (Some(row), _, _) => row.clone(),
            (None, Some(protocol), Some(base_url)) => ProviderRow::new(id, protocol, base_url),
            (None, _, _) => return None,
        };
        if let Some(base_url) = &self.base_url {
            row.move_to(base_url);
            row.base_url_env.clear();
        }
        if let Some(protocol) = self.protocol {
            row.speak_mainly(protocol);
        }
        row.also.extend(self.also.iter().map(|(protocol, dialect)| (*protocol, dialect.clone())));
        row.auth = self.auth.clone().unwrap_or(row.auth);
        row.version = self.version.clone().or(row.version);
        row.quirks = self.quirks.clone().unwrap_or(row.quirks);
        row.headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
        row.forward_headers.extend(self.forward_headers.iter().cloned());
        row.other_models.extend(self.other_models.iter().cloned());
        let lay = |ours: &BTreeMap<String, String>, over: &mut BTreeMap<String, String>| {
            over.extend(ours.iter().map(|(name, value)| (name.clone(), value.clone())));
        };
        lay(&self.variables, &mut row.variables);
        lay(&self.paths, &mut row.paths);
        lay(&self.stream_paths, &mut row.stream_paths);
        lay(&self.query, &mut row.query);
        Some(row)
    }
}
