use proptest::prelude::*;

use super::*;

/// Central European time, by its rule, so that the test needs no database of time zones.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

/// A zone whose clocks are put forward at midnight, so that a day has no 00:00.
fn no_midnight() -> TimeZone {
    TimeZone::posix("<-04>4<-03>,M9.1.6/24,M4.1.6/24").unwrap()
}

fn bucket(window: Window, zone: &TimeZone, at: &str) -> (String, String) {
    let at: Timestamp = at.parse().unwrap();
    let Bucket { start, until } = window.bucket_at(zone, at.as_millisecond());
    let text = |millis| Timestamp::from_millisecond(millis).unwrap().to_string();
    (text(start), text(until))
}

fn assert_bucket(window: Window, zone: &TimeZone, at: &str, start: &str, until: &str) {
    assert_eq!(bucket(window, zone, at), (start.to_owned(), until.to_owned()), "{window} at {at}");
}

#[test]
fn calendar_windows_in_utc() {
    let utc = TimeZone::UTC;
    assert_bucket(Window::Day, &utc, "2026-02-28T23:59:59.999Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z");
    assert_bucket(Window::Day, &utc, "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z");
    // The 1st of November 2026 is a Sunday.
    assert_bucket(Window::Week, &utc, "2026-11-01T12:00:00Z", "2026-10-26T00:00:00Z", "2026-11-02T00:00:00Z");
    assert_bucket(Window::Week, &utc, "2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z");
    assert_bucket(Window::Month, &utc, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
    assert_bucket(Window::Month, &utc, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
}

#[test]
fn calendar_windows_across_the_change_of_clocks() {
    let berlin = berlin();
    // 23 hours, then 25.
    assert_bucket(Window::Day, &berlin, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    assert_bucket(Window::Day, &berlin, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    assert_bucket(Window::Month, &berlin, "2026-10-31T23:30:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z");
    assert_bucket(Window::Month, &berlin, "2026-10-25T12:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z");
    assert_bucket(Window::Week, &berlin, "2026-03-29T12:00:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z");
}

proptest! {
    /// Whatever the zone, every moment lies in its bucket, the bucket is the same from its begin to its end, and the
    /// next one begins where it ends.
    #[test]
    fn calendar_buckets_tile_time(seconds in 0i64..4_000_000_000, which in 0usize..3, zone in 0usize..3) {
        let window = [Window::Day, Window::Week, Window::Month][which];
        let zone = [TimeZone::UTC, berlin(), no_midnight()][zone].clone();
        let now = seconds * 1000;
        let bucket = window.bucket_at(&zone, now);
        prop_assert!(bucket.start <= now && now < bucket.until);
        prop_assert_eq!(window.bucket_at(&zone, bucket.start), bucket);
        prop_assert_eq!(window.bucket_at(&zone, bucket.until - 1), bucket);
        prop_assert_eq!(window.bucket_at(&zone, bucket.until).start, bucket.until);
    }
}
