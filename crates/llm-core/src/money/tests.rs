use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Option<i64> {
    text.parse::<NanoUsd>().ok().map(|amount| amount.0)
}

#[test]
fn amounts_are_decimal_dollars() {
    assert_eq!(parse("25.00"), Some(25_000_000_000));
    assert_eq!(parse("0"), Some(0));
    assert_eq!(parse("-0.5"), Some(-500_000_000));
    assert_eq!(parse("0.000000001"), Some(1));
    assert_eq!(parse("9223372036.854775807"), Some(i64::MAX));
    assert_eq!(parse("-9223372036.854775808"), Some(i64::MIN));
}

#[test]
fn whatever_else_is_refused() {
    for text in [
        "",
        "-",
        ".5",
        "1.",
        "1e3",
        "1,5",
        "+1",
        "--1",
        " 1",
        "1 ",
        "$1",
        "0x1",
        "NaN",
        "inf",
        "1_000",
        "0.0000000001",
        "9223372036.854775808",
        "99999999999999999999999999999999999999999999",
        "１",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn json_holds_a_text_and_never_a_number() {
    assert_eq!(serde_json::to_string(&NanoUsd(14_000)).unwrap(), "\"0.000014\"");
    assert!(serde_json::from_str::<NanoUsd>("0.5").is_err());
    assert!(serde_json::from_str::<NanoUsd>("1").is_err());
}

#[test]
fn sums_stop_at_the_ends_of_the_range() {
    assert_eq!(NanoUsd(i64::MAX) + NanoUsd(1), NanoUsd(i64::MAX));
    assert_eq!(NanoUsd(i64::MIN) - NanoUsd(1), NanoUsd(i64::MIN));
    assert_eq!([NanoUsd(1), NanoUsd(2), NanoUsd(-5)].into_iter().sum::<NanoUsd>(), NanoUsd(-2));
    assert_eq!(NanoUsd::saturating_from(i128::MAX), NanoUsd(i64::MAX));
    assert_eq!(NanoUsd::saturating_from(i128::MIN), NanoUsd(i64::MIN));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(nano in any::<i64>()) {
        let text = NanoUsd(nano).to_string();
        prop_assert_eq!(text.parse::<NanoUsd>(), Ok(NanoUsd(nano)));
        prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[-0-9.]{0,40}") {
        if let Ok(amount) = text.parse::<NanoUsd>() {
            prop_assert_eq!(amount.to_string().parse::<NanoUsd>(), Ok(amount));
        }
    }
}
