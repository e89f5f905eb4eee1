//! Makes one catalogue of two sources, and notes what they don't agree on. Nothing is averaged.
//!
//! - `genai-prices` says the price of a model that it names in full; LiteLLM that of every other, and of those meters
//!   and service tiers that the first does not price. Where the two differ on plain input or output, the first alone
//!   is used, since the second's other lines belong to other prices.
//! - LiteLLM says mode, window, bounds and capabilities; `genai-prices` fills in the windows that are missing.
//! - A zero that only LiteLLM states is taken as a price only for what is known to be free
//!   ([`places::is_free`]); elsewhere it mostly means that nobody has filled it in, and unknown is not zero.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Key, Prices, Steps, without_repetition};
use super::genai::{Genai, Known};
use super::{places, searches};

/// Everything that is written.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) models: BTreeMap<Key, Facts>,
    /// Other names of models, and the keys of these.
    pub(crate) aliases: BTreeMap<Key, Key>,
    pub(crate) differences: Vec<Difference>,
    /// Models whose zeros were left out.
    pub(crate) zeros: BTreeSet<Key>,
    /// Models whose price depends on the time of day.
    pub(crate) peaks: BTreeSet<Key>,
}

/// One thing on which the sources don't agree.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) key: Key,
    /// What differs: `window`, or a price as the data file names it.
    pub(crate) what: What,
    pub(crate) genai: i64,
    pub(crate) litellm: i64,
    /// Whose value the catalogue has.
    pub(crate) used: Source,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Price { meter: &'static str, service: String, above: u64 },
    Window,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Genai,
    Litellm,
}

pub(crate) fn merge(litellm: BTreeMap<Key, Facts>, genai: Genai) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let lower: BTreeMap<String, Key> = litellm.keys().map(|key| (key.to_lowercase(), key.clone())).collect();
    for (key, mut facts) in litellm {
        if leave_out_zeros(&key, &mut facts.prices) {
            catalogue.zeros.insert(key.clone());
        }
        let matched = genai.matches.get(&key);
        if let Some((known, found)) = matched.and_then(|found| Some((genai.models.get(&found.key)?, found))) {
            catalogue.combine(&key, &mut facts, known, found.exact);
        }
        catalogue.models.insert(key, facts);
    }
    let ambiguous = genai.ambiguous();
    for (key, known) in &genai.models {
        let Some((provider, model)) = key.split_once(':') else { continue };
        let has_name = known.names.iter().any(|name| model.starts_with(name.as_str()));
        if has_name && !lower.contains_key(&key.to_lowercase()) && !ambiguous.contains(key) {
            let facts = Facts { mode: Some(guessed_mode(model, &known.facts)), ..known.facts.clone() };
            if known.peak {
                catalogue.peaks.insert(key.clone());
            }
            catalogue.models.insert(key.clone(), facts);
        }
        let Some(target) =
            lower.get(&key.to_lowercase()).or_else(|| catalogue.models.get_key_value(key).map(|it| it.0))
        else {
            continue;
        };
        let suffix = model.rsplit_once(':').filter(|_| provider == "huggingface").map_or("", |(_, host)| host);
        for name in &known.names {
            let alias =
                if suffix.is_empty() { format!("{provider}:{name}") } else { format!("{provider}:{name}:{suffix}") };
            if !ambiguous.contains(&format!("{provider}:{name}")) && alias.to_lowercase() != target.to_lowercase() {
                catalogue.aliases.insert(alias, target.clone());
            }
        }
    }
    let models = &catalogue.models;
    catalogue.aliases.retain(|alias, _| !models.contains_key(alias) && !lower.contains_key(&alias.to_lowercase()));
    for (key, facts) in &mut catalogue.models {
        searches::place(key, facts);
        facts.prices = without_repetition(std::mem::take(&mut facts.prices));
    }
    catalogue.differences.sort_by(|a, b| (&a.key, &a.what).cmp(&(&b.key, &b.what)));
    catalogue
}

impl Catalogue {
    fn combine(&mut self, key: &Key, facts: &mut Facts, known: &Known, exact: bool) {
        let used = if exact || facts.prices.is_empty() { Source::Genai } else { Source::Litellm };
        let differing = differing(&known.facts.prices, &facts.prices);
        let plain_differs = differing.iter().any(|(what, ..)| is_plain(what));
        for (what, genai, litellm) in differing {
            self.differences.push(Difference { key: key.clone(), what, genai, litellm, used });
        }
        match (facts.window, known.facts.window) {
            (Some(litellm), Some(genai)) if exact && litellm != genai => {
                let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
                let (genai, litellm) = (number(genai), number(litellm));
                let used = Source::Litellm;
                self.differences.push(Difference { key: key.clone(), what: What::Window, genai, litellm, used });
            }
            (None, window) => facts.window = window,
            _ => {}
        }
        if used == Source::Litellm || known.facts.prices.is_empty() {
            return;
        }
        let others = std::mem::replace(&mut facts.prices, known.facts.prices.clone());
        if known.peak {
            self.peaks.insert(key.clone());
        }
        self.zeros.remove(key);
        if !plain_differs {
            for (place, steps) in others {
                facts.prices.entry(place).or_insert(steps);
            }
        }
    }
}

/// The prices that both have and that are not equal: what, the first's, the second's.
fn differing(genai: &Prices, litellm: &Prices) -> Vec<(What, i64, i64)> {
    let mut found = Vec::new();
    for ((meter, service), steps) in genai {
        let other: &Steps = match litellm.get(&(*meter, service.clone())) {
            Some(other) => other,
            None => continue,
        };
        for (above, amount) in steps {
            if let Some(other) = other.get(above).filter(|other| *other != amount) {
                found.push((What::Price { meter, service: service.clone(), above: *above }, *amount, *other));
            }
        }
    }
    found
}

fn is_plain(what: &What) -> bool {
    matches!(what, What::Price { meter: "input" | "output", service, above: 0 } if service.is_empty())
}

/// Takes LiteLLM's zeros out, unless all is free; says whether there were any beside no other price.
fn leave_out_zeros(key: &str, prices: &mut Prices) -> bool {
    let all_zero = !prices.is_empty() && prices.values().flat_map(|steps| steps.values()).all(|amount| *amount == 0);
    if all_zero && places::is_free(key) {
        return false;
    }
    prices.retain(|_, steps| {
        steps.retain(|_, amount| *amount != 0);
        !steps.is_empty()
    });
    all_zero
}

/// The kind of a model that only `genai-prices` knows, which does not say it: by what it is priced for, and by name.
fn guessed_mode(model: &str, facts: &Facts) -> &'static str {
    let name = model.to_lowercase();
    let has = |text: &str| name.contains(text);
    let priced = |meter: &'static str| facts.prices.contains_key(&(meter, String::new()));
    if has("embed") || has("bge-") || has("gte-") || has("e5-") {
        "embedding"
    } else if has("rerank") {
        "rerank"
    } else if has("moderation") {
        "moderation"
    } else if priced("second") || has("whisper") || has("transcribe") {
        "transcription"
    } else if priced("character") || has("tts") {
        "speech"
    } else if priced("page") || has("ocr") {
        "ocr"
    } else if has("realtime") || has("-live") {
        "realtime"
    } else if has("gpt-image") {
        "image"
    } else {
        "chat"
    }
}

#[cfg(test)]
mod tests;
