//! What a `config.yaml` of LiteLLM comes to.

mod account;
mod deployment;
mod general;
mod models;
mod price;
mod provider;
mod router;

use std::collections::BTreeMap;

use llm_core::{Error, Result};

use super::node::{Fields, Node};
use super::{Report, write, yaml};
use crate::config::{Config, Strategy};
pub(super) use account::Account;
pub(super) use account::filled;
pub(super) use provider::id as provider_id;

/// What is to be written, in the words of this gateway's configuration. Its texts may hold `${VARIABLES}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) admin_key: Option<String>,
    pub(super) redis: Option<String>,
    /// Bytes, such as `32MiB`.
    pub(super) max_body: Option<String>,
    pub(super) on_disconnect: Option<&'static str>,
    /// How long one attempt may take.
    pub(super) timeout: Option<String>,
    /// The zone of calendar windows.
    pub(super) zone: Option<String>,
    /// How long single calls are kept.
    pub(super) retention: Option<String>,
    /// Limits of keys that are made without their own, as `meter = "amount/window"`.
    pub(super) defaults: Vec<(&'static str, String)>,
    /// Providers all of whose models can be called.
    pub(super) providers: BTreeMap<String, Account>,
    pub(super) models: Vec<Model>,
    /// Groups of models that keys of LiteLLM may name, and the names in them.
    pub(super) access_groups: BTreeMap<String, Vec<String>>,
}

/// A model name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) strategy: Strategy,
    pub(super) retries: u32,
    pub(super) fallbacks: Vec<String>,
    pub(super) deployments: Vec<Deployment>,
}

/// What can serve a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Deployment {
    /// `provider:model`.
    pub(super) model: String,
    /// What LiteLLM chooses by, in billionths: `weight`, else `rpm`, else `tpm`.
    pub(super) shares: [Option<i64>; 3],
    pub(super) timeout: Option<String>,
    /// Meters and amounts, in the form of the configuration.
    pub(super) price: Vec<(&'static str, String)>,
    pub(super) account: Account,
}

impl Model {
    /// The share of each deployment, if any has one: by the first measure that any of them says.
    pub(super) fn weights(&self) -> Option<Vec<u32>> {
        let measures = (0..3).map(|measure| {
            let share = |deployment: &Deployment| deployment.shares.get(measure).copied().flatten().unwrap_or(0);
            self.deployments.iter().map(share).collect::<Vec<i64>>()
        });
        let shares = measures.into_iter().find(|shares| shares.iter().any(|share| *share > 0))?;
        let whole = shares.iter().all(|share| share % 1_000_000_000 == 0);
        let unit = if whole { 1_000_000_000 } else { 1_000_000 };
        let weight = |share: &i64| u32::try_from((share / unit).max(i64::from(*share > 0))).unwrap_or(u32::MAX);
        Some(shares.iter().map(weight).collect())
    }
}

impl Plan {
    /// Reads the text of a `config.yaml`.
    pub fn read(text: &str, report: &mut Report) -> Result<Self> {
        let mut file = match yaml::read(text)? {
            Node::Table(fields) => fields,
            Node::Null => Fields::default(),
            _ => return Err(Error::invalid_request("the file is not a configuration of LiteLLM: it holds no table")),
        };
        let mut plan = Self::default();
        let credentials = account::credentials(file.take("credential_list"), report);
        models::read(&mut plan, file.take("model_list"), &credentials, report);
        let mut litellm = file.take_table("litellm_settings");
        let mut router = router::Router::default();
        router.read_general(&mut litellm, "litellm_settings", report);
        router.read(file.take_table("router_settings"), &mut plan, report);
        router.apply(&mut plan, report);
        general::litellm_settings(litellm, &mut plan, report);
        general::general_settings(file.take_table("general_settings"), &mut plan, report);
        for (name, _) in file.take_table("environment_variables").0 {
            let place = format!("environment_variables.{name}");
            report.mapped(place, "set it in the environment of `llm-gateway`; its value is not written anywhere");
        }
        for (name, node) in file.0 {
            general::rest(&name, &node, general::FILE, report);
        }
        Ok(plan)
    }

    /// Notes whatever this gateway would not start with.
    pub fn check(&self, report: &mut Report) {
        // What stands in the environment is not known here; a text that can be a key as well as a place does.
        let problems = match Config::parse("llm-gateway.toml", &self.to_toml(), &|_| Some("https://host".to_owned())) {
            Ok(_) => return,
            Err(problems) => problems,
        };
        for problem in problems.0 {
            report.refused("llm-gateway.toml", problem.message);
        }
    }

    /// The same as an `llm-gateway.toml`.
    pub fn to_toml(&self) -> String {
        write::toml(self)
    }

    /// Every name that a model list of LiteLLM stands for: groups are their names.
    pub(super) fn expand(&self, models: Vec<String>) -> Vec<String> {
        let mut expanded = Vec::new();
        for model in models {
            match self.access_groups.get(&model) {
                Some(names) if !self.models.iter().any(|known| known.name == model) => {
                    expanded.extend(names.iter().cloned());
                }
                _ => expanded.push(model),
            }
        }
        expanded
    }
}
