//! `router_settings`, and what of them may stand in `litellm_settings` too.

use std::collections::BTreeMap;

use super::super::node::{Fields, Node};
use super::super::{Outcome, Report, amount};
use super::{Model, Plan, filled, general};
use crate::config::Strategy;

/// The most attempts after the first that a name can have.
const MOST_RETRIES: u64 = 10;

/// What is known of the other members of `router_settings`.
const SETTINGS: &[(&[&str], Outcome, &str)] = &[
    (
        &["allowed_fails", "cooldown_time", "disable_cooldowns", "allowed_fails_policy"],
        Outcome::Ignored,
        "a deployment that fails three times in a row is asked last for 30 s; as the only one it is still asked",
    ),
    (
        &[
            "enable_pre_call_checks",
            "optional_pre_call_checks",
            "routing_strategy_args",
            "set_verbose",
            "debug_level",
            "cache_responses",
            "client_ttl",
            "polling_interval",
            "model_group_retry_policy",
            "enable_health_check_routing",
        ],
        Outcome::Ignored,
        "of use to LiteLLM's router only",
    ),
    (&["retry_policy"], Outcome::Refused, "which errors are tried again is not to be set; `retries` says how often"),
    (
        &["content_policy_fallbacks"],
        Outcome::Refused,
        "what one provider refuses for its content is not asked of others",
    ),
    (&["stream_timeout"], Outcome::Refused, "streams have no time-out of their own; see `[timeouts]`"),
    (&["max_fallbacks"], Outcome::Ignored, "each fallback is tried once"),
    (&["enable_tag_filtering", "tag_filtering_match_any"], Outcome::Refused, "deployments are not chosen by tags"),
    (&["provider_budget_config"], Outcome::Refused, "a provider has no budget"),
];

/// What the file says of all names.
#[derive(Debug, Default)]
pub(super) struct Router {
    strategy: Strategy,
    retries: Option<u32>,
    fallbacks: BTreeMap<String, Vec<String>>,
    defaults: Vec<String>,
    aliases: Vec<(String, String)>,
}

impl Router {
    /// Takes what may stand in either table.
    pub(super) fn read_general(&mut self, fields: &mut Fields, table: &str, report: &mut Report) {
        if let Some(node) = fields.take("num_retries") {
            let place = format!("{table}.num_retries");
            match node.whole() {
                Some(retries @ ..=MOST_RETRIES) => {
                    self.retries = u32::try_from(retries).ok();
                    report.carried(place, format!("`retries = {retries}` of every name"));
                }
                Some(_) => {
                    self.retries = u32::try_from(MOST_RETRIES).ok();
                    report.mapped(place, format!("`retries = {MOST_RETRIES}` of every name, which is the most"));
                }
                None => report.refused(place, "not a whole number"),
            }
        }
        for (name, reason) in [
            ("fallbacks", "`fallbacks` of the names"),
            ("context_window_fallbacks", "`fallbacks` of the names: they are also tried where a prompt is too long"),
        ] {
            if let Some(node) = fields.take_said(name) {
                let place = format!("{table}.{name}");
                match self.add_fallbacks(&node) {
                    Some(()) if name == "fallbacks" => report.carried(place, reason),
                    Some(()) => report.mapped(place, reason),
                    None => report.refused(place, "not a list such as `[{\"gpt-4o\": [\"claude\"]}]`"),
                }
            }
        }
        if let Some(node) = fields.take_said("default_fallbacks") {
            let place = format!("{table}.default_fallbacks");
            match node.texts() {
                Some(names) => {
                    self.defaults.extend(names);
                    report.mapped(place, "the last `fallbacks` of every name");
                }
                None => report.refused(place, "not a list of names"),
            }
        }
    }

    /// `[{"name": ["other", …]}, …]`. A fallback with parameters of its own can't be said here.
    fn add_fallbacks(&mut self, node: &Node) -> Option<()> {
        let Node::List(items) = node else { return None };
        for item in items {
            let Node::Table(fields) = item else { return None };
            for (name, others) in &fields.0 {
                let others = others.texts()?;
                if name == "*" {
                    self.defaults.extend(others);
                } else {
                    self.fallbacks.entry(name.clone()).or_default().extend(others);
                }
            }
        }
        Some(())
    }

