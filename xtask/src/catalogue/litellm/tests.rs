use super::*;

#[test]
fn the_name_of_a_cost_says_meter_step_and_service() {
    let parse = |name| Cost::parse(name).map(|cost| (cost.meter, cost.above, cost.service));
    let some = |meter, above, service: &str| Some((meter, above, service.to_owned()));
    assert_eq!(parse("input_cost_per_token"), some("input", 0, ""));
    assert_eq!(parse("output_cost_per_token_batches"), some("output", 0, "batch"));
    assert_eq!(parse("input_cost_per_token_above_272k_tokens_priority"), some("input", 272_000, "priority"));
    assert_eq!(
        parse("cache_creation_input_token_cost_above_1hr_above_200k_tokens"),
        some("cache_write_1h", 200_000, "")
    );
    assert_eq!(parse("cache_creation_input_token_cost_above_200k_tokens"), some("cache_write", 200_000, ""));
    assert_eq!(parse("output_cost_per_image_token"), some("output_image", 0, ""));
    assert_eq!(parse("output_cost_per_image_512"), None);
    assert_eq!(parse("input_cost_per_token_cache_hit"), None);
    assert_eq!(parse("supports_vision"), None);
}

#[test]
fn an_entry_is_read_to_the_digit() {
    let list = r#"{"gpt-x": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 128000,
        "max_output_tokens": 16384, "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
        "input_cost_per_token_above_200k_tokens": 3e-07, "supports_vision": true, "supports_pdf_input": false,
        "search_context_cost_per_query": {"low": 0.01, "high": 0.01}, "deprecation_date": "2027-01-01"},
        "high/1024/gpt-image": {"litellm_provider": "openai", "mode": "image_generation"},
        "elsewhere/model": {"litellm_provider": "elsewhere", "mode": "chat"}}"#;
    let models = read(list).unwrap();
    assert_eq!(models.keys().collect::<Vec<_>>(), ["openai:gpt-x"]);
    let facts = &models["openai:gpt-x"];
    assert_eq!((facts.window, facts.max_output), (Some(128_000), Some(16_384)));
    assert_eq!(facts.capabilities, BTreeSet::from(["vision"]));
    let price = |meter: &'static str, above| facts.prices[&(meter, String::new())][&above];
    assert_eq!(price("input", 0), 150_000_000);
    assert_eq!(price("input", 200_000), 300_000_000);
    assert_eq!(price("query", 0), 10_000_000_000_000);
}

#[test]
fn ranges_become_steps() {
    let list = r#"{"dashscope/q": {"litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
        {"range": [0, 256000.0], "input_cost_per_token": 5e-08},
        {"range": [256000.0, 1000000.0], "input_cost_per_token": 2.5e-07}]}}"#;
    let models = read(list).unwrap();
    let steps = &models["dashscope:q"].prices[&("input", String::new())];
    assert_eq!(*steps, BTreeMap::from([(0, 50_000_000), (256_000, 250_000_000)]));
}
