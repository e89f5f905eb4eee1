//! `llm-gateway check`.

use super::{Failure, open, output};
use crate::config::Overrides;
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
    let issuers = &loaded.config.issuers;
    if issuers.is_empty() {
        return Ok(());
    }
    output::text(&format!("  issuers     {}\n", list(issuers.iter().map(|issuer| issuer.issuer.as_str()).collect())))
}
