use super::*;

fn line(meter: Meter, nano_per_million: i64) -> PriceLine {
    PriceLine { meter, above: 0, service: None, nano_per_million }
}

#[test]
fn a_line_that_is_shown_and_said_again_is_the_same_line() {
    for catalogue in llm_providers::catalogue::Catalogue::bundled().all() {
        for line in &catalogue.price.lines {
            let shown = serde_json::to_string(&Rate::of(line)).unwrap();
            let said: Rate = serde_json::from_str(&shown).unwrap();
            assert_eq!(said.line().as_ref(), Some(line), "{}: {shown}", catalogue.full_id());
        }
    }
}

#[test]
fn an_amount_is_for_a_million_tokens_or_for_one_of_anything_else() {
    let said = |json: &str| serde_json::from_str::<Rate>(json).unwrap().line();
    assert_eq!(said(r#"{"meter":"input","amount":"2.5"}"#), Some(line(Meter::Input, 2_500_000_000)));
    assert_eq!(said(r#"{"meter":"image","amount":"0.04"}"#), Some(line(Meter::Image, 40_000_000_000_000)));
    let thousand = r#"{"meter":"character","amount":"0.015","per":1000}"#;
    assert_eq!(said(thousand), Some(line(Meter::Character, 15_000_000_000)));
    assert_eq!(said(r#"{"meter":"input","amount":"1","per":10}"#), None);
}
