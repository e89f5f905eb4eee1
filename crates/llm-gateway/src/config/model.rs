//! A model name that applications ask for, and the deployments behind it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, PriceConfig, Secret};

/// `[[models]]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What applications ask for. Matched exactly, before any `provider:model`.
    pub name: String,
    /// How a deployment is chosen.
    #[serde(default)]
    pub strategy: Strategy,
    /// How many further attempts a call may make after its first, over all deployments of this name.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// Names or `provider:model` ids that are tried, in this order, when no deployment of this name answers.
    #[serde(default)]
    pub fallbacks: Vec<String>,
    /// What can serve the name. At least one.
    pub deployments: Vec<DeploymentConfig>,
    /// How long the first content of a stream is awaited before the headers leave; the general `commit_after` unless
    /// set.
    #[serde(default)]
    pub commit_after: Option<Period>,
    /// How many output tokens are reserved where the caller states no bound.
    #[serde(default)]
    pub assume_output: Option<u64>,
}

fn default_retries() -> u32 {
    2
}

/// One provider, model and credential that can serve a name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentConfig {
    /// `provider:model`.
    pub model: String,
    /// Its share of the calls among the name's deployments, under `weighted`. 0: only when the others fail.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// How long one attempt may take.
    #[serde(default)]
    pub timeout: Option<Period>,
    /// Its own price; the catalogue's unless set.
    #[serde(default)]
    pub price: Option<PriceConfig>,
    /// Its own credential; the provider's unless set.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub api_key: Option<Secret>,
    /// Its own place, where that is not the provider's: another resource, region or server of the same kind. Trusted,
    /// like the provider's.
    #[serde(default)]
    pub base_url: Option<String>,
    /// What its URLs need beside the model, laid over the provider's: API version, region, project.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Headers that are sent with every request, in addition to the provider's. They may hold credentials.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Secret>,
}

impl DeploymentConfig {
    /// Whether it is reached otherwise than the provider itself: with another credential, or at another place.
    pub fn is_account_of_its_own(&self) -> bool {
        self.api_key.is_some() || self.base_url.is_some() || !self.variables.is_empty() || !self.headers.is_empty()
    }
}

fn default_weight() -> u32 {
    1
}

/// How a deployment is chosen among those of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// At random, by weight.
    #[default]
    Weighted,
    /// The one with the fewest calls in flight.
    LeastBusy,
    /// The one that answered fastest of late.
    Latency,
    /// The cheapest for this call.
    Cost,
    /// The one that has been used least in the current minute.
    Usage,
    /// The first that is well, in the order of the file.
    Priority,
}

impl Strategy {
    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weighted => "weighted",
            Self::LeastBusy => "least-busy",
            Self::Latency => "latency",
            Self::Cost => "cost",
            Self::Usage => "usage",
            Self::Priority => "priority",
        }
    }
}
