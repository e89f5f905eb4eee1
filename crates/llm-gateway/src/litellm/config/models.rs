//! `model_list`: names, and the deployments behind them.

use crate::config::Strategy;

use super::super::Report;
use super::super::node::{Fields, Node};
use super::account::Credentials;
use super::{Model, Plan, deployment, general, provider};

/// Reads the list into `plan`.
pub(super) fn read(plan: &mut Plan, list: Option<Node>, credentials: &Credentials, report: &mut Report) {
    let items = match list {
        None => return,
        Some(Node::List(items)) => items,
        Some(_) => return report.refused("model_list", "not a list"),
    };
    for (place, item) in items.into_iter().enumerate() {
        let Node::Table(mut fields) = item else {
            report.refused(format!("model_list[{place}]"), "not a model");
            continue;
        };
        let Some(name) = fields.take_text("model_name") else {
            report.refused(format!("model_list[{place}]"), "it has no `model_name`");
            continue;
        };
        one(plan, &name, fields, credentials, report);
    }
}

fn one(plan: &mut Plan, name: &str, mut fields: Fields, credentials: &Credentials, report: &mut Report) {
    let place = format!("model_list.{name}");
    if name.chars().any(|char| char.is_control() || char.is_whitespace()) {
        return report.refused(place, "a model's name can't hold white space");
    }
    let mut params = fields.take_table("litellm_params");
    let mut info = fields.take_table("model_info");
    // Older files say these beside the parameters.
    for member in ["rpm", "tpm"] {
        if let Some(node) = fields.take(member) {
            params.0.push((member.to_owned(), node));
        }
    }
    let groups = info.take("access_groups").and_then(|node| node.texts()).unwrap_or_default();
    for (member, node) in fields.0 {
        general::rest_at(&member, &node, &[], &format!("{place}.{member}"), report);
    }
    let at = format!("{place}.litellm_params");
    if name.contains('*') {
        return wildcard(plan, name, params, info, &at, credentials, report);
    }
    let deployment = match deployment::read(params, &mut info, credentials, &at, report) {
        Ok(deployment) => deployment,
        Err(why) => return report.refused(place, why),
    };
    for group in groups {
        report.mapped(format!("{place}.model_info.access_groups"), "keys and teams that name the group get its models");
        let names = plan.access_groups.entry(group).or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    match plan.models.iter_mut().find(|model| model.name == name) {
        Some(model) => model.deployments.push(deployment),
        None => plan.models.push(Model {
            name: name.to_owned(),
            strategy: Strategy::Weighted,
            retries: 2,
            fallbacks: Vec::new(),
            deployments: vec![deployment],
        }),
    }
}

/// `openai/*`: every model of a provider, by `provider/model`.
fn wildcard(
    plan: &mut Plan,
    name: &str,
    mut params: Fields,
    mut info: Fields,
    at: &str,
    credentials: &Credentials,
    report: &mut Report,
) {
    let place = at.trim_end_matches(".litellm_params");
    let model = params.get("model").and_then(Node::text).unwrap_or(name).to_owned();
    if model != name || !model.ends_with("/*") || model.matches('*').count() > 1 {
        let why = "a name can't be a pattern here; every model of a configured provider goes by `provider:model` and \
                   `provider/model`";
        return report.refused(place, why);
    }
    let prefix = model.trim_end_matches("/*");
    let Some(id) =
        provider::id(prefix, "*").filter(|id| prefix == *id || llm_providers::registry::canonical(prefix) == *id)
    else {
        let why = match provider::id(prefix, "*") {
            Some(id) => format!("`{prefix}/…` is not a name here; the provider's models go by `{id}:…` and `{id}/…`"),
            None => format!("there is no provider `{prefix}` here"),
        };
        return report.refused(place, why);
    };
    if plan.providers.contains_key(id) {
        return report.refused(place, format!("all models of `{id}` stand behind another entry already"));
    }
    let read = match deployment::read(std::mem::take(&mut params), &mut info, credentials, at, report) {
        Ok(read) => read,
        Err(why) => return report.refused(place, why),
    };
    if !read.price.is_empty() || read.timeout.is_some() {
        report.refused(place, "price and time-out of an entry for all models of a provider can't be said");
    }
    report.mapped(place, format!("`[providers.{id}]` and `direct_models`: `{id}:…` and `{id}/…` can be called"));
    plan.providers.insert(id.to_owned(), read.account);
}
