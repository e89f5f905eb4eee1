//! `Cargo.lock`: crates that we don't want, and crates of which one copy must do.

use std::collections::BTreeMap;

/// Banned, and what to use instead. `deny.toml` says the same to `cargo-deny`, and who else may use a banned crate.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "rustls"),
    ("openssl-sys", "rustls"),
    ("native-tls", "rustls"),
    ("rsa", "aws-lc-rs"),
    ("chrono", "jiff"),
    ("serde_yaml", "serde-saphyr"),
    ("eventsource-stream", "the framing module"),
];

/// One copy each.
const SINGLE: &[&str] = &["reqwest", "rustls", "axum", "hyper", "http", "tokio", "tower-http", "serde_json"];

pub(super) fn check(lock: &str) -> Vec<String> {
    let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
    for name in lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')) {
        *copies.entry(name).or_default() += 1;
    }
    let banned = BANNED.iter().filter(|(name, _)| copies.contains_key(name));
    let several = SINGLE.iter().filter(|name| copies.get(*name).is_some_and(|count| *count > 1));
    banned
        .map(|(name, instead)| format!("`{name}` is banned; use {instead}"))
        .chain(several.map(|name| format!("there are several copies of `{name}`")))
        .collect()
}
