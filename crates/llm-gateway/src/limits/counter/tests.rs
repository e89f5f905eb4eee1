use super::*;

#[test]
fn a_sliding_window_forgets_after_its_length_and_never_before() {
    let mut counter = Counter::new(Window::Minute, &TimeZone::UTC);
    counter.advance(10_999);
    let bucket = counter.bucket();
    assert_eq!(bucket, Bucket { start: 10_000, until: 71_000 });
    counter.add(bucket.start, 5, 0);
    counter.advance(70_999);
    assert_eq!(counter.held().sum(), 5);
    counter.advance(71_000);
    assert_eq!(counter.held().sum(), 0);
}

#[test]
fn a_clock_that_goes_back_forgets_nothing() {
    for window in Window::ALL {
        let mut counter = Counter::new(*window, &TimeZone::UTC);
        counter.advance(1_000_000_000_000);
        counter.add(counter.bucket().start, 5, 3);
        counter.advance(900_000_000_000);
        assert_eq!(counter.held(), Held { used: 5, reserved: 3 }, "{window}");
    }
}

#[test]
fn a_bucket_that_is_over_is_left_alone() {
    for window in [Window::Minute, Window::Hour, Window::Day24, Window::Day, Window::Week, Window::Month] {
        let mut counter = Counter::new(window, &TimeZone::UTC);
        counter.advance(1_000_000_000_000);
        let old = counter.bucket();
        counter.add(old.start, 0, 7);
        counter.advance(old.until);
        assert_eq!(counter.held(), Held::default(), "{window}");
        counter.add(old.start, 5, -7);
        assert_eq!(counter.held(), Held::default(), "{window}");
    }
}

#[test]
fn says_when_enough_is_free_again() {
    let mut counter = Counter::new(Window::Minute, &TimeZone::UTC);
    for (at, used) in [(1_000, 3), (2_000, 4), (30_000, 5)] {
        counter.advance(at);
        counter.add(at, used, 0);
    }
    assert_eq!(counter.frees_at(None, 1), Some(62_000));
    assert_eq!(counter.frees_at(None, 3), Some(62_000));
    assert_eq!(counter.frees_at(None, 4), Some(63_000));
    assert_eq!(counter.frees_at(None, 12), Some(91_000));
    assert_eq!(counter.frees_at(None, 13), None);
    assert_eq!(counter.resets_at(None), Some(91_000));
}
