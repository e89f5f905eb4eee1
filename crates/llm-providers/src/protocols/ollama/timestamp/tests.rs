use proptest::prelude::*;

use super::{format, parse};

#[test]
fn known_times() {
    assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(parse("2026-08-07T06:08:11.017589Z"), Some(1_786_082_891));
    assert_eq!(parse("2026-08-07T08:08:11+02:00"), Some(1_786_082_891));
    assert_eq!(parse("2024-02-29T23:59:59-01:30"), Some(1_709_256_599));
    assert_eq!(format(1_786_082_891), "2026-08-07T06:08:11Z");
    assert_eq!(format(-1), "1969-12-31T23:59:59Z");
    for wrong in ["", "yesterday", "2026-08-07", "2026-08-07T06:08:11", "2026-08-07T06:08:1é", "+026-08-07T06:08:11Z"]
    {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn what_is_formatted_is_parsed(seconds in -62_000_000_000i64..250_000_000_000) {
        prop_assert_eq!(parse(&format(seconds)), Some(seconds));
    }
}
