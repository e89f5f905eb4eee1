//! What no single value can tell: names that must be different, references that must lead somewhere.

mod issuers;

use std::collections::HashMap;

use llm_providers::client::split_model_id;

use super::Config;
use super::problem::{Problem, did_you_mean};
use super::tree::Step::{Index, Key};
use super::tree::Tree;
use crate::limits::shared::Server;

/// The smallest journal that makes sense, in bytes.
const SMALLEST_JOURNAL: u64 = 1 << 20;

/// Notes in `tree` whatever is wrong with `config`, and gives what is only worth knowing.
pub(super) fn check(config: &Config, tree: &mut Tree<'_>) -> Vec<Problem> {
    // Where a value could not be read, whatever refers to it would look wrong too.
    let whole = tree.is_sound();
    let mut warnings = Vec::new();
    check_server(config, tree, &mut warnings);
    check_providers(config, tree, &mut warnings);
    check_models(config, tree);
    issuers::check(config, tree, whole);
    if whole {
        check_references(config, tree);
    }
    warnings
}

fn check_server(config: &Config, tree: &mut Tree<'_>, warnings: &mut Vec<Problem>) {
    if let Some(Err(error)) = config.shared().map(Server::check) {
        let at = if error.message().contains("`redis_ca`") { "redis_ca" } else { "redis" };
        tree.wrong(&[Key(at)], error.message(), None);
    }
    if config.redis_deadline.0.is_zero() {
        let hint = Some("leave `redis` out where limits are not to be shared".to_owned());
        tree.wrong(&[Key("redis_deadline")], "no server answers within no time", hint);
    }
    if config.metrics_listen.is_some() {
        warnings.push(tree.problem_at(&[Key("metrics_listen")], "`metrics_listen` is not built yet", None));
    }
    if config.journal.sync.0.is_zero() {
        tree.wrong(&[Key("journal"), Key("sync")], "`journal.sync` of 0 would do nothing else", None);
    }
    if config.journal.max_size.0 < SMALLEST_JOURNAL {
        let message = "`journal.max_size` is less than 1 MiB, which a few calls would fill";
        tree.wrong(&[Key("journal"), Key("max_size")], message, None);
    }
    if config.responses.expire_after.0.is_zero() {
        let hint = Some("leave `responses.store` out where nothing is to be kept".to_owned());
        tree.wrong(&[Key("responses"), Key("expire_after")], "`responses.expire_after` of 0 would keep nothing", hint);
    }
    if config.responses.store && config.responses.max_size.0 > config.journal.max_size.0 / 16 {
        let message = "`responses.max_size` is more than a sixteenth of `journal.max_size`, which a few would fill";
        tree.wrong(&[Key("responses"), Key("max_size")], message, None);
    }
    for (index, webhook) in config.webhooks.iter().enumerate() {
        if webhook.url().is_none() {
            let message = "`url` of a webhook must begin with `http://` or `https://` and a host";
            tree.wrong(&[Key("webhooks"), Index(index), Key("url")], message, None);
        }
    }
    if config.max_body.0 == 0 {
        tree.wrong(&[Key("max_body")], "`max_body` of 0 would refuse every call", None);
    }
}

fn check_providers(config: &Config, tree: &mut Tree<'_>, warnings: &mut Vec<Problem>) {
    for (id, provider) in &config.providers {
        let at = [Key("providers"), Key(id)];
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            let hint = Some("use letters, digits, `-`, `_` and `.`".to_owned());
            tree.wrong(&at, format!("`{id}` can't be a provider's id"), hint);
            continue;
        }
        let row = table::protocol(id);
        let missing: Vec<&str> = [("protocol", provider.protocol.is_none()), ("base_url", provider.base_url.is_none())]
            .into_iter()
            .filter_map(|(key, missing)| missing.then_some(key))
            .collect();
        if row.is_none() && !missing.is_empty() {
            let hint = did_you_mean(id, table::ids())
                .or_else(|| Some("a new provider needs `protocol` and `base_url`".to_owned()));
            tree.wrong(
                &at,
                format!("the provider `{id}` is not a known one, and has no `{}`", missing.join("` and no `")),
                hint,
            );
            continue;
        }
        if let Some(url) = &provider.base_url
            && let Err(wrong) = check_base_url(url)
        {
            tree.wrong(&[Key("providers"), Key(id), Key("base_url")], wrong, None);
        }
        for (protocol, dialect) in &provider.also {
            let at = [Key("providers"), Key(id), Key("also"), Key(protocol.as_str())];
            if let Some(Err(wrong)) =
                dialect.base_url.as_deref().filter(|url| !url.starts_with('/')).map(check_base_url)
            {
                tree.wrong(&at, wrong, None);
            }
        }
        for name in provider.headers.keys() {
            if http::HeaderName::try_from(name).is_err() {
                tree.wrong(
                    &[Key("providers"), Key(id), Key("headers"), Key(name)],
                    format!("`{name}` can't be the name of a header"),
                    None,
                );
            }
        }
        for (index, name) in provider.forward_headers.iter().enumerate() {
            let at = [Key("providers"), Key(id), Key("forward_headers"), Index(index)];
            if http::HeaderName::try_from(name).is_err() {
                tree.wrong(&at, format!("`{name}` can't be the name of a header"), None);
            } else if carries_credentials(name) {
                tree.wrong(
                    &at,
                    format!("`{name}` carries the caller's credential to this gateway and is never passed on"),
                    None,
                );
            }
        }
        if let Some(protocol) = provider.protocol.or(row)
            && !table::is_built(protocol)
        {
            let message = format!("the protocol `{protocol}` of `{id}` is not built yet: calls are answered with 501");
            warnings.push(tree.problem_at(&at, message, None));
        }
    }
}

