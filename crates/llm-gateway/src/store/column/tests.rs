use super::*;

#[test]
fn what_an_engine_would_refuse_is_replaced_or_cut() {
    assert_eq!(column("fast"), "fast");
    assert_eq!(column("a\0b"), "a\u{FFFD}b");
    assert_eq!(column(&"ä".repeat(1_000)), "ä".repeat(256));
    assert_eq!(column(&format!("x{}", "ä".repeat(1_000))).len(), 511);
}

#[test]
fn tags_are_a_set() {
    let set = |tags: &[&str]| tag_set(tags.iter().copied());
    assert_eq!(set(&[]), "[]");
    assert_eq!(set(&["b", "a", "b"]), r#"["a","b"]"#);
    assert_eq!(set(&["\0"]), "[\"\u{FFFD}\"]");
    let many: Vec<String> = (0..100).map(|tag| format!("{tag:0100}")).collect();
    let kept: Vec<String> = serde_json::from_str(&tag_set(many.iter().map(String::as_str))).unwrap();
    assert_eq!(kept, many[..10]);
}
