use llm_core::Meter;
use serde_json::{Value, json};

use super::{read, write};

fn counts(usage: Value) -> Vec<(Meter, u64)> {
    let Value::Object(members) = usage else { panic!("an object") };
    read(members).counts().collect()
}

#[test]
fn what_is_billed_counts() {
    let usage = json!({
        "billed_units": {"input_tokens": 65.0, "output_tokens": 63},
        "tokens": {"input_tokens": 508, "output_tokens": 86, "reasoning_tokens": 28},
        "cached_tokens": 144,
    });
    assert_eq!(counts(usage), [(Meter::Input, 65), (Meter::Output, 35), (Meter::Reasoning, 28)]);
}

#[test]
fn images_and_searches_are_apart() {
    let usage = json!({
        "billed_units": {"input_tokens": 265, "output_tokens": 9, "search_units": 2},
        "tokens": {"input_tokens": 502, "output_tokens": 12, "image_tokens": 259},
    });
    let want = [(Meter::Input, 6), (Meter::Output, 9), (Meter::InputImage, 259), (Meter::Query, 2)];
    assert_eq!(counts(usage), want);
}

#[test]
fn tokens_count_where_nothing_is_said_of_billing() {
    let usage = json!({"tokens": {"input_tokens": 100, "output_tokens": 7}, "cached_tokens": 64});
    assert_eq!(counts(usage), [(Meter::Input, 36), (Meter::Output, 7), (Meter::CacheRead, 64)]);
    assert_eq!(counts(json!({"odd": "x", "tokens": null})), []);
}

#[test]
fn the_providers_own_object_is_written_back() {
    let usage = json!({"billed_units": {"input_tokens": 1}, "more": [1]});
    let Value::Object(members) = usage.clone() else { panic!("an object") };
    assert_eq!(write(&read(members)), usage);
}
