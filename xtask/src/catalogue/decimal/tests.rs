use super::Decimal;

fn nano_per_million(per_unit: &str) -> Option<i64> {
    Decimal::parse(per_unit).unwrap().scaled(15, 1)
}

#[test]
fn every_spelling_of_a_number_is_exact() {
    assert_eq!(nano_per_million("1.5e-07"), Some(150_000_000));
    assert_eq!(nano_per_million("1.5E-7"), Some(150_000_000));
    assert_eq!(nano_per_million("0.00000015"), Some(150_000_000));
    assert_eq!(nano_per_million("7.5e-05"), Some(75_000_000_000));
    assert_eq!(nano_per_million("3"), Some(3_000_000_000_000_000));
    assert_eq!(nano_per_million("1e-15"), Some(1));
    assert_eq!(nano_per_million("0.0"), Some(0));
}

#[test]
fn what_is_finer_than_a_nano_dollar_is_rounded_half_up() {
    assert_eq!(nano_per_million("0.000015000020000000002"), Some(15_000_020_000));
    assert_eq!(nano_per_million("5e-16"), Some(1));
    assert_eq!(nano_per_million("4.9e-16"), Some(0));
    // 0.04 dollars an hour, by the second.
    assert_eq!(Decimal::parse("0.04").unwrap().scaled(15, 3600), Some(11_111_111_111));
}

#[test]
fn what_does_not_fit_is_nothing() {
    assert_eq!(nano_per_million("1e30"), None);
    assert_eq!(nano_per_million("1e5"), None);
    for text in ["", "abc", "1.-5", "1e", "0x1"] {
        assert!(Decimal::parse(text).is_err(), "{text}");
    }
}
