use super::*;

#[test]
fn a_class_holds_its_lengths() {
    for tokens in (1..5_000).chain([65_535, 65_536, 1_000_000]) {
        let class = class(tokens);
        assert!(largest(class) >= tokens, "{tokens}");
        assert!(largest(class) <= tokens + tokens / 8, "{tokens}: {}", largest(class));
    }
    assert_eq!(class(u64::MAX), CLASSES - 1);
}

#[test]
fn few_answers_say_nothing_and_old_ones_fade() {
    let recent = Recent::default();
    (0..FEW - 1).for_each(|_| recent.saw(100));
    assert_eq!(recent.p95(), None);
    recent.saw(100);
    assert_eq!(recent.p95(), Some(103));
    // One in twenty is longer.
    (0..19).for_each(|_| recent.saw(8_000));
    assert_eq!(recent.p95(), Some(8_191));
    (0..5_000).for_each(|_| recent.saw(10));
    assert_eq!(recent.p95(), Some(10));
}
