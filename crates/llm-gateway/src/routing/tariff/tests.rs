use super::*;

#[test]
fn overrides_are_by_the_exact_id_and_all_can_be_replaced_at_once() {
    let overrides = Overrides::default();
    let tariff =
        |input| Tariff { price: Price::new([(Meter::Input, input)]), source: PriceSource::Override, as_of: None };
    overrides.put("a:b", Some(tariff(1)));
    assert_eq!(overrides.get("a:b").as_deref(), Some(&tariff(1)));
    assert_eq!(overrides.get("a:b-2026-01-31"), None);
    overrides.replace([("c:d".to_owned(), tariff(2))]);
    assert_eq!((overrides.get("a:b"), overrides.get("c:d").as_deref()), (None, Some(&tariff(2))));
    overrides.put("c:d", None);
    assert_eq!(overrides.get("c:d"), None);
}

#[test]
fn a_provider_is_known_by_configuration_and_rows() {
    let (config, _) = Config::parse(
        "t.toml",
        "[providers.mine]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9\"",
        &|_| None,
    )
    .unwrap();
    for name in ["mine", "openai", "sandbox"] {
        assert_eq!(provider_named(&config, name).unwrap(), name);
    }
    assert_eq!(provider_named(&config, "opnai").unwrap_err().hint(), Some("did you mean `openai`?"));
}
