//! `llm models`: what can be called, with context window and price.

use llm_providers::catalogue::{Capability, Catalogue, Mode, Model};
use llm_providers::{Client, Meter, NanoUsd, registry};
use serde_json::{Value, json};

use crate::args::ModelsArgs;
use crate::failure::Failure;
use crate::{output, table};

/// The capabilities that decide what a model is asked for; `--json` has all.
const TOLD: [Capability; 7] = [
    Capability::Vision,
    Capability::Pdf,
    Capability::Audio,
    Capability::Video,
    Capability::Tools,
    Capability::JsonSchema,
    Capability::Reasoning,
];

pub(crate) async fn run(args: &ModelsArgs) -> Result<(), Failure> {
    let client = Client::from_env()?;
    let mut models = if args.all { every_model() } else { client.models().await? };
    if models.is_empty() && !client.is_gateway() {
        eprintln!("note: no provider with a list of models is configured");
        eprintln!("hint: `llm providers` says what to set; `llm models --all` lists the models of every provider");
        return Ok(());
    }
    let query: Vec<String> = args.query.iter().map(|word| word.to_lowercase()).collect();
    models.retain(|model| !is_gone(model) && matches(model, &query));
    if args.json {
        return Ok(output::write_json(&models.iter().map(as_json).collect())?);
    }
    if models.is_empty() {
        eprintln!("note: no model matches `{}`", args.query.join(" "));
        return Ok(());
    }
    let mut rows = vec![["model", "window", "input $/M", "output $/M", "can", ""].map(str::to_owned)];
    rows.extend(models.iter().map(row));
    Ok(table::write(&rows)?)
}

/// The chat models of every provider that is known here.
fn every_model() -> Vec<Model> {
    let providers = registry::rows().keys();
    providers
        .flat_map(|provider| Catalogue::bundled().models(provider))
        .filter(|model| model.mode == Mode::Chat)
        .collect()
}

/// Whether the provider took it away before the catalogue was made.
fn is_gone(model: &Model) -> bool {
    model.deprecated_on.as_deref().is_some_and(|day| day < Catalogue::bundled().as_of())
}

fn matches(model: &Model, query: &[String]) -> bool {
    let id = model.full_id().to_lowercase();
    let can = |word: &str| model.capabilities.iter().any(|capability| capability.as_str() == word);
    query.iter().all(|word| id.contains(word) || can(word))
}

fn row(model: &Model) -> [String; 6] {
    let dash = || "-".to_owned();
    let price = |meter| model.price.rate(meter, 0, None).map_or_else(dash, |nano| NanoUsd(nano).to_string());
    [
        model.full_id(),
        model.window.map_or_else(dash, tokens),
        price(Meter::Input),
        price(Meter::Output),
        model
            .capabilities
            .iter()
            .filter(|can| TOLD.contains(can))
            .map(Capability::as_str)
            .collect::<Vec<_>>()
            .join(","),
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
        "id": model.full_id(),
        "window": model.window,
        "max_output": model.max_output,
        "capabilities": model.capabilities.iter().map(|capability| capability.as_str()).collect::<Vec<_>>(),
        "price": model.price,
        "deprecated_on": model.deprecated_on,
    })
}

#[cfg(test)]
mod tests;
