use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, name: &str) -> bool {
    ModelPattern::from(pattern).matches(name)
}

#[test]
fn a_star_is_any_text() {
    assert!(matches("fast", "fast"));
    assert!(!matches("fast", "faster"));
    assert!(!matches("fast", ""));
    assert!(matches("openai:*", "openai:gpt-4o"));
    assert!(matches("openai:*", "openai:"));
    assert!(!matches("openai:*", "azure:gpt-4o"));
    assert!(matches("*-mini", "gpt-4o-mini-mini"));
    assert!(matches("*:gpt-*-mini", "openai:gpt-4o-mini"));
    assert!(matches("**", "anything"));
    assert!(!matches("", "anything"));
}

proptest! {
    /// The plain definition: a star is nothing, or one byte and a star.
    #[test]
    fn agrees_with_the_definition(pattern in "[ab*]{0,6}", name in "[ab]{0,8}") {
        fn defined(pattern: &[u8], name: &[u8]) -> bool {
            match (pattern.split_first(), name.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), None) => defined(rest, name),
                (Some((b'*', rest)), Some((_, tail))) => defined(rest, name) || defined(pattern, tail),
                (Some((byte, rest)), Some((other, tail))) => byte == other && defined(rest, tail),
                _ => false,
            }
        }
        prop_assert_eq!(matches(&pattern, &name), defined(pattern.as_bytes(), name.as_bytes()));
    }
}

#[test]
fn many_stars_take_no_time() {
    assert!(!matches(&format!("{}b", "a*".repeat(200)), &"a".repeat(2_000)));
}
