//! `llm-gateway check`.

use llm_providers::{environment, registry};

use super::{Failure, open, output};
use crate::config::{self, Overrides};
use crate::routing::Routes;

/// Reads the configuration as `serve` would and says what it comes to. Nothing is opened, made or listened on.
pub(super) fn run(overrides: &Overrides) -> Result<(), Failure> {
    let loaded = open::config(overrides)?;
    let routes = Routes::build(&loaded.config)?;
    let name = match &loaded.file {
        Some(file) => format!("`{}` is good", file.display()),
        None => "there is no configuration file, which is good too".to_owned(),
    };
    let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    output::text(&format!(
        "{name}\n  listens on  {}\n  database    {}\n  providers   {}\n  models      {}\n",
        loaded.config.listen,
        loaded.config.database.shown(),
        list(routes.providers().map(|provider| provider.id()).collect()),
        list(routes.names().map(|route| &*route.name).collect()),
    ))?;
    let idle = idle(&routes);
    if !idle.is_empty() {
        let why = "keys stand in the environment, and a configuration that names providers uses no others";
        output::text(&format!("  not used    {}: {why}\n", list(idle)))?;
    }
    let issuers = &loaded.config.issuers;
    if issuers.is_empty() {
        return Ok(());
    }
    output::text(&format!("  issuers     {}\n", list(issuers.iter().map(|issuer| issuer.issuer.as_str()).collect())))
}

/// Prints what a configuration can hold.
pub(super) fn schema() -> Result<(), Failure> {
    output::json(&config::schema())
}

/// The providers whose keys stand in the environment, and that are not used because the configuration names others.
fn idle(routes: &Routes) -> Vec<&'static str> {
    let has_key = |row| environment::configured(row).is_some_and(|(_, key)| key.is_some());
    let is_used = |id: &str| {
        routes.providers().any(|provider| provider.id() == id)
            || routes.deployments().any(|one| *one.provider_id == *id)
    };
    registry::rows().iter().filter(|(id, row)| has_key(row) && !is_used(id)).map(|(id, _)| id.as_str()).collect()
}
