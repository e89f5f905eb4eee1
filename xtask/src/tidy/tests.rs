use super::{files, lock, markdown, rust};

fn told(check: impl FnOnce(&mut dyn FnMut(usize, &str))) -> Vec<usize> {
    let mut lines = Vec::new();
    check(&mut |line, _| lines.push(line));
    lines
}

#[test]
fn one_sentence_a_line() {
    let text = "One sentence.\nOne here. Two here.\nSee e.g. Rust, 1.5 and `a. B`.\n```\nIn code. It is free.\n```\n";
    assert_eq!(told(|tell| markdown::check(text, &mut |line, what| tell(line, what))), [2]);
}

#[test]
fn a_file_says_what_it_is_for_and_ends_in_time() {
    assert!(told(|tell| rust::check("a.rs", "//! What for.\n", &mut |line, what| tell(line, what))).is_empty());
    assert_eq!(told(|tell| rust::check("a.rs", "fn main() {}\n", &mut |line, what| tell(line, what))), [1]);
    let long = format!("//! What for.\n{}", "\n".repeat(800));
    assert_eq!(told(|tell| rust::check("a.rs", &long, &mut |line, what| tell(line, what))), [801]);
}

#[test]
fn names_say_something() {
    assert!(files::name("crates/x/src/utils.rs").is_some());
    assert!(files::name("crates/x/src/common/mod.rs").is_some());
    assert!(files::name("crates/x/src/journal.rs").is_none());
}

#[test]
fn banned_crates_and_second_copies_are_seen() {
    let lock = "[[package]]\nname = \"openssl\"\n[[package]]\nname = \"axum\"\n[[package]]\nname = \"axum\"\n";
    assert_eq!(lock::check(lock).len(), 2);
}
