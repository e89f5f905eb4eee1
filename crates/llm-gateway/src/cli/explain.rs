//! `llm-gateway explain`.

use llm_core::Meter;
use llm_core::NanoUsd;

use super::{Failure, open, output};
use crate::config::{Config, Overrides, Strategy};
use crate::limits::Ledger;
use crate::routing::{Deployment, PriceSource, Route, Routes};

/// Says what a call to `model` would try. It asks configuration and database and not a gateway that runs, so it does not
/// know which deployments are busy, slow or left alone just now.
pub(super) async fn run(model: &str, overrides: &Overrides) -> Result<(), Failure> {
    let config = open::config(overrides)?.config;
    let routes = Routes::build(&config)?;
    let route = routes.resolve(model)?;
    know_prices(&config, &routes).await;
    let mut rows = vec![["DEPLOYMENT", "PRICE IN/OUT", "SAID BY", "WHY"].map(str::to_owned)];
    for (place, deployment) in route.deployments.iter().enumerate() {
        rows.push(row(deployment, why(&route, place, deployment)));
    }
    for fallback in &route.fallbacks {
        for deployment in &fallback.deployments {
            let why = format!("when none of `{}` answers: the fallback `{}`", route.name, fallback.name);
            rows.push(row(deployment, why));
        }
    }
    let attempts = route.retries + 1;
    let tries = if attempts == 1 { "1 attempt".to_owned() } else { format!("up to {attempts} attempts") };
    let then = if route.fallbacks.is_empty() { "" } else { ", then its fallbacks once" };
    output::text(&format!("{}: {}, {tries} over its own{then}\n\n", route.name, route.strategy.as_str()))?;
    output::table(&rows)
}

/// Lets deployments know the prices that were set, which stand in the database. Where there is none yet, nobody has set
/// any; and what can't be asked does not keep the rest from being explained.
async fn know_prices(config: &Config, routes: &Routes) {
    if !open::is_there(&config.database) {
        return;
    }
    match open::keys_of(config, Ledger::new()).await {
        Ok(keys) => drop(keys.pricing(routes.overrides().clone())),
        Err(failure) => eprintln!("warning: prices that were set are not known: {failure}"),
    }
}

fn row(deployment: &Deployment, why: String) -> [String; 4] {
    // Prices are kept for a million tokens, so what is kept is what people say.
    let tariff = deployment.tariff();
    let price = |meter| tariff.price.rate(meter, 0, None).map(|rate| NanoUsd(rate).to_string());
    let (price, source) = match (price(Meter::Input), price(Meter::Output)) {
        (Some(input), Some(output)) => (format!("{input} / {output}"), said_by(tariff.source)),
        _ => ("not known".to_owned(), "-"),
    };
    [deployment.id.to_string(), price, source.to_owned(), why]
}

fn said_by(source: PriceSource) -> &'static str {
    match source {
        PriceSource::File => "the file",
        PriceSource::Override => "`price set`",
        PriceSource::Catalogue => "catalogue",
        PriceSource::BuiltIn => "built in",
        PriceSource::Batch => "batch",
    }
}

fn why(route: &Route, place: usize, deployment: &Deployment) -> String {
    if route.deployments.len() == 1 {
        return "the only one".to_owned();
    }
    match route.strategy {
        Strategy::Weighted => {
            let all: u64 = route.deployments.iter().map(|deployment| u64::from(deployment.weight)).sum();
            match deployment.weight {
                0 => "only when the others fail".to_owned(),
                weight => format!("first in {weight} of {all} calls, else after those drawn before it"),
            }
        }
        Strategy::Priority => format!("number {} in the order of the file", place + 1),
        Strategy::LeastBusy => "by how few calls are in flight".to_owned(),
        Strategy::Latency => "by how fast it answered of late".to_owned(),
        Strategy::Cost => "by its price, the lowest first".to_owned(),
        Strategy::Usage => "by how little it was used in this minute".to_owned(),
    }
}
