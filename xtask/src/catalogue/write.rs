//! Writes the data file and the list of differences.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::facts::{Facts, METERS, Steps};
use super::merge::{Catalogue, Source, What};

pub(crate) struct Header<'a> {
    pub(crate) as_of: &'a str,
    pub(crate) genai: &'a str,
}

/// The letters of capabilities.
const LETTERS: &[(char, &str)] = &[
    ('v', "vision"),
    ('d', "pdf"),
    ('a', "audio"),
    ('m', "video"),
    ('i', "image_out"),
    ('o', "audio_out"),
    ('t', "tools"),
    ('p', "parallel_tools"),
    ('j', "json_schema"),
    ('r', "reasoning"),
    ('c', "cache"),
    ('w', "web_search"),
];

pub(crate) fn data(header: &Header<'_>, catalogue: &Catalogue) -> String {
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for (key, facts) in &catalogue.models {
        lines.insert(key, model(facts));
    }
    for (alias, target) in &catalogue.aliases {
        let target = target.split_once(':').map_or("", |(_, model)| model);
        lines.insert(alias, format!("={target}"));
    }
    let mut text = format!(
        "# Made by `cargo xtask catalogue`; don't edit. Sorted by the first column, byte by byte.\n\
         # as-of {}\n\
         # sources genai-prices {} (PyPI, MIT) and LiteLLM's price list (MIT)\n\
         # columns: provider:model, mode, window, most output tokens, capabilities, prices, deprecated on; - is not known\n\
         # or: another name, =model\n\
         # prices: meter[@service tier][>prompt tokens above which it holds]=US dollars per million units\n\
         # capabilities:{}\n",
        header.as_of,
        header.genai,
        LETTERS.iter().fold(String::new(), |text, (letter, name)| text + &format!(" {letter}={name}")),
    );
    for (key, line) in lines {
        let _ = writeln!(text, "{key}\t{line}");
    }
    text
}

fn model(facts: &Facts) -> String {
    let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let letters = LETTERS.iter().filter(|(_, name)| facts.capabilities.contains(name)).map(|(letter, _)| letter);
    let mut prices: Vec<String> = Vec::new();
    for (meter, _) in METERS {
        for ((name, service), steps) in &facts.prices {
            if name == meter {
                prices.extend(price(meter, service, steps));
            }
        }
    }
    [
        facts.mode.unwrap_or("-").to_owned(),
        number(facts.window),
        number(facts.max_output),
        dash(letters.collect()),
        dash(prices.join(" ")),
        facts.deprecated_on.clone().unwrap_or_else(|| "-".to_owned()),
    ]
    .join("\t")
}

fn price<'a>(meter: &'a str, service: &'a str, steps: &'a Steps) -> impl Iterator<Item = String> + 'a {
    steps.iter().map(move |(above, amount)| format!("{}={}", line_name(meter, service, *above), dollars(*amount)))
}

fn line_name(meter: &str, service: &str, above: u64) -> String {
    let service = if service.is_empty() { String::new() } else { format!("@{service}") };
    let above = if above == 0 { String::new() } else { format!(">{above}") };
    format!("{meter}{service}{above}")
}

/// Nano-dollars as dollars.
fn dollars(nano: i64) -> String {
    let (whole, part) = (nano / 1_000_000_000, nano % 1_000_000_000);
    if part == 0 { whole.to_string() } else { format!("{whole}.{}", format!("{part:09}").trim_end_matches('0')) }
}

pub(crate) fn differences(header: &Header<'_>, catalogue: &Catalogue) -> String {
    let mut text = format!(
        "# Where the catalogue's sources differ\n\n\
         Made by `cargo xtask catalogue`, as of {}, from `genai-prices` {} and LiteLLM's price list.\n\n\
         The rule: `genai-prices` says the price of a model that it names in full; LiteLLM says that of every other, and \
         of the meters and service tiers that the first does not price.\n\
         Where the two differ on plain input or output, the first is used alone.\n\
         LiteLLM says the window.\n\
         Nothing is averaged.\n\n",
        header.as_of, header.genai
    );
    for (title, windows) in [("Prices (US dollars per million units)", false), ("Windows (tokens)", true)] {
        let list: Vec<_> = catalogue.differences.iter().filter(|one| (one.what == What::Window) == windows).collect();
        let _ = writeln!(text, "## {title}\n\n{} differences; the value in use is bold.\n", list.len());
        let _ = writeln!(text, "| model | what | genai-prices | LiteLLM |\n| --- | --- | --- | --- |");
        for one in list {
            let (what, show): (String, fn(i64) -> String) = match &one.what {
                What::Window => ("window".to_owned(), |count| count.to_string()),
                What::Price { meter, service, above } => (line_name(meter, service, *above), dollars),
            };
            let bold = |value: i64, source| {
                if one.used == source { format!("**{}**", show(value)) } else { show(value) }
            };
            let (genai, litellm) = (bold(one.genai, Source::Genai), bold(one.litellm, Source::Litellm));
            let _ = writeln!(text, "| `{}` | {what} | {genai} | {litellm} |", one.key);
        }
        text.push('\n');
    }
    let list = |keys: &std::collections::BTreeSet<String>| {
        keys.iter().fold(String::new(), |text, key| text + &format!("- `{key}`\n"))
    };
    let _ = write!(
        text,
        "## Zeros that were left out\n\n\
         LiteLLM states nothing but zeros for these {}, and nothing confirms that they are free; here they have no \
         price.\n\n{}\n\
         ## Prices that depend on the time of day\n\n\
         The catalogue has the dearest price of the day for these {}.\n\n{}",
        catalogue.zeros.len(),
        list(&catalogue.zeros),
        catalogue.peaks.len(),
        list(&catalogue.peaks)
    );
    text
}
