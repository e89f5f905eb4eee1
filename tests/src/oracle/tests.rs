use serde_json::{Value, json};

use super::{Expected, Rule, Wire, compare};

fn expected(body: Value, allow: Value) -> Expected {
    let rules: Vec<Rule> = serde_json::from_value(allow).unwrap();
    serde_json::from_value::<Expected>(json!({
        "provider": "acme", "intent": "x",
        "request": {"method": "POST", "path": "/v1/a%3Ab", "headers": {"content-type": "application/json"}, "body": body},
    }))
    .map(|expected| Expected { allow: rules, ..expected })
    .unwrap()
}

fn ours(body: Value) -> Wire {
    let headers = [("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    Wire { method: "POST".into(), path: "/v1/a:b".into(), headers: headers.into(), body: Some(body), ..Wire::default() }
}

fn found(want: Value, allow: Value, sent: Value) -> Vec<String> {
    compare(&expected(want, allow), &ours(sent))
}

#[test]
fn what_never_matters() {
    let want = json!({"n": 1, "messages": [{"role": "user", "content": "hi"}]});
    let sent = json!({
        "messages": [{"content": [{"type": "text", "text": "hi"}], "role": "user"}],
        "n": 1.0, "stream": false, "user": null
    });
    assert_eq!(found(want, json!([]), sent), Vec::<String>::new());
}

#[test]
fn arguments_are_compared_as_json() {
    let call = |text: &str| json!({"function": {"name": "f", "arguments": text}});
    assert_eq!(found(call(r#"{"a": 1}"#), json!([]), call(r#"{"a":1}"#)), Vec::<String>::new());
    assert_eq!(found(call(r#"{"a": 1}"#), json!([]), call(r#"{"a":2}"#)).len(), 1);
}

#[test]
fn a_spoiled_request_differs() {
    let want = json!({"model": "m"});
    assert_eq!(found(want.clone(), json!([]), json!({"model": "m", "zzz": 1})), ["/zzz is not wanted: 1"]);
    let mut other = ours(want.clone());
    other.path = "/v2/a:b".into();
    other.headers.clear();
    assert_eq!(compare(&expected(want, json!([])), &other).len(), 2);
}

#[test]
fn rules_permit_what_they_say_and_no_more() {
    let rule = |rule: Value| json!([rule]);
    let cases = [
        (json!({"a": 1}), rule(json!({"pointer": "/a", "absent_ok": true})), json!({}), true),
        (json!({}), rule(json!({"pointer": "/a", "optional": "x"})), json!({"a": "x"}), true),
        (json!({}), rule(json!({"pointer": "/a", "optional": "x"})), json!({"a": "y"}), false),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "any": true})), json!({"a": 7}), true),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "any": true})), json!({}), false),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "any_of": ["$SDK", 2]})), json!({"a": 2}), true),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "any_of": ["$SDK", 2]})), json!({"a": 3}), false),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "alias": "/b"})), json!({"b": 1}), true),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "alias": "/b"})), json!({"a": 1, "b": 1}), false),
        (json!({"a": 1}), rule(json!({"pointer": "/a", "alias_value": {"/b": 9}})), json!({"b": 9}), true),
        (
            json!({"a": ["x", "y"]}),
            rule(json!({"pointer": "/a", "joined_text_ok": true})),
            json!({"a": "x\n\ny"}),
            true,
        ),
        (json!({"a": ["x", "y"]}), rule(json!({"pointer": "/a", "joined_text_ok": true})), json!({"a": "y x"}), false),
        (
            json!({"a": "{\"b\":1}"}),
            rule(json!({"pointer": "/a", "json_text": true})),
            json!({"a": "{ \"b\": 1 }"}),
            true,
        ),
        (json!({"a": "AUTO"}), rule(json!({"pointer": "/a", "case_insensitive": true})), json!({"a": "auto"}), true),
        (json!({}), rule(json!({"pointer": "/a", "empty_string_ok": true})), json!({"a": ""}), true),
        (json!({"a": [1, 2]}), rule(json!({"pointer": "/a/0", "drop_part_ok": true})), json!({"a": [2]}), true),
    ];
    for (want, allow, sent, equal) in cases {
        let found = found(want, allow.clone(), sent.clone());
        assert_eq!(found.is_empty(), equal, "{allow} for {sent}: {found:?}");
    }
}
