use llm_core::{Meter, NanoUsd, Usage};

use super::*;

static CATALOGUE: &Catalogue = &BUNDLED;

fn find(id: &str) -> Model {
    let (provider, model) = id.split_once(':').unwrap();
    CATALOGUE.lookup(provider, model).unwrap_or_else(|| panic!("`{id}` is not in the catalogue"))
}

/// Dollars per million tokens, for a prompt of that many tokens.
fn rate(id: &str, meter: Meter, prompt: u64, service: Option<&str>) -> String {
    let rate = find(id).price.rate(meter, prompt, service);
    rate.map_or_else(|| "none".to_owned(), |nano| NanoUsd(nano).to_string())
}

#[test]
fn it_is_large_and_every_line_is_read() {
    let unread: Vec<_> =
        CATALOGUE.lines().iter().filter(|line| line::parse(line).is_none() && line::alias(line).is_none()).collect();
    assert_eq!(unread, Vec::<&&str>::new());
    assert!(CATALOGUE.all().count() >= 1_500, "{}", CATALOGUE.all().count());
    assert!(CATALOGUE.text.len() < 600_000);
    assert_eq!(CATALOGUE.as_of().len(), "2026-11-22".len());
}

#[test]
fn its_lines_stand_in_the_order_of_their_keys() {
    let keys: Vec<_> = CATALOGUE.lines().iter().map(|line| line::key(line)).collect();
    assert_eq!(keys.windows(2).find(|pair| pair[0] >= pair[1]), None);
}

#[test]
fn every_name_is_found_and_leads_to_a_model() {
    for line in CATALOGUE.lines() {
        let (provider, name) = line::key(line).split_once(':').unwrap();
        let found = CATALOGUE.lookup(provider, name).unwrap_or_else(|| panic!("`{provider}:{name}` is not found"));
        assert_eq!(found.id, line::alias(line).unwrap_or(name));
        assert_eq!(found.max_output, CATALOGUE.max_output(provider, name));
    }
}

#[test]
fn every_chain_of_prices_has_a_base() {
    for model in CATALOGUE.all() {
        for line in &model.price.lines {
            let standard = model.price.rate(line.meter, 0, line.service.as_deref());
            assert!(
                standard.is_some(),
                "{}:{} has a step of `{}` without a base",
                model.provider,
                model.id,
                line.meter
            );
            assert!(line.nano_per_million >= 0);
        }
    }
}

#[test]
fn searches_cost_what_their_provider_charges_them_by() {
    for (id, of_a_call, of_a_search) in [
        ("perplexity:sonar-deep-research", "none", "5000"),
        ("perplexity:sonar-pro", "14000", "0"),
        ("openai:gpt-4o-search-preview", "25000", "0"),
        ("openai:gpt-5-search-api", "10000", "0"),
        ("anthropic:claude-opus-4-8", "none", "10000"),
    ] {
        let rates = (rate(id, Meter::Request, 0, None), rate(id, Meter::Query, 0, None));
        assert_eq!(rates, (of_a_call.to_owned(), of_a_search.to_owned()), "{id}");
    }
}

#[test]
fn well_known_prices() {
    assert_eq!(rate("openai:gpt-4o-mini", Meter::Input, 0, None), "0.15");
    assert_eq!(rate("openai:gpt-4o-mini", Meter::Output, 0, None), "0.6");
    assert_eq!(rate("openai:gpt-4o-mini", Meter::CacheRead, 0, None), "0.075");
    assert_eq!(rate("openai:gpt-4o-mini", Meter::Input, 0, Some("batch")), "0.075");
    assert_eq!(rate("openai:text-embedding-3-small", Meter::Input, 0, None), "0.02");
    assert_eq!(rate("anthropic:claude-opus-4-8", Meter::Input, 0, None), "5");
    assert_eq!(rate("anthropic:claude-opus-4-8", Meter::Output, 0, None), "25");
    assert_eq!(rate("anthropic:claude-opus-4-8", Meter::CacheWrite, 0, None), "6.25");
    assert_eq!(rate("anthropic:claude-opus-4-8", Meter::CacheWrite1h, 0, None), "10");
    assert_eq!(rate("anthropic:claude-opus-4-8", Meter::Query, 0, None), "10000");
}

#[test]
fn a_longer_prompt_can_cost_more() {
    let id = "gemini:gemini-2.5-pro";
    assert_eq!(rate(id, Meter::Input, 200_000, None), "1.25");
    assert_eq!(rate(id, Meter::Input, 200_001, None), "2.5");
    assert_eq!(rate(id, Meter::Output, 200_001, None), "15");
    assert_eq!(rate(id, Meter::Reasoning, 200_001, None), "15", "reasoning costs as output does, in steps too");
}