fn check_base_url(url: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("`base_url` {why}"));
    let Ok(uri) = url.parse::<http::Uri>() else { return wrong("is not a URL such as `https://host/v1`") };
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(host)) if host.as_str().contains('@') => {
            wrong("can't hold a credential; use `api_key`")
        }
        (Some("http" | "https"), Some(_)) if uri.query().is_some() || url.contains('#') => {
            wrong("can't have a query or a fragment")
        }
        (Some("http" | "https"), Some(_)) => Ok(()),
        _ => wrong("must begin with `http://` or `https://` and a host"),
    }
}

/// Whether a header is one in which callers present their key.
fn carries_credentials(name: &str) -> bool {
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn check_models(config: &Config, tree: &mut Tree<'_>) {
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    for (index, model) in config.models.iter().enumerate() {
        let name = &model.name;
        let at_name = [Key("models"), Index(index), Key("name")];
        if name.is_empty() || name.chars().any(|char| char.is_control() || char.is_whitespace()) {
            tree.wrong(&at_name, "a model's name can't be empty or hold white space", None);
        }
        match first_with.get(name.as_str()) {
            Some(&first) => {
                let line = tree.line(&[Key("models"), Index(first), Key("name")]);
                tree.wrong(&at_name, format!("the model `{name}` stands on line {line} already"), None);
            }
            None => {
                first_with.insert(name, index);
            }
        }
        let deployments = [Key("models"), Index(index), Key("deployments")];
        if model.deployments.is_empty() {
            tree.wrong(&deployments, format!("the model `{name}` has no deployment"), None);
        } else if model.deployments.iter().all(|deployment| deployment.weight == 0) {
            tree.wrong(
                &deployments,
                format!("every deployment of `{name}` has the weight 0, so none would be chosen"),
                None,
            );
        }
        if model.retries > 10 {
            tree.wrong(&[Key("models"), Index(index), Key("retries")], "`retries` can be at most 10", None);
        }
    }
}

fn check_references(config: &Config, tree: &mut Tree<'_>) {
    for (index, model) in config.models.iter().enumerate() {
        for (place, deployment) in model.deployments.iter().enumerate() {
            let at = [Key("models"), Index(index), Key("deployments"), Index(place), Key("model")];
            if let Err((message, hint)) = check_model_id(config, &deployment.model) {
                tree.wrong(&at, message, hint);
            }
            let here = |key| [Key("models"), Index(index), Key("deployments"), Index(place), Key(key)];
            if let Some(Err(wrong)) = deployment.base_url.as_deref().map(check_base_url) {
                tree.wrong(&here("base_url"), wrong, None);
            }
            for name in deployment.headers.keys() {
                if http::HeaderName::try_from(name).is_err() {
                    tree.wrong(&here("headers"), format!("`{name}` can't be the name of a header"), None);
                }
            }
        }
        for (place, fallback) in model.fallbacks.iter().enumerate() {
            let at = [Key("models"), Index(index), Key("fallbacks"), Index(place)];
            // Two names may fall back to each other: of a fallback only its own deployments are tried.
            if *fallback == model.name {
                tree.wrong(&at, format!("`{fallback}` falls back to itself"), None);
                continue;
            }
            if config.models.iter().any(|other| other.name == *fallback) {
                continue;
            }
            match split(config, fallback) {
                Some(_) => {
                    if let Err((message, hint)) = check_model_id(config, fallback) {
                        tree.wrong(&at, message, hint);
                    }
                }
                None => {
                    let names =
                        config.models.iter().map(|other| other.name.as_str()).filter(|name| *name != model.name);
                    let hint = did_you_mean(fallback, names)
                        .or_else(|| Some("name a model of this file, or `provider:model`".to_owned()));
                    tree.wrong(&at, format!("the fallback `{fallback}` is not a model"), hint);
                }
            }
        }
    }
}

fn check_model_id(config: &Config, text: &str) -> Result<(), (String, Option<String>)> {
    let Some((provider, _)) = split(config, text) else {
        return Err((format!("`{text}` is not a `provider:model`"), None));
    };
    if is_known(config, provider) {
        return Ok(());
    }
    let known = config.providers.keys().map(String::as_str).chain(table::ids());
    let hint = did_you_mean(provider, known).or_else(|| Some(format!("describe it under `[providers.{provider}]`")));
    Err((format!("there is no provider `{provider}`"), hint))
}

/// A model id's provider and model, if it names both.
fn split<'t>(config: &Config, text: &'t str) -> Option<(&'t str, &'t str)> {
    split_model_id(text, |id| is_known(config, id)).ok()
}

fn is_known(config: &Config, provider: &str) -> bool {
    config.providers.contains_key(provider) || table::protocol(provider).is_some()
}

/// What is known of providers without configuration.
mod table {
    use llm_core::Protocol;
    use llm_providers::{protocols, registry};

    /// The stand-in that answers by itself; it has no row, since nothing of it can be configured.
    const SANDBOX: &str = "sandbox";

    pub(super) fn ids<'a>() -> impl Iterator<Item = &'a str> {
        registry::rows().keys().map(String::as_str).chain([SANDBOX])
    }

    pub(super) fn protocol(id: &str) -> Option<Protocol> {
        if id == SANDBOX { Some(Protocol::OpenAiChat) } else { registry::row(id).map(|row| row.protocol) }
    }

    pub(super) fn is_built(protocol: Protocol) -> bool {
        protocols::chat(protocol).is_some()
    }
}
