//! Which model is asked, and what to say of a name that leads to none.

use llm_providers::catalogue::Catalogue;
use llm_providers::environment;
use llm_providers::registry::ProviderRow;
use llm_providers::{Client, Error, ErrorKind, Provider, registry};

use crate::failure::Failure;

/// The model to use where none is named.
const LLM_MODEL: &str = "LLM_MODEL";

/// The model that was named on the command line or in the environment, or one of the first provider with a key.
pub(crate) fn choose(client: &Client, named: Option<String>) -> Result<String, Failure> {
    if let Some(model) = named.or_else(|| environment::variable(LLM_MODEL)) {
        return Ok(model);
    }
    if client.is_gateway() {
        return Err(Failure::usage("no model is named").with_hint(format!(
            "name one that the gateway serves with `-m MODEL` or in `{LLM_MODEL}`; `llm models` lists them"
        )));
    }
    let default = |provider: &Provider| Some(format!("{}:{}", provider.id(), provider.row().default_model.as_ref()?));
    client.providers().find_map(|provider| default(provider)).ok_or_else(|| {
        let variables: Vec<_> = ["openai", "anthropic"]
            .into_iter()
            .filter_map(|id| registry::row(id)?.key_env.first())
            .map(|name| format!("`{name}`"))
            .collect();
        Failure::usage("no model is named, and no provider has a key").with_hint(format!(
            "set {}, or name a model with `-m`, for example `-m ollama:llama3.2`; `llm providers` lists all",
            variables.join(" or ")
        ))
    })
}

/// The failure of a call to `model`, with the name that was perhaps meant, or the place where nobody answers.
pub(crate) fn failure(client: &Client, model: &str, error: Error) -> Failure {
    let did_you_mean = |id: String| format!("did you mean `{id}`?");
    let hint = match (error.kind(), error.provider()) {
        (ErrorKind::ModelNotFound, Some(provider)) => nearest(provider, model).map(did_you_mean),
        (ErrorKind::ModelNotFound, None) if !model.contains(':') => of_some_provider(client, model).map(did_you_mean),
        (ErrorKind::Connection, Some(provider)) => place(client, provider),
        _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Where a provider was looked for.
fn place(client: &Client, provider: &str) -> Option<String> {
    if client.is_gateway() {
        return Some(format!("is the gateway of `{}` running?", environment::LLM_GATEWAY_URL));
    }
    let provider = client.providers().find(|known| known.id() == provider)?;
    // A URL may hold a password before its `@`.
    let url = provider.row().base_url.as_ref().filter(|url| !url.contains('@'))?;
    Some(format!("is there a server at `{url}`?"))
}

fn nearest(provider: &str, model: &str) -> Option<String> {
    let name = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix([':', '/'])).unwrap_or(model);
    let near = Catalogue::bundled().nearest(provider, name).filter(|near| near != name)?;
    Some(format!("{provider}:{near}"))
}

/// A model of that bare name, of a configured provider first.
fn of_some_provider(client: &Client, model: &str) -> Option<String> {
    let configured = client.providers().map(|provider| provider.id());
    // Of all that sell a model, whoever is usually asked for one of its family most likely makes it.
    let family = |model: &str| model.split('-').next().map(str::to_owned);
    let makes = |row: &ProviderRow| row.default_model.as_deref().and_then(family) == family(model);
    let makers = registry::rows().iter().filter(|(_, row)| makes(row)).map(|(id, _)| id.as_str());
    let known = registry::rows().keys().map(String::as_str);
    let mut providers = configured.chain(makers).chain(known);
    let found = providers.find(|provider| Catalogue::bundled().lookup(provider, model).is_some());
    found.map(|provider| format!("{provider}:{model}"))
}
