//! What is known of one model, in a form that both sources are read into.

use std::collections::{BTreeMap, BTreeSet};

/// `provider:model`, by our providers' ids.
pub(crate) type Key = String;

/// The meters of llm-core, by name, in the order in which they are written; each with its parent.
pub(crate) const METERS: &[(&str, Option<&str>)] = &[
    ("input", None),
    ("output", None),
    ("cache_read", Some("input")),
    ("cache_write", Some("input")),
    ("cache_write_1h", Some("cache_write")),
    ("reasoning", Some("output")),
    ("input_audio", Some("input")),
    ("cache_read_audio", Some("cache_read")),
    ("input_image", Some("input")),
    ("output_audio", Some("output")),
    ("output_image", Some("output")),
    ("request", None),
    ("image", None),
    ("second", None),
    ("character", None),
    ("query", None),
    ("page", None),
];

/// What one meter costs under one service tier: nano-dollars per million units by the number of prompt tokens above
/// which they hold.
pub(crate) type Steps = BTreeMap<u64, i64>;

/// All prices, by meter and service tier; the standard tier is the empty name.
pub(crate) type Prices = BTreeMap<(&'static str, String), Steps>;

/// What is known of one model. Anything that is empty is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) mode: Option<&'static str>,
    pub(crate) window: Option<u64>,
    pub(crate) max_output: Option<u64>,
    pub(crate) capabilities: BTreeSet<&'static str>,
    pub(crate) prices: Prices,
    pub(crate) deprecated_on: Option<String>,
}

/// Leaves out what says nothing: a step that costs what the one below it costs, a service tier that costs what the
/// standard one does, and a meter that costs in everything what its parent does.
pub(crate) fn without_repetition(mut prices: Prices) -> Prices {
    for steps in prices.values_mut() {
        let mut below = None;
        steps.retain(|_, amount| below.replace(*amount) != Some(*amount));
    }
    let standard: Prices = prices.iter().filter(|((_, service), _)| service.is_empty()).map(clone_pair).collect();
    prices
        .retain(|(meter, service), steps| service.is_empty() || standard.get(&(*meter, String::new())) != Some(steps));
    for (meter, parent) in METERS.iter().rev() {
        let Some(parent) = parent else { continue };
        let own = |name: &str| -> Vec<(String, Steps)> {
            let of_name = prices.iter().filter(|((meter, _), _)| *meter == name);
            of_name.map(|((_, service), steps)| (service.clone(), steps.clone())).collect()
        };
        let (child, above) = (own(meter), own(parent));
        let only_base = |list: &[(String, Steps)]| match list {
            [(service, steps)] if service.is_empty() && steps.len() == 1 => steps.get(&0).copied(),
            _ => None,
        };
        let parents_base = prices.get(&(*parent, String::new())).and_then(|steps| steps.get(&0)).copied();
        let same = child == above || (only_base(&child).is_some() && only_base(&child) == parents_base);
        if same && !child.is_empty() {
            prices.retain(|(name, _), _| name != meter);
        }
    }
    prices
}

fn clone_pair<'a>((key, steps): (&'a (&'static str, String), &'a Steps)) -> ((&'static str, String), Steps) {
    (key.clone(), steps.clone())
}
