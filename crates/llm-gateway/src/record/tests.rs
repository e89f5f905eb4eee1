use llm_core::NanoUsd;

use super::samples::{NEW_YEAR, open, outcome, time};
use super::*;

#[test]
fn a_call_that_never_ended_costs_its_reservation() {
    let record = CallRecord::interrupted(open(NEW_YEAR));
    assert_eq!((record.cost_usd, record.reserved_usd), (Some(NanoUsd(100)), Some(NanoUsd(100))));
    assert_eq!((record.usage.input_tokens(), record.usage.output_tokens()), (10, 20));
    assert!(record.estimated && record.status.is_error());
}

#[test]
fn the_providers_own_usage_object_is_not_kept() {
    let mut outcome = outcome(Vec::new());
    outcome.usage.native = llm_core::Native::new(Protocol::OpenAiChat, serde_json::Map::new());
    let json = serde_json::to_value(CallRecord::new(open(NEW_YEAR), outcome)).unwrap();
    assert_eq!(json["usage"], serde_json::json!({"input": 7, "output": 8}));
}

#[test]
fn a_call_without_usage_has_an_empty_object_and_an_unpriced_one_null() {
    let json = serde_json::to_value(CallRecord::new(open(NEW_YEAR), Outcome::default())).unwrap();
    assert_eq!(json["usage"], serde_json::json!({}));
    assert_eq!(json["cost_usd"], serde_json::Value::Null);
    assert_eq!(json["overrun_usd"], "0");
}

#[test]
fn records_read_back_as_they_were_written() {
    let record = CallRecord::new(open(NEW_YEAR), outcome(Vec::new()));
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<CallRecord>(&json).unwrap(), record);
    let json = serde_json::to_string(&open(NEW_YEAR)).unwrap();
    assert_eq!(serde_json::from_str::<OpenRecord>(&json).unwrap().created_at, time(NEW_YEAR));
}

#[test]
fn ids_sort_as_the_calls_came() {
    let ids: Vec<CallId> = (0..1_000).map(|after| CallId::new(time(NEW_YEAR + after))).collect();
    assert!(ids.is_sorted());
    assert!(ids.iter().map(ToString::to_string).is_sorted());
    let at = time(NEW_YEAR + 500);
    assert!(ids[499] < CallId::before(at) && CallId::before(at) <= ids[500]);
    assert_eq!(ids[0].to_string().parse::<CallId>().unwrap(), ids[0]);
}