#[test]
fn a_call_is_priced_to_the_nano_dollar() {
    let usage = Usage::default().with(Meter::Input, 1_000).with(Meter::CacheRead, 1).with(Meter::Output, 7);
    let cost = find("openai:gpt-4o-mini").price.cost(&usage, None);
    assert_eq!(cost, Some(NanoUsd(150_000 + 75 + 4_200)));
}

#[test]
fn what_has_no_price_has_no_lines() {
    let unpriced = CATALOGUE.all().find(|model| model.price.lines.is_empty()).unwrap();
    assert_eq!(unpriced.price.cost(&Usage::default().with(Meter::Input, 1), None), None);
    let free = find("ollama:llama3.1");
    assert_eq!(free.price.cost(&Usage::default().with(Meter::Input, 1), None), Some(NanoUsd::ZERO));
}

#[test]
fn a_snapshot_with_its_own_price_keeps_it() {
    assert_eq!(rate("openai:gpt-4o-2024-05-13", Meter::Input, 0, None), "5");
    assert_eq!(rate("openai:gpt-4o-2024-08-06", Meter::Input, 0, None), "2.5");
    assert_eq!(find("openai:gpt-4o-2024-08-06").id, "gpt-4o-2024-08-06");
}

#[test]
fn names_that_only_address_a_model_lead_to_it() {
    for (asked, id) in [
        ("openai:gpt-4o-mini-2031-01-31", "gpt-4o-mini"),
        ("anthropic:claude-opus-4-8-20310131", "claude-opus-4-8"),
        ("vertex_anthropic:claude-opus-4-8@20310131", "claude-opus-4-8"),
        ("vertexai:publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini:models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("openai:ft:gpt-4o-mini-2024-07-18:team::abc", "ft:gpt-4o-mini-2024-07-18"),
        ("ollama:llama3.1:latest", "llama3.1"),
        (
            "bedrock:arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
    ] {
        assert_eq!(find(asked).id, id);
    }
    assert_eq!(find("vertexai:gemini-2.5-pro").provider, "vertexai");
}

#[test]
fn nothing_is_found_by_likeness() {
    for (provider, model) in [
        ("openai", "gpt-4o-min"),
        ("openai", "gpt-4o-mini-2024-13-01"),
        ("openai", "gpt-4o-mini-20240"),
        ("openai", "GPT-4o-mini"),
        ("openai", ""),
        ("", "gpt-4o-mini"),
        ("openai", "-2024-01-01"),
        ("nobody", "gpt-4o-mini"),
        ("# as-of 2026", ""),
        ("zzz", "zzz"),
        ("openai", "gpt-4o-mini\t"),
        ("openai", "ünï-2024-01-0é"),
    ] {
        assert_eq!(CATALOGUE.lookup(provider, model), None, "{provider}:{model}");
    }
    assert_eq!(CATALOGUE.nearest("openai", "gpt-4o-min").as_deref(), Some("gpt-4o-mini"));
    assert_eq!(CATALOGUE.nearest("openai", "xyzzy"), None);
}

#[test]
fn a_providers_models_are_listed_once() {
    let of = |provider: &'static str| CATALOGUE.models(provider).map(|model| model.id).collect::<Vec<_>>();
    assert!(of("openai").contains(&"gpt-4o-mini".to_owned()));
    assert_eq!(of("nobody"), Vec::<String>::new());
    assert_eq!(of("open"), Vec::<String>::new());
    let azure = of("azure");
    let distinct: std::collections::BTreeSet<_> = azure.iter().collect();
    assert_eq!(distinct.len(), azure.len());
    assert!(CATALOGUE.models("vertexai").all(|model| model.provider == "vertexai"));
}

#[test]
fn capabilities_are_a_set() {
    let model = find("openai:gpt-4o-mini");
    assert!(model.capabilities.has(Capability::Vision) && model.capabilities.has(Capability::JsonSchema));
    assert!(!model.capabilities.has(Capability::Reasoning));
    assert_eq!((model.mode, model.max_output), (Mode::Chat, Some(16_384)));
}

#[test]
fn every_default_model_is_known() {
    let defaults = crate::registry::rows().iter().filter_map(|(id, row)| Some((id, row.default_model.as_ref()?)));
    let unknown: Vec<_> = defaults.filter(|(id, model)| CATALOGUE.lookup(id, model).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_cloud_knows_its_models_under_their_makers_names() {
    let catalogue = Catalogue::bundled();
    let decorated = catalogue.lookup("bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0").unwrap();
    let bare = catalogue.lookup("bedrock_anthropic", "claude-haiku-4-5-20251001").unwrap();
    assert_eq!(bare.price, decorated.price);
    assert!(catalogue.lookup("bedrock_mantle", "openai.gpt-oss-120b-1:0").is_some());
}
