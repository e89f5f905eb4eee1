//! Semantic equality of JSON: member order, white space and number spelling don't matter, everything else does.

use serde_json::{Number, Value};

/// Every place where `got` differs from `want`, as a JSON pointer with both values.
pub fn differences(want: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(want, got, &mut String::new(), &mut found);
    found
}

fn compare(want: &Value, got: &Value, at: &mut String, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            for (name, value) in want {
                match got.get(name) {
                    Some(other) => below(at, name, |at| compare(value, other, at, found)),
                    None => found.push(format!("{at}/{name} is missing, want {}", short(value))),
                }
            }
            for (name, value) in got.iter().filter(|(name, _)| !want.contains_key(*name)) {
                found.push(format!("{at}/{name} is not wanted: {}", short(value)));
            }
        }
        (Value::Array(want), Value::Array(got)) => {
            if want.len() != got.len() {
                found.push(format!("{} has {} items, want {}", name_of(at), got.len(), want.len()));
            }
            for (index, (value, other)) in want.iter().zip(got).enumerate() {
                below(at, &index.to_string(), |at| compare(value, other, at, found));
            }
        }
        _ if equal(want, got) => {}
        _ => found.push(format!("{} is {}, want {}", name_of(at), short(got), short(want))),
    }
}

fn below(at: &mut String, name: &str, visit: impl FnOnce(&mut String)) {
    let length = at.len();
    at.push('/');
    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
    visit(at);
    at.truncate(length);
}

/// Whether two values say the same; `1` equals `1.0`.
pub fn equal(want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::Number(want), Value::Number(got)) => same_number(want, got),
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| equal(want, got))
        }
        (Value::Object(want), Value::Object(got)) => {
            want.len() == got.len()
                && want.iter().all(|(name, value)| got.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => want == got,
    }
}

/// Whole numbers are compared exactly, even beyond 2^53.
fn same_number(want: &Number, got: &Number) -> bool {
    if want == got {
        return true;
    }
    let whole = |number: &Number| !number.is_f64();
    !(whole(want) && whole(got)) && want.as_f64() == got.as_f64()
}

fn name_of(at: &str) -> &str {
    if at.is_empty() { "the whole" } else { at }
}

/// A value in at most 120 characters.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
