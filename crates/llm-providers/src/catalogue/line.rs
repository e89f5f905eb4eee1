//! One line of the data file, whose head says what the columns are.

use llm_core::{Meter, NanoUsd, Price, PriceLine};

use super::{Capabilities, Capability, Mode, Model};

/// The first column: `provider:model`.
pub(super) fn key(line: &str) -> &str {
    line.split_once('\t').map_or(line, |(key, _)| key)
}

/// The model that the line's name stands for, where it stands for another one.
pub(super) fn alias(line: &str) -> Option<&str> {
    line.split_once('\t')?.1.strip_prefix('=')
}

/// The fourth column.
pub(super) fn max_output(line: &str) -> Option<u64> {
    line.split('\t').nth(3)?.parse().ok()
}

/// The model of a line; none for comments and for names of other models.
pub(super) fn parse(line: &str) -> Option<Model> {
    let mut columns = line.split('\t');
    let (provider, id) = columns.next()?.split_once(':')?;
    let mode = columns.next()?;
    let mut known = || columns.next().map(|column| (column != "-").then_some(column));
    let (window, max_output, letters, price, deprecated_on) = (known()?, known()?, known()?, known()?, known()?);
    let tokens = |column: Option<&str>| column.map(|text| text.parse::<u64>()).transpose().ok();
    Some(Model {
        provider: provider.to_owned(),
        id: id.to_owned(),
        mode: if mode == "-" { Mode::Other } else { Mode::from_name(mode)? },
        window: tokens(window)?,
        max_output: tokens(max_output)?,
        capabilities: capabilities(letters.unwrap_or_default())?,
        price: Price { lines: price.map_or(Some(Vec::new()), price_lines)? },
        deprecated_on: deprecated_on.map(str::to_owned),
    })
}

fn capabilities(letters: &str) -> Option<Capabilities> {
    letters.chars().map(Capability::from_letter).collect()
}

fn price_lines(text: &str) -> Option<Vec<PriceLine>> {
    text.split(' ').map(price_line).collect()
}

/// `meter[@service][>above]=dollars per million`. A dollar has as many nano-dollars as a price of one dollar per
/// million units has of the price line's unit, so the amount is read as money.
fn price_line(text: &str) -> Option<PriceLine> {
    let (name, amount) = text.split_once('=')?;
    let (name, above) = match name.split_once('>') {
        Some((name, above)) => (name, above.parse().ok()?),
        None => (name, 0),
    };
    let (meter, service) = match name.split_once('@') {
        Some((meter, service)) => (meter, Some(service.to_owned())),
        None => (name, None),
    };
    let NanoUsd(nano_per_million) = amount.parse().ok()?;
    Some(PriceLine { meter: Meter::from_name(meter)?, above, service, nano_per_million })
}
