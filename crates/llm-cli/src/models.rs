//! `llm models`: what can be called, with context window and price.

use llm_providers::catalogue::{Catalogue, Mode, Model};
use llm_providers::{Client, Meter, NanoUsd, environment, registry};
use serde_json::{Value, json};

use crate::args::ModelsArgs;
use crate::failure::Failure;
use crate::{output, table};

pub(crate) async fn run(args: &ModelsArgs) -> Result<(), Failure> {
    let client = Client::from_env()?;
    if client.is_gateway() {
        return Err(Failure::usage("`llm models` can't ask a gateway yet")
            .with_hint("the gateway lists what your key may call at `/v1/models`"));
    }
    let providers = providers(&client, args.all);
    if providers.is_empty() {
        eprintln!("note: no provider with a list of models is configured");
        eprintln!("hint: `llm providers` says what to set; `llm models --all` lists the models of every provider");
    }
    let query: Vec<String> = args.query.iter().map(|word| word.to_lowercase()).collect();
    let models: Vec<Model> = providers
        .iter()
        .flat_map(|provider| Catalogue::bundled().models(provider))
        .filter(|model| model.mode == Mode::Chat && !is_gone(model) && matches(model, &query))
        .collect();
    if models.is_empty() && !providers.is_empty() {
        eprintln!("note: no model matches `{}`", args.query.join(" "));
    }
    if args.json {
        return Ok(output::write_json(&models.iter().map(as_json).collect())?);
    }
    if models.is_empty() {
        return Ok(());
    }
    let mut rows = vec![["model", "window", "input $/M", "output $/M", ""].map(str::to_owned)];
    rows.extend(models.iter().map(row));
    Ok(table::write(&rows)?)
}

/// The providers whose models are listed. What runs on the user's own machine has the models that were put there.
fn providers(client: &Client, all: bool) -> Vec<&str> {
    if all {
        return registry::rows().keys().map(String::as_str).collect();
    }
    let has_key = |names: &[String]| names.iter().any(|name| environment::variable(name).is_some());
    let callable = client.providers().filter(|provider| provider.chat_codec().is_ok());
    callable.filter(|provider| has_key(&provider.row().key_env)).map(|provider| provider.id()).collect()
}

/// Whether the provider took it away before the catalogue was made.
fn is_gone(model: &Model) -> bool {
    model.deprecated_on.as_deref().is_some_and(|day| day < Catalogue::bundled().as_of())
}

fn matches(model: &Model, query: &[String]) -> bool {
    let id = id(model).to_lowercase();
    query.iter().all(|word| id.contains(word))
}

fn id(model: &Model) -> String {
    format!("{}:{}", model.provider, model.id)
}

fn row(model: &Model) -> [String; 5] {
    let dash = || "-".to_owned();
    let price = |meter| model.price.rate(meter, 0, None).map_or_else(dash, |nano| NanoUsd(nano).to_string());
    [
        id(model),
        model.window.map_or_else(dash, tokens),
        price(Meter::Input),
        price(Meter::Output),
        model.deprecated_on.as_ref().map_or_else(String::new, |day| format!("until {day}")),
    ]
}

/// 128,000 as `128k`, 1,048,576 as `1.05M`.
fn tokens(count: u64) -> String {
    let in_units = |hundredths: u64, unit: &str| {
        let number = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.'))
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..999_500 => format!("{}k", (count + 500) / 1_000),
        _ => in_units((count + 5_000) / 10_000, "M"),
    }
}

fn as_json(model: &Model) -> Value {
    json!({
        "id": id(model),
        "window": model.window,
        "max_output": model.max_output,
        "capabilities": model.capabilities.iter().map(|capability| capability.as_str()).collect::<Vec<_>>(),
        "price": model.price,
        "deprecated_on": model.deprecated_on,
    })
}
