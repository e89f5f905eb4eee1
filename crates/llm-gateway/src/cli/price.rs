//! `llm-gateway price`: the catalogue's prices, and those that stand in their place.

use llm_providers::catalogue::Catalogue;
use serde_json::json;

use super::args::PriceCommand;
use super::{Failure, open, output};
use crate::config::{Config, Overrides};
use crate::keys::{Keys, PriceDraft, Rate};
use crate::limits::Ledger;
use crate::routing::provider_named;

pub(super) async fn run(command: PriceCommand, overrides: &Overrides) -> Result<(), Failure> {
    match command {
        PriceCommand::List { provider, overrides: overridden, json } => {
            // Where there is no database yet, nobody has set a price.
            let config = open::for_database(overrides)?;
            let keys = match open::is_there(&config.database) {
                true => Some(open::keys_of(&config, Ledger::new()).await?),
                false => None,
            };
            list(keys.as_ref(), provider.as_deref(), overridden, json)
        }
        PriceCommand::Set { model, lines } => {
            let (keys, config) = open::keys(overrides).await?;
            let (provider, model) = split(&config, &model)?;
            let made = keys.put_price(provider, model, PriceDraft { lines }).await?;
            eprintln!("`{}` costs {}; a gateway that runs knows within a second", made.id, text(&made.lines));
            Ok(())
        }
        PriceCommand::Unset { model } => {
            let (keys, config) = open::keys(overrides).await?;
            let (provider, model) = split(&config, &model)?;
            let id = format!("{provider}:{model}");
            keys.delete_price(&id).await?;
            eprintln!("`{id}` costs what the catalogue says; a gateway that runs knows within a second");
            Ok(())
        }
    }
}

/// The provider and the model of `provider:model`.
fn split<'a>(config: &Config, id: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let (provider, model) = id.split_once(':').ok_or_else(|| {
        Failure::new(format!("`{id}` is not a model of a provider")).with_hint("say `provider:model`")
    })?;
    Ok((provider_named(config, provider)?, model))
}

fn list(keys: Option<&Keys>, provider: Option<&str>, overrides: bool, as_json: bool) -> Result<(), Failure> {
    let is_wanted = |id: &str| provider.is_none_or(|asked| id.split_once(':').is_some_and(|(own, _)| own == asked));
    let mut prices: Vec<(String, &str, Vec<Rate>)> = Vec::new();
    if !overrides {
        let models: Vec<_> = match provider {
            Some(provider) => Catalogue::bundled().models(provider).collect(),
            None => Catalogue::bundled().all().collect(),
        };
        let is_changed = |id: &str| keys.is_some_and(|keys| keys.price(id).is_some());
        let unchanged = models.into_iter().filter(|model| !is_changed(&model.full_id()));
        prices.extend(
            unchanged
                .filter(|model| !model.price.lines.is_empty())
                .map(|model| (model.full_id(), "catalogue", model.price.lines.iter().map(Rate::of).collect())),
        );
    }
    let set = keys.map(Keys::prices).unwrap_or_default();
    let overridden = set.into_iter().filter(|price| is_wanted(&price.id));
    prices.extend(overridden.map(|price| (price.id.clone(), "override", price.lines.clone())));
    prices.sort_by(|one, other| one.0.cmp(&other.0));
    if as_json {
        let shown: Vec<_> =
            prices.iter().map(|(id, source, lines)| json!({"id": id, "source": source, "lines": lines})).collect();
        return output::json(&shown);
    }
    let head = ["MODEL", "SOURCE", "PRICE"].map(str::to_owned);
    let rows = prices.into_iter().map(|(id, source, lines)| [id, source.to_owned(), text(&lines)]);
    output::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// A price as `set` takes it.
fn text(lines: &[Rate]) -> String {
    let line = |rate: &Rate| {
        let service = rate.service.as_ref().map(|service| format!("@{service}")).unwrap_or_default();
        let above = if rate.above > 0 { format!(">{}", rate.above) } else { String::new() };
        // An amount for another number of units than is usual says so.
        let usual = Rate { per: None, ..rate.clone() }.units();
        let per = if rate.units() == usual { String::new() } else { format!("/{}", rate.units()) };
        format!("{}{service}{above}={}{per}", rate.meter, rate.amount)
    };
    lines.iter().map(line).collect::<Vec<_>>().join(" ")
}
