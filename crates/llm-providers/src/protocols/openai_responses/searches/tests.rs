use serde_json::json;

use super::*;

fn of(response: &Value) -> u64 {
    charged(response.as_object().unwrap())
}

#[test]
fn what_is_said_counts_before_what_is_shown() {
    let item = |action: &str, status: &str| json!({"type": ITEM, "status": status, "action": {"type": action}});
    let output = json!([
        item("search", "completed"),
        item("open_page", "completed"),
        item("find_in_page", "completed"),
        item("search", "failed"),
        {"type": "file_search_call", "status": "completed", "queries": ["a", "b"]},
        {"type": "message"},
    ]);
    assert_eq!(of(&json!({"output": output})), 1);
    assert_eq!(of(&json!({"output": output, "tool_usage": {"web_search": {"num_requests": 3}}})), 3);
    assert_eq!(of(&json!({"output": output, "tool_usage": {"web_search": {}}})), 1);
    assert_eq!(of(&json!({"output": "odd"})), 0);
}
