//! What can be said of prices.

use clap::Subcommand;
use llm_core::{Meter, NanoUsd};

use crate::keys::Rate;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PriceCommand {
    /// List prices of the catalogue and those in their place
    List {
        /// Only of this provider
        #[arg(long)]
        provider: Option<String>,
        /// Only those that stand in the place of the catalogue's
        #[arg(long)]
        overrides: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a price in the place of the catalogue's; the next call is reserved and charged at it
    Set {
        /// `provider:model`, as it is called
        model: String,
        /// What is charged: `input=2.50 output=10 cache_read=1.25`, in US dollars for a million tokens, or for one of
        /// what is no token. Of a service tier: `input@batch=1.25`; above so many tokens of prompt: `input>200000=5`
        #[arg(value_name = "METER=AMOUNT", required = true, value_parser = rate)]
        lines: Vec<Rate>,
    },
    /// Take such a price away: the catalogue's is in force again
    Unset {
        /// `provider:model`
        model: String,
    },
}

/// `input=2.50`, `input@batch=1.25`, `input>200000=5`, as the catalogue's data writes it.
fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("`{text}` is not a price such as `input=2.50`, `input@batch=1.25` or `input>200000=5`");
    let (name, amount) = text.split_once('=').ok_or_else(wrong)?;
    let (name, above) = match name.split_once('>') {
        Some((name, above)) => (name, above.parse().map_err(|_| wrong())?),
        None => (name, 0),
    };
    let (name, service) = match name.split_once('@') {
        Some((name, service)) => (name, Some(service.to_owned())),
        None => (name, None),
    };
    let meter = Meter::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Meter::ALL.iter().map(|meter| meter.as_str()).collect();
        format!("unknown meter `{name}`; it is one of `{}`", names.join("`, `"))
    })?;
    let (amount, per) = match amount.split_once('/') {
        Some((amount, per)) => (amount, Some(per.parse().map_err(|_| wrong())?)),
        None => (amount, None),
    };
    let amount: NanoUsd = amount.parse().map_err(|error| format!("`{amount}` is {error}"))?;
    Ok(Rate { meter, amount, per, above, service })
}
