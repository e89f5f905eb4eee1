use redis::Value;

use super::*;

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

fn array<const N: usize>(values: [Value; N]) -> Value {
    Value::Array(values.into())
}

fn held(used: i64, reserved: i64) -> Held {
    Held { used, reserved }
}

#[test]
fn a_limit_without_room_says_what_others_have() {
    let fields =
        ["h", "20", "u", "9", "u10", "5", "u10:me", "2", "u10:you", "3", "u20", "4", "u20:me", "4", "r20", "7"];
    let full = array([Value::Int(1), array(fields.map(bulk))]);
    let answer = array([bulk("1700000000000"), Value::Int(3), array([Value::Int(0), full])]);
    let words = vec![Word::Refused(vec![(1, vec![(10, held(3, 0)), (20, held(0, 7))])])];
    assert_eq!(words_of(&answer), Some((1_700_000_000_000, 3, words)));
}

#[test]
fn a_grant_says_where_it_was_taken_from() {
    let answer = array([bulk("5"), Value::Int(1), array([Value::Int(1), bulk("10"), bulk("0"), bulk("3"), bulk("4")])]);
    let granted = Granted { start: 10, until: 0, others: held(3, 4) };
    assert_eq!(words_of(&answer), Some((5, 1, vec![Word::Granted(vec![granted])])));
}

#[test]
fn a_forgotten_session_has_no_words() {
    assert_eq!(words_of(&array([])), None);
    assert!(news(&array([]), "me").is_none());
}

fn words_of(answer: &Value) -> Option<(i64, i64, Vec<Word>)> {
    words(answer, "me")
}