    /// `router_settings`.
    pub(super) fn read(&mut self, mut fields: Fields, plan: &mut Plan, report: &mut Report) {
        self.read_general(&mut fields, "router_settings", report);
        if let Some(strategy) = fields.take_text("routing_strategy") {
            self.read_strategy(&strategy, report);
        }
        if let Some(node) = fields.take("timeout") {
            timeout(plan, &node, "router_settings.timeout", report);
        }
        if let Some(Node::Table(aliases)) = fields.take("model_group_alias") {
            for (alias, target) in aliases.0 {
                let target = match target {
                    Node::Table(mut fields) => fields.take_text("model"),
                    node => node.text().map(str::to_owned),
                };
                match target {
                    Some(target) => self.aliases.push((alias, target)),
                    None => report.refused(format!("router_settings.model_group_alias.{alias}"), "it names no model"),
                }
            }
        }
        redis(plan, &mut fields, report);
        for (name, node) in fields.0 {
            general::rest_at(&name, &node, SETTINGS, &format!("router_settings.{name}"), report);
        }
    }

    fn read_strategy(&mut self, strategy: &str, report: &mut Report) {
        let place = "router_settings.routing_strategy";
        let (ours, same) = match strategy {
            "simple-shuffle" => (Strategy::Weighted, true),
            "least-busy" => (Strategy::LeastBusy, true),
            "latency-based-routing" => (Strategy::Latency, true),
            "cost-based-routing" => (Strategy::Cost, true),
            "usage-based-routing" | "usage-based-routing-v2" => (Strategy::Usage, false),
            other => return report.refused(place, format!("there is no strategy `{other}`; `weighted` is used")),
        };
        self.strategy = ours;
        let what = format!("`strategy = \"{}\"` of every name", ours.as_str());
        if same {
            report.carried(place, what);
        } else {
            report.mapped(place, format!("{what}: the least used in the current minute, in each process by itself"));
        }
    }

    /// Lays all of it over the names.
    pub(super) fn apply(self, plan: &mut Plan, report: &mut Report) {
        let aliases = self.aliases.iter().map(|(alias, _)| alias);
        let names: Vec<String> = plan.models.iter().map(|model| &model.name).chain(aliases).cloned().collect();
        let known = |name: &str| names.iter().any(|known| known == name);
        for name in self.fallbacks.keys().filter(|name| !known(name)) {
            report.refused(format!("fallbacks.{name}"), format!("there is no model `{name}`"));
        }
        for model in &mut plan.models {
            model.strategy = self.strategy;
            model.retries = self.retries.unwrap_or(model.retries);
            let own = self.fallbacks.get(&model.name).into_iter().flatten();
            for fallback in own.chain(&self.defaults) {
                if *fallback == model.name || model.fallbacks.contains(fallback) {
                    continue;
                }
                if known(fallback) {
                    model.fallbacks.push(fallback.clone());
                } else {
                    report.refused(format!("fallbacks.{}", model.name), format!("there is no model `{fallback}`"));
                }
            }
        }
        // Last, so that an alias has the fallbacks of what it stands for.
        for (alias, target) in self.aliases {
            let place = format!("router_settings.model_group_alias.{alias}");
            match plan.models.iter().find(|model| model.name == target) {
                Some(_) if plan.models.iter().any(|model| model.name == alias) => {
                    report.refused(place, "there is a model of that name already");
                }
                Some(model) => {
                    let copy = Model { name: alias, ..model.clone() };
                    plan.models.push(copy);
                    report.mapped(place, format!("a name with the deployments of `{target}`"));
                }
                None => report.refused(place, format!("there is no model `{target}`")),
            }
        }
    }
}

/// How long one attempt may take.
pub(super) fn timeout(plan: &mut Plan, node: &Node, place: &str, report: &mut Report) {
    match node.text().and_then(amount::seconds) {
        Some(timeout) => {
            report.carried(place, format!("`timeouts.total = \"{timeout}\"`"));
            plan.timeout = Some(timeout);
        }
        None => report.refused(place, "not a number of seconds"),
    }
}

/// The address of Redis, in one piece or in several.
fn redis(plan: &mut Plan, fields: &mut Fields, report: &mut Report) {
    let mut take = |name: &str| fields.take(name).and_then(|node| filled(node.text()?));
    let (url, host, port, password) =
        (take("redis_url"), take("redis_host"), take("redis_port"), take("redis_password"));
    let pieces = host.map(|host| {
        let password = password.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}{host}:{}", port.unwrap_or_else(|| "6379".to_owned()))
    });
    if let Some(url) = url.or(pieces) {
        report.mapped("router_settings.redis", "`redis`, which is for limits that many replicas share");
        plan.redis = Some(url);
    }
}
