//! Rust files: their length, and whether their first lines say what they are for.

/// A file with more lines is two concepts.
const LONGEST: usize = 800;

pub(super) fn check(name: &str, text: &str, tell: &mut impl FnMut(usize, &str)) {
    let lines = text.lines().count();
    if lines > LONGEST {
        tell(lines, "more than 800 lines: two concepts");
    }
    let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.starts_with("tests/tests/");
    if !is_test && !text.starts_with("//!") {
        tell(1, "its first line does not say what it is for (`//!`)");
    }
    for (place, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with(concat!("#[al", "low(")) || line.starts_with(concat!("#![al", "low(")) {
            tell(place + 1, "use `#[expect(lint, reason = \"…\")]`");
        }
    }
}
