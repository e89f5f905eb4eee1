//! Our request beside the SDK's: method, path, query, headers, body.

use super::equal::normal_body;
use super::{Expected, Wire};
use crate::json;

/// Every difference that matters.
pub fn compare(expected: &Expected, ours: &Wire) -> Vec<String> {
    let Some(want) = &expected.request else { return Vec::new() };
    let mut found = Vec::new();
    if ours.method != want.method {
        found.push(format!("method is {}, want {}", ours.method, want.method));
    }

    let path = decoded(&ours.path);
    let alternative = expected.alternatives.iter().find(|other| decoded(&other.path) == path);
    let is_allowed = decoded(&want.path) == path || expected.allow_paths.iter().any(|other| decoded(other) == path);
    if !is_allowed && alternative.is_none() {
        found.push(format!("path is {path}, want {}", want.path));
    }
    for (name, value) in &want.query {
        if ours.query.get(name) != Some(value) {
            found.push(format!("query `{name}` is {:?}, want {value}", ours.query.get(name)));
        }
    }
    found.extend(headers(expected, want, ours));

    let body = alternative.map(|other| &other.body).or(want.body.as_ref());
    match (body, &ours.body) {
        (None, None) => {}
        (Some(body), Some(sent)) => {
            let mut body = normal_body(&expected.provider, body);
            let mut sent = normal_body(&expected.provider, sent);
            // Rules that take items out of lists go last, so that the pointers of the others stay true.
            let (dropping, others): (Vec<_>, Vec<_>) = expected.allow.iter().partition(|rule| rule.drop_part_ok);
            others.into_iter().chain(dropping).for_each(|rule| rule.relax(&mut body, &mut sent));
            let (body, sent) = (normal_body(&expected.provider, &body), normal_body(&expected.provider, &sent));
            found.extend(json::differences(&body, &sent));
        }
        (Some(_), None) => found.push("there is no body".to_owned()),
        (None, Some(sent)) => found.push(format!("there is a body: {}", json::short(sent))),
    }
    found
}

fn headers(expected: &Expected, want: &Wire, ours: &Wire) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in &want.headers {
        if name == "content-type" && want.body.is_none() {
            continue;
        }
        let sent = ours.headers.get(name).map(String::as_str);
        let sent = if name == "content-type" { sent.and_then(|kind| kind.split(';').next()) } else { sent };
        let is_replaced = || {
            let fits = |name: &String, value: &String| ours.headers.get(name) == Some(value);
            expected
                .allow_headers
                .iter()
                .any(|other| other.instead_of == *name && other.send.iter().all(|(name, value)| fits(name, value)))
        };
        if sent != Some(value) && !is_replaced() {
            found.push(format!("header `{name}` is {sent:?}, want `{value}`"));
        }
    }
    found
}

/// A path without percent-encoding.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = path.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                plain.push(code);
                at += 3;
            }
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
