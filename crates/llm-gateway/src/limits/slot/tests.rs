use std::time::Duration;

use super::super::{Limit, Scope};
use super::*;
use crate::record::samples::NEW_YEAR;

fn slot(text: &str) -> Slot {
    let limit = Limit::derived(Scope::key("k"), text.parse().unwrap());
    let mut slot = Slot::new(Arc::new(limit), 1);
    slot.advance(NEW_YEAR);
    slot
}

fn take(slot: &mut Slot, now: i64, amount: i64) {
    slot.advance(now);
    let bucket = slot.counter.bucket();
    slot.counter.add(bucket.start, amount, 0);
}

fn of_three(number: u64) -> Option<Outage> {
    Some(Outage { number, replicas: 3 })
}

/// How much is let through, one by one.
fn granted(slot: &mut Slot, now: i64, outage: Option<Outage>) -> i64 {
    for taken in 0.. {
        slot.advance(now);
        if slot.refuses(now, 1, outage).is_some() {
            return taken;
        }
        take(slot, now, 1);
    }
    0
}

#[test]
fn what_others_have_counts_like_ones_own() {
    let mut slot = slot("requests=10/minute");
    take(&mut slot, NEW_YEAR, 3);
    slot.set_others(NEW_YEAR, &[(NEW_YEAR - 30_000, Held { used: 4, reserved: 1 })]);
    assert_eq!(slot.remaining(), 2);
    assert_eq!(granted(&mut slot, NEW_YEAR, None), 2);
    // The oldest of what stands in the way is theirs, and goes first.
    let Some(Why::UsedUp { retry_after: Some(wait), .. }) = slot.refuses(NEW_YEAR, 5, None) else { panic!() };
    assert_eq!(wait, Duration::from_millis(31_000));
    slot.set_others(NEW_YEAR, &[]);
    assert_eq!(slot.remaining(), 5);
}

#[test]
fn an_outage_leaves_each_its_share_of_what_was_left() {
    let mut slot = slot("requests=100/day");
    take(&mut slot, NEW_YEAR, 10);
    slot.set_others(NEW_YEAR, &[(NEW_YEAR, Held { used: 20, reserved: 10 })]);
    assert_eq!(granted(&mut slot, NEW_YEAR, of_three(1)), 20);
    // It lasts; nothing more is there.
    assert_eq!(granted(&mut slot, NEW_YEAR + 1, of_three(1)), 0);
    // The next one shares what is left then.
    assert_eq!(granted(&mut slot, NEW_YEAR + 2, of_three(2)), 13);
    // A new day begins for all.
    assert_eq!(granted(&mut slot, NEW_YEAR + 86_400_000, of_three(2)), 33);
}

#[test]
fn what_a_call_gives_back_in_an_outage_is_there_for_the_next_one() {
    let mut slot = slot("concurrency=6");
    slot.counter.add(0, 0, 3);
    assert!(slot.refuses(NEW_YEAR, 1, of_three(1)).is_none());
    slot.counter.add(0, 0, 1);
    assert!(slot.refuses(NEW_YEAR, 1, of_three(1)).is_some());
    slot.counter.add(0, 0, -2);
    assert!(slot.refuses(NEW_YEAR, 2, of_three(1)).is_none());
}

#[test]
fn a_limit_says_what_becomes_of_calls_in_an_outage() {
    let with = |fail| {
        let mut slot = slot("requests=9/total");
        let mut limit = Limit::clone(&slot.limit);
        limit.spec.fail = fail;
        slot.limit = Arc::new(limit);
        granted(&mut slot, NEW_YEAR, of_three(1))
    };
    assert_eq!((with(None), with(Some(Fail::Open)), with(Some(Fail::Closed))), (3, 9, 0));
}
