//! Rust files: their length, and whether their first lines say what they are for.

/// A file with more lines is two concepts.
const LONGEST: usize = 800;

pub(super) fn check(name: &str, text: &str, tell: &mut impl FnMut(usize, &str)) {
    let lines = text.lines().count();
    if lines > LONGEST {
        tell(lines, "more than 800 lines: two concepts");
    }
    let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.starts_with("tests/tests/");
    // A fuzz target is one line, and its name says it.
    let is_fuzz_target = name.contains("/fuzz_targets/");
    if !is_test && !is_fuzz_target && !text.starts_with("//!") {
        tell(1, "its first line does not say what it is for (`//!`)");
    }
}
