use super::Known;

const LIST: &str = r#"
[[difference]]
case = "acme/chat/odd.json"
promise = "answer"
reason = "the recorder rounded the numbers"
"#;

#[test]
fn an_entry_excuses_only_its_own_case_and_promise() {
    let known = Known::parse(LIST).unwrap();
    assert_eq!(known.excuse("acme/chat/odd.json", "answer"), Some("the recorder rounded the numbers"));
    assert_eq!(known.excuse("acme/chat/odd.json", "stream"), None);
    assert_eq!(known.stale().count(), 0);
}

#[test]
fn an_entry_whose_promise_holds_is_stale() {
    let known = Known::parse(LIST).unwrap();
    assert_eq!(known.stale().count(), 0, "a case that was not met says nothing");
    known.holds("acme/chat/odd.json", "answer");
    assert_eq!(known.stale().count(), 1);
}
