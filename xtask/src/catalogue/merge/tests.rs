use super::super::genai::Match;
use super::*;

fn prices(lines: &[(&'static str, &str, u64, i64)]) -> Prices {
    let mut prices = Prices::new();
    for (meter, service, above, amount) in lines {
        prices.entry((meter, (*service).to_owned())).or_default().insert(*above, *amount);
    }
    prices
}

fn facts(lines: &[(&'static str, &str, u64, i64)]) -> Facts {
    Facts { prices: prices(lines), ..Facts::default() }
}

fn merged(litellm: Facts, genai: Facts, exact: bool) -> (Facts, Vec<Difference>) {
    let key = "p:m".to_owned();
    let mut package = Genai::default();
    package.models.insert(key.clone(), Known { facts: genai, names: vec!["m".to_owned()], peak: false });
    package.matches.insert(key.clone(), Match { key: key.clone(), exact });
    let catalogue = merge(BTreeMap::from([(key.clone(), litellm)]), package);
    (catalogue.models[&key].clone(), catalogue.differences)
}

#[test]
fn agreeing_sources_complete_each_other() {
    let litellm = facts(&[("input", "", 0, 3), ("input", "", 200_000, 6), ("input", "flex", 0, 2)]);
    let genai = facts(&[("input", "", 0, 3), ("cache_write_1h", "", 0, 6)]);
    let (model, differences) = merged(litellm, genai, true);
    // The step stays out: the source that is used prices plain input, and knows no step.
    assert_eq!(model.prices, prices(&[("input", "", 0, 3), ("input", "flex", 0, 2), ("cache_write_1h", "", 0, 6)]));
    assert_eq!(differences, []);
}

#[test]
fn where_plain_prices_differ_one_source_is_used_alone() {
    let litellm = facts(&[("input", "", 0, 4), ("output", "", 0, 9), ("input", "batch", 0, 2)]);
    let genai = facts(&[("input", "", 0, 3), ("output", "", 0, 9)]);
    let (model, differences) = merged(litellm.clone(), genai.clone(), true);
    assert_eq!(model.prices, genai.prices);
    assert_eq!(differences.len(), 1);
    assert_eq!((differences[0].genai, differences[0].litellm, differences[0].used), (3, 4, Source::Genai));

    let (model, differences) = merged(litellm.clone(), genai, false);
    assert_eq!(model.prices, litellm.prices, "a pattern does not outweigh a model's own entry");
    assert_eq!(differences[0].used, Source::Litellm);
}

#[test]
fn a_zero_that_nobody_confirms_is_no_price() {
    let zero = facts(&[("input", "", 0, 0), ("output", "", 0, 0)]);
    let merged = |key: &str| {
        let catalogue = merge(BTreeMap::from([(key.to_owned(), zero.clone())]), Genai::default());
        (catalogue.models[key].prices.is_empty(), catalogue.zeros.contains(key))
    };
    assert_eq!(merged("nvidia:m"), (true, true));
    assert_eq!(merged("ollama:m"), (false, false));
    assert_eq!(merged("openrouter:m:free"), (false, false));
}

#[test]
fn names_in_full_become_aliases() {
    let mut genai = Genai::default();
    let known = |names: &[&str]| Known {
        facts: facts(&[("input", "", 0, 1)]),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        peak: false,
    };
    genai.models.insert("p:m".to_owned(), known(&["m", "m-2025-01-01", "other"]));
    genai.models.insert("p:n".to_owned(), known(&["n", "m-2025-01-01"]));
    let catalogue = merge(BTreeMap::from([("p:other".to_owned(), facts(&[]))]), genai);
    assert_eq!(catalogue.models.keys().collect::<Vec<_>>(), ["p:m", "p:n", "p:other"]);
    assert_eq!(catalogue.aliases, BTreeMap::new(), "one name is claimed twice, the other is a model of its own");
}

#[test]
fn what_says_nothing_is_not_written() {
    let all = prices(&[
        ("input", "", 0, 3),
        ("input", "", 128_000, 3),
        ("input", "default", 0, 3),
        ("output", "", 0, 9),
        ("output", "", 128_000, 18),
        ("reasoning", "", 0, 9),
        ("cache_write", "", 0, 3),
        ("cache_read", "", 0, 1),
    ]);
    let kept =
        prices(&[("input", "", 0, 3), ("output", "", 0, 9), ("output", "", 128_000, 18), ("cache_read", "", 0, 1)]);
    assert_eq!(without_repetition(all), kept);
}
