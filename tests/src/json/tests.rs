use serde_json::json;

use super::{differences, equal};

#[test]
fn order_and_number_spelling_do_not_matter() {
    let want: serde_json::Value = serde_json::from_str(r#"{"a":1,"b":[1.0,{"c":null}]}"#).unwrap();
    let got: serde_json::Value = serde_json::from_str(r#"{"b":[1,{"c":null}],"a":1.0}"#).unwrap();
    assert_eq!(differences(&want, &got), Vec::<String>::new());
    assert!(equal(&want, &got));
}

#[test]
fn null_is_not_absent_and_a_text_is_not_a_part() {
    assert_eq!(differences(&json!({"a": null}), &json!({})), ["/a is missing, want null"]);
    assert_eq!(differences(&json!({}), &json!({"a": null})), ["/a is not wanted: null"]);
    let parts = json!([{"type": "text", "text": "x"}]);
    assert_eq!(differences(&json!("x"), &parts).len(), 1);
}

#[test]
fn whole_numbers_are_exact_beyond_two_to_the_53() {
    assert!(!equal(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
    assert!(!equal(&json!(true), &json!(1)));
}

#[test]
fn lists_are_ordered() {
    assert_eq!(differences(&json!([1, 2]), &json!([2, 1])).len(), 2);
    assert_eq!(differences(&json!([1]), &json!([1, 2])), ["the whole has 2 items, want 1"]);
}
