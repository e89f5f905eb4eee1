//! `llm-gateway serve`.

use std::io::{IsTerminal, stdout};
use std::net::SocketAddr;
use std::sync::Arc;

use llm_providers::transport::SANDBOX_MODEL;

use super::{Failure, log, output};
use crate::config::{Config, Overrides, Secret, env};
use crate::routes::{self, Admin};
use crate::routing::Routes;
use crate::server::{Server, told_to_stop};
use crate::{Gateway, admin_key};

/// Starts the gateway and returns when it was told to stop and has.
pub(super) fn run(overrides: &Overrides) -> Result<(), Failure> {
    let loaded = Config::load(overrides, &env::process)?;
    log::start(&loaded.config.log)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(loaded.config))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let listen = config.listen;
    let routes = Routes::build(&config)?;
    let gateway = Gateway::over(routes, config).await?;
    let prepared = admin_key::prepare(gateway.config(), gateway.keys()).await?;
    if let Some(warning) = &prepared.warning {
        tracing::warn!("{warning}");
    }
    let admin = Admin::new(Arc::clone(&gateway), prepared.administrator);
    let surface = routes::surface(Arc::clone(&gateway), Arc::new(admin));
    // Before anybody can call, so that no call is cut by a stop that comes soon after.
    let stop = told_to_stop();
    let server = Server::bind(Arc::clone(&gateway), listen.0).await?;
    let address = server.address()?;
    tracing::info!(%address, "listening");

    if let Some((key, file)) = &prepared.made {
        tracing::info!(file = %file.display(), "made the administrator's key");
        if stdout().is_terminal() {
            output::text(&format!(
                "\nThe administrator's key, which also stands in {}:\n\n  {}\n",
                file.display(),
                key.expose()
            ))?;
        }
    }
    if listen.is_loopback()
        && let Some(first) = gateway.keys().create_first().await?
    {
        output::text(&welcome(address, &gateway, &first.secret))?;
    }
    Ok(server.run(surface, stop).await?)
}

/// What the first start says: a key, and a line that works as pasted.
fn welcome(address: SocketAddr, gateway: &Gateway, key: &Secret) -> String {
    let key = key.expose();
    let try_it = match first_model(gateway) {
        Some(model) => {
            let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
            format!(
                "curl http://{address}/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' -d '{body}'"
            )
        }
        None => format!("curl http://{address}/v1/models -H 'authorization: Bearer {key}'"),
    };
    format!("\nA first key, good for 5 USD a day and shown this once:\n\n  {key}\n\nTry it:\n\n  {try_it}\n\n")
}

/// A model that can be called right away: a name of the configuration, or what a provider is usually asked for.
fn first_model(gateway: &Gateway) -> Option<String> {
    let routes = gateway.routes();
    if let Some(route) = routes.names().next() {
        return Some(route.name.to_string());
    }
    let usual = |id: &str, model: &Option<String>| match (id, model) {
        ("sandbox", _) => Some(format!("sandbox:{SANDBOX_MODEL}")),
        (id, model) => model.as_ref().map(|model| format!("{id}:{model}")),
    };
    let direct = routes.providers().find_map(|provider| usual(provider.id(), &provider.row().default_model));
    direct.filter(|model| routes.is_direct() && !model.contains('\''))
}
