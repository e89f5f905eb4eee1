//! The committed form of an expectation: what must be sent and which differences don't matter, and nothing else.

use anyhow::Result;
use serde_json::{Map, Value};

/// The members that a comparison needs.
const KEPT: &[&str] = &[
    "provider",
    "intent",
    "operation",
    "model",
    "request",
    "unsupported",
    "lossy",
    "allow",
    "allow_paths",
    "allow_headers",
    "alternatives",
];

/// One captured request without how it was captured.
pub(super) fn expectation(captured: Value) -> Value {
    let Value::Object(mut captured) = captured else { return captured };
    let mut kept = Map::new();
    let sdk = captured.get("sdk").map(|sdk| {
        let text = |name: &str| sdk.get(name).and_then(Value::as_str).unwrap_or_default();
        Value::from(format!("{} {}", text("package"), text("version")))
    });
    for name in KEPT {
        if let Some(mut value) = captured.remove(*name) {
            drop_reasons(&mut value);
            kept.insert((*name).to_owned(), value);
        }
    }
    kept.extend(sdk.map(|sdk| ("sdk".to_owned(), sdk)));
    Value::Object(kept)
}

/// The reasons beside rules are sentences of whoever wrote them, and no rule needs its reason.
fn drop_reasons(value: &mut Value) {
    let Some(items) = value.as_array_mut() else { return };
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.shift_remove("why");
        if item.get("required").is_some() {
            item.clear();
        }
    }
    items.retain(|item| item.as_object().is_none_or(|item| !item.is_empty()));
}

/// A list, one expectation a line, so that a change of one is a change of one line.
pub(super) fn file(expectations: &[Value]) -> Result<String> {
    let lines = expectations.iter().map(serde_json::to_string).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}
