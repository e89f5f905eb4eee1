use proptest::prelude::*;
use serde_json::Value;

use super::JsonArrayFramer;
use crate::framing::Framer;
use crate::framing::tests::{frames, frames_of_any_cut, pieces};

fn objects(body: &[u8]) -> Vec<String> {
    let got = frames_of_any_cut(body, JsonArrayFramer::default);
    got.into_iter().map(|frame| String::from_utf8(frame.data).unwrap()).collect()
}

#[test]
fn an_array_is_cut_into_its_objects() {
    assert_eq!(objects(b"[{\"a\": [1, {}]}\n,\r\n{\"b\": 2}]\n"), ["{\"a\": [1, {}]}", "{\"b\": 2}"]);
    assert_eq!(objects(br#"[{"a":"}]{[\"\\"},{"b":"\\\""}]"#), [r#"{"a":"}]{[\"\\"}"#, r#"{"b":"\\\""}"#]);
    assert_eq!(objects(b"[]"), [""; 0]);
    assert_eq!(objects(b"{\"error\": {\"code\": 400}}"), ["{\"error\": {\"code\": 400}}"]);
    assert_eq!(objects(b"[{\"a\":1},{\"cut"), ["{\"a\":1}", "{\"cut"]);
    assert_eq!(objects("\u{FEFF}[{\"ä\":\"→\"}]".as_bytes()), ["{\"ä\":\"→\"}"]);
}

#[test]
fn an_object_comes_out_with_its_last_brace() {
    let mut framer = JsonArrayFramer::default();
    framer.push(b"[{\"a\":1}");
    assert_eq!(framer.next_frame().unwrap().unwrap().frame.data, b"{\"a\":1}");
}

#[test]
fn an_object_past_its_bound_is_an_error() {
    assert!(frames(&mut JsonArrayFramer::new(9), [&b"[{\"a\":12}"[..]]).is_ok());
    for body in [&b"[{\"a\":123}"[..], b"[{\"a\":1234", b"            "] {
        let error = frames(&mut JsonArrayFramer::new(9), [body]).unwrap_err();
        assert!(error.message().contains("more than 9 bytes"), "{error}");
    }
}

/// Closing brackets without an opening one, and whatever else is not JSON, must not panic.
#[test]
fn what_is_no_json_is_passed_on() {
    for body in [&b"]]}}[{"[..], b"}{]}", b"\"", b"\\", b"null", b"[1, true, \"{\"]"] {
        frames_of_any_cut(body, JsonArrayFramer::default);
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), any::<String>().prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_delivery_gives_the_same_objects(
        values in proptest::collection::vec(json(), 0..5),
        sizes in proptest::collection::vec(0usize..30, 0..30),
    ) {
        let wanted: Vec<Value> = values.into_iter().map(|value| serde_json::json!({ "v": value })).collect();
        let body = Value::from(wanted.clone()).to_string();
        let got = frames(&mut JsonArrayFramer::default(), pieces(body.as_bytes(), &sizes)).unwrap();
        let got: Vec<Value> = got.iter().map(|frame| serde_json::from_slice(&frame.data).unwrap()).collect();
        prop_assert_eq!(got, wanted);
    }
}
