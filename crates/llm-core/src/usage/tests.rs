use serde_json::{Value, json};

use super::*;
use crate::Protocol;

#[test]
fn json_has_the_counts_that_are_not_zero() {
    let usage = Usage::default().with(Meter::Input, 12).with(Meter::CacheWrite1h, 3).with(Meter::Output, 0);
    assert_eq!(serde_json::to_value(&usage).unwrap(), json!({"input": 12, "cache_write_1h": 3}));
    assert_eq!(serde_json::from_value::<Usage>(json!({"input": 12, "cache_write_1h": 3})).unwrap(), usage);
    assert_eq!(serde_json::to_value(Usage::default()).unwrap(), json!({}));
}

#[test]
fn the_providers_own_object_comes_along() {
    let mut usage = Usage::default().with(Meter::Output, 1);
    usage.native.insert(Protocol::OpenAiChat, "x_new", json!([null, 1.5]));
    let text = serde_json::to_string(&usage).unwrap();
    assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage);
}

#[test]
fn a_meter_of_a_later_version_does_not_cost_the_rest() {
    let read: Usage = serde_json::from_value(json!({"input": 1, "holograms": {"deep": [7]}, "output": 2})).unwrap();
    assert_eq!(read, Usage::default().with(Meter::Input, 1).with(Meter::Output, 2));
    assert!(serde_json::from_value::<Usage>(json!({"input": -1})).is_err());
    assert!(serde_json::from_value::<Usage>(Value::Null).is_err());
}

#[test]
fn sums_take_every_kind_once() {
    let mut usage = Usage::default();
    for (place, &meter) in Meter::ALL.iter().enumerate() {
        usage.set(meter, 1 << place);
    }
    let belongs = |meter: &Meter, root: Meter| {
        let mut next = Some(*meter);
        while let Some(meter) = next {
            if meter == root {
                return true;
            }
            next = meter.parent();
        }
        false
    };
    let sum = |root: Meter| {
        let members = Meter::ALL.iter().enumerate().filter(|(_, meter)| belongs(meter, root));
        members.map(|(place, _)| 1_u64 << place).sum::<u64>()
    };
    assert_eq!(usage.input_tokens(), sum(Meter::Input));
    assert_eq!(usage.output_tokens(), sum(Meter::Output));
    assert_eq!(usage.total(), sum(Meter::Input) + sum(Meter::Output));
}

#[test]
fn every_meter_has_one_name() {
    for &meter in Meter::ALL {
        assert_eq!(Meter::from_name(meter.as_str()), Some(meter));
    }
    let mut usage = Usage::default().with(Meter::Input, u64::MAX);
    usage.add(Meter::Input, 1);
    usage.set(Meter::CacheRead, 1);
    assert_eq!(usage.total(), u64::MAX);
}
