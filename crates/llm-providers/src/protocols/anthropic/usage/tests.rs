use llm_core::usage::Meter;
use llm_core::{Native, Usage};
use serde_json::{Map, Value, json};

use super::{counts, merge, read, write};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn counted(value: Value) -> Vec<(Meter, u64)> {
    counts(&object(value)).counts().collect()
}

#[test]
fn every_token_is_counted_once() {
    let usage = json!({
        "input_tokens": 10,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 100,
        "output_tokens_details": {"thinking_tokens": 60},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    });
    let wanted = [
        (Meter::Input, 10),
        (Meter::Output, 40),
        (Meter::CacheRead, 20),
        (Meter::CacheWrite, 30),
        (Meter::CacheWrite1h, 20),
        (Meter::Reasoning, 60),
        (Meter::Query, 2),
    ];
    assert_eq!(counted(usage), wanted);
}

#[test]
fn the_total_of_cache_writes_counts() {
    let writes = |total: Value, short: u64, long: u64| {
        let split = json!({"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long});
        let usage = counts(&object(json!({"cache_creation_input_tokens": total, "cache_creation": split})));
        (usage.get(Meter::CacheWrite), usage.get(Meter::CacheWrite1h))
    };
    assert_eq!(writes(json!(50), 0, 0), (50, 0));
    assert_eq!(writes(Value::Null, 7, 8), (7, 8));
    // A stream's total grew after its split was said.
    assert_eq!(writes(json!(50), 30, 0), (50, 0));
    assert_eq!(writes(json!(50), 0, 30), (0, 50));
    assert_eq!(writes(json!(50), 10, 30), (20, 30));
    // A total below its parts is still what is billed.
    assert_eq!(writes(json!(5), 3, 30), (0, 5));
}

#[test]
fn compaction_is_billed_beside_the_rest() {
    let usage = json!({
        "input_tokens": 10, "output_tokens": 5,
        "iterations": [
            {"type": "compaction", "input_tokens": 1000, "output_tokens": 70},
            {"type": "message", "input_tokens": 10, "output_tokens": 5},
        ],
    });
    assert_eq!(counted(usage), [(Meter::Input, 1010), (Meter::Output, 75)]);
}

#[test]
fn odd_values_count_nothing() {
    let usage = json!({"input_tokens": null, "output_tokens": "7", "cache_creation": [], "output_tokens_details": {"thinking_tokens": 9}});
    assert_eq!(counted(usage), []);
}

#[test]
fn later_counts_replace_earlier_ones_and_nulls_do_not() {
    let mut sum = object(json!({"input_tokens": 10, "output_tokens": 1, "service_tier": "standard"}));
    merge(&mut sum, &object(json!({"input_tokens": null, "output_tokens": 30, "new": null})));
    assert_eq!(
        Value::from(sum),
        json!({"input_tokens": 10, "output_tokens": 30, "service_tier": "standard", "new": null})
    );
}

#[test]
fn what_came_from_elsewhere_is_said_in_full() {
    let usage = Usage::default()
        .with(Meter::Input, 10)
        .with(Meter::InputAudio, 3)
        .with(Meter::CacheRead, 20)
        .with(Meter::CacheWrite, 4)
        .with(Meter::CacheWrite1h, 5)
        .with(Meter::Output, 6)
        .with(Meter::Reasoning, 7)
        .with(Meter::Query, 1);
    let written = write(&usage);
    assert_eq!(
        Value::from(written.clone()),
        json!({
            "input_tokens": 13,
            "cache_creation_input_tokens": 9,
            "cache_read_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
            "output_tokens": 13,
            "output_tokens_details": {"thinking_tokens": 7},
            "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        })
    );
    assert_eq!(read(written).total(), usage.total());
    assert_eq!(Value::from(write(Usage::NONE))["output_tokens"], 0);
    let mut own = Usage::default();
    own.native = Native::new(super::ME, Map::new());
    assert_eq!(Value::from(write(&own)), json!({}));
}
