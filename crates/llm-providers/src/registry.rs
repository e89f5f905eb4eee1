//! The provider table: one row of data per provider, the same form in `providers.toml` and in a user's configuration.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use llm_core::Protocol;
use llm_core::codec::Quirks;
use serde::Deserialize;

/// How a provider wants to be shown the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    #[default]
    Bearer,
    /// A header of its own that holds the bare key.
    Header(String),
    /// No key at all.
    None,
}

/// One provider: where it is, what it speaks, how it differs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRow {
    /// The name for people.
    pub name: String,
    /// The wire format it speaks.
    pub protocol: Protocol,
    /// Where it answers; paths of the protocol are added to it. Absent where every account has its own.
    #[serde(default)]
    pub base_url: Option<String>,
    /// How it wants the key.
    #[serde(default)]
    pub auth: Auth,
    /// Environment variables that may hold the key; the first that is set wins.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// Whether it answers without a key (local servers).
    #[serde(default)]
    pub key_optional: bool,
    /// Whether it runs on one's own machine, so that its tokens cost nothing as long as no key is needed.
    #[serde(default)]
    pub local: bool,
    /// Environment variables that may hold another base URL; the first that is set wins.
    #[serde(default)]
    pub base_url_env: Vec<String>,
    /// The API version it is spoken to in, for protocols that have several.
    #[serde(default)]
    pub version: Option<String>,
    /// Its declared differences from the protocol.
    #[serde(default)]
    pub quirks: Quirks,
    /// What its URLs need beside the model: deployment, region, project.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Fixed headers that every request carries.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers of callers that a gateway passes on to it, beside the few that always pass.
    #[serde(default)]
    pub forward_headers: Vec<String>,
    /// The model to use where a person names none.
    #[serde(default)]
    pub default_model: Option<String>,
    /// Where its API is documented.
    #[serde(default)]
    pub docs: Option<String>,
}

impl ProviderRow {
    /// The smallest row of a provider at `base_url`.
    pub fn new(name: impl Into<String>, protocol: Protocol, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            protocol,
            base_url: Some(base_url.into()),
            auth: Auth::Bearer,
            key_env: Vec::new(),
            key_optional: true,
            local: false,
            base_url_env: Vec::new(),
            version: None,
            quirks: Quirks::default(),
            variables: BTreeMap::new(),
            headers: BTreeMap::new(),
            forward_headers: Vec::new(),
            default_model: None,
            docs: None,
        }
    }
}

/// Every provider that is known without configuration, by id.
pub fn rows() -> &'static BTreeMap<String, ProviderRow> {
    #[expect(clippy::expect_used, reason = "the table is compiled in, and a test reads it")]
    static ROWS: LazyLock<BTreeMap<String, ProviderRow>> =
        LazyLock::new(|| toml::from_str(include_str!("providers.toml")).expect("providers.toml is well formed"));
    &ROWS
}

/// The row of one provider.
pub fn row(id: &str) -> Option<&'static ProviderRow> {
    rows().get(id)
}

/// The name among `known` that `id` was most likely meant to be, if any is near.
pub fn nearest<'a>(id: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(id, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
