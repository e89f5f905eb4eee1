use serde_json::json;

use super::{google_file, hands_file_over, referred_item};

#[test]
fn an_item_without_a_type_is_a_reference_unless_it_is_a_message() {
    for (item, id) in [
        (json!({"type": "item_reference", "id": "a"}), Some("a")),
        (json!({"type": "item_reference", "id": "a", "role": "user", "content": "x"}), Some("a")),
        (json!({"id": "a"}), Some("a")),
        (json!({"type": null, "id": "a", "role": null}), Some("a")),
        (json!({"id": "a", "role": "user"}), Some("a")),
        (json!({"id": "a", "role": "user", "content": "x"}), None),
        (json!({"type": "message", "id": "a"}), None),
        (json!({"type": "reasoning", "id": "a", "summary": []}), None),
        (json!({"role": "user", "content": "x"}), None),
        (json!({}), None),
        (json!("a"), None),
    ] {
        assert_eq!(referred_item(&item), id, "{item}");
    }
}

#[test]
fn only_what_tells_of_a_file_hands_none_over() {
    assert!(["input_file", "computer_screenshot", "not_heard_of"].iter().all(|kind| hands_file_over(Some(kind))));
    assert!(!hands_file_over(Some("file_citation")) && !hands_file_over(None));
}

#[test]
fn a_file_is_known_by_its_name_and_by_every_address_of_it() {
    for (uri, id) in [
        ("files/abc-1", Some("abc-1")),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc", Some("abc")),
        ("https://generativelanguage.googleapis.com/v1/files/abc", Some("abc")),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc?alt=media", Some("abc")),
        ("https://x.example/base/v1beta/files/abc/", Some("abc")),
        ("https://x.example/v1beta/files/abc/more", None),
        ("https://x.example/files/abc", None),
        ("files/", None),
        ("files/a/b", None),
        ("abc", None),
    ] {
        assert_eq!(google_file(uri), id, "{uri}");
    }
}
