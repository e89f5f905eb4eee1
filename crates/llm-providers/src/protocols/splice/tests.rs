use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Splice;

fn edited(body: &str, edit: impl FnOnce(&mut Splice<'_>)) -> String {
    let mut splice = Splice::new(body.as_bytes()).unwrap();
    edit(&mut splice);
    String::from_utf8(splice.finish().to_vec()).unwrap()
}

#[test]
fn only_the_value_changes() {
    let body = " {\n  \"a\" : [1, {\"model\": \"inner\"}],\n  \"model\" :\t\"x\" , \"n\": 1.10 }\n";
    assert_eq!(edited(body, |splice| splice.set("model", "\"y\"")), body.replace("\"x\"", "\"y\""));
}

#[test]
fn what_is_not_there_is_added() {
    assert_eq!(edited(r#"{"a":1 }"#, |splice| splice.set("b", "2")), r#"{"a":1 ,"b":2}"#);
    assert_eq!(edited("{ }", |splice| splice.set("b", "2")), r#"{ "b":2}"#);
}

#[test]
fn a_name_is_found_however_it_is_spelled() {
    // A cap that could be dodged by an escape or a second member would be none.
    let body = r#"{"max_tokens":1,"ma\u0078_tokens":9}"#;
    assert_eq!(Splice::new(body.as_bytes()).unwrap().value("max_tokens"), Some(&b"9"[..]));
    let capped = edited(body, |splice| splice.set("max_tokens", "5"));
    assert_eq!(serde_json::from_str::<Value>(&capped).unwrap(), json!({"max_tokens": 5}));
}

#[test]
fn what_has_no_outline_is_refused() {
    for body in
        ["", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1}}", "{\"a\":1}x", "{a:1}", "null", "{\"a\":1,}"]
    {
        assert!(Splice::new(body.as_bytes()).is_err(), "{body}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn an_edit_is_what_it_says(members in prop::collection::vec(("[a-d\"\\\\]{1,2}", any_json()), 0..6), name in "[a-d]", pretty: bool) {
        let mut object: Map<String, Value> = members.into_iter().collect();
        let body = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let set = edited(&body, |splice| splice.set(&name, "42"));
        let untouched = edited(&body, |_| {});
        prop_assert_eq!(&untouched, &body);
        object.insert(name.clone(), json!(42));
        prop_assert_eq!(serde_json::from_str::<Value>(&set).unwrap(), Value::from(object));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(prop_oneof![Just(b'{'), Just(b'}'), Just(b'"'), Just(b'\\'), Just(b':'), Just(b','), Just(b'['), any::<u8>()], 0..40)) {
        if let Ok(mut splice) = Splice::new(&bytes) {
            splice.set("a", "1");
            splice.finish();
        }
    }
}
