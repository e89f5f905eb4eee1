use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use super::said_in;

fn paths() -> BTreeSet<String> {
    ["models", "tools.model", "a.b.models"].map(str::to_owned).into()
}

#[test]
fn what_stands_at_a_path_is_found_and_nothing_else() {
    for (body, found) in [
        (json!({"models": ["x"]}), Some("models")),
        (json!({"models": "x"}), Some("models")),
        (json!({"models": {}}), Some("models")),
        (json!({"MODELS": [1]}), Some("models")),
        (json!({"models": [[], null]}), None),
        (json!({"models": null, "x": {"models": ["x"]}}), None),
        (json!({"tools": [{"name": "f"}, {"model": "x"}]}), Some("tools.model")),
        (json!({"tools": [[{"model": "x"}]]}), Some("tools.model")),
        (json!({"tools": [{"input_schema": {"model": "x"}}]}), None),
        (json!({"a": {"b": {"models": ["x"]}}}), Some("a.b.models")),
        (json!({"a": {"models": ["x"]}, "a.b.models": ["x"]}), None),
        (json!({"model": "models"}), None),
    ] {
        let paths = paths();
        assert_eq!(said_in(&paths, &HeaderMap::new(), body.to_string().as_bytes()).unwrap(), found, "{body}");
    }
}

#[test]
fn no_spelling_hides_a_member() {
    let paths = paths();
    for body in [r#"{"mod\u0065ls":["x"]}"#, r#"{"models":null,"models":["x"]}"#, r#"{"models":["x"],"models":null}"#] {
        assert_eq!(said_in(&paths, &HeaderMap::new(), body.as_bytes()).unwrap(), Some("models"), "{body}");
    }
    assert!(said_in(&paths, &HeaderMap::new(), b"nonsense").is_err());
    assert_eq!(said_in(&BTreeSet::new(), &HeaderMap::new(), b"nonsense").unwrap(), None);
}

#[test]
fn a_form_is_looked_through_by_its_fields() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=cut"));
    for (name, found) in
        [("models[]", Some("models")), ("a[b][models][0]", Some("a.b.models")), ("models2", None), ("model", None)]
    {
        let form = format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nx\r\n--cut--\r\n");
        assert_eq!(said_in(&paths(), &headers, form.as_bytes()).unwrap(), found, "{name}");
    }
}
