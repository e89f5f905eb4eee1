use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::super::{Limit, LimitSpec, LimitStatus, Scope, Subject, Window};
use super::*;
use crate::record::samples::NEW_YEAR;

fn ledger(limits: &[&str]) -> Ledger {
    let ledger = Ledger::new();
    for text in limits {
        ledger.put(Limit::derived(Scope::key("k"), text.parse().unwrap())).unwrap();
    }
    ledger
}

fn key() -> Subject<'static> {
    Subject { key: "k", ..Subject::default() }
}

fn estimate(nano: i64, input_tokens: u64, output_tokens: u64) -> Estimate {
    Estimate { spend: Some(NanoUsd(nano)), input_tokens, output_tokens }
}

fn statuses(ledger: &Ledger, now: i64) -> Vec<LimitStatus> {
    ledger.statuses(now, &Scope::key("k"))
}

fn held(ledger: &Ledger, now: i64) -> Vec<(i64, i64)> {
    statuses(ledger, now).iter().map(|status| (status.used, status.reserved)).collect()
}

#[test]
fn a_dropped_reservation_is_settled_at_all_it_holds() {
    let ledger = ledger(&["spend=1/day", "requests=9/day", "concurrency=1"]);
    drop(ledger.reserve(NEW_YEAR, &key(), &estimate(70, 1, 2)).unwrap());
    assert_eq!(held(&ledger, NEW_YEAR), [(70, 0), (1, 0), (0, 0)]);
}

#[test]
fn a_cancelled_reservation_leaves_nothing() {
    let ledger = ledger(&["spend=1/day", "requests=9/day", "concurrency=1"]);
    ledger.reserve(NEW_YEAR, &key(), &estimate(70, 1, 2)).unwrap().cancel();
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 0), (0, 0), (0, 0)]);
}

#[test]
fn what_passes_the_reservation_is_the_overrun_and_is_counted() {
    let ledger = ledger(&["spend=0.0000001/day"]);
    let settled =
        ledger.reserve(NEW_YEAR, &key(), &estimate(60, 0, 0)).unwrap().settle(&Actual::from(estimate(110, 0, 0)));
    assert_eq!(settled.overrun, NanoUsd(50));
    let status = &statuses(&ledger, NEW_YEAR)[0];
    assert_eq!((status.used, status.remaining), (110, 0));
    ledger.reserve(NEW_YEAR, &key(), &estimate(1, 0, 0)).unwrap_err();
}

#[test]
fn concurrency_is_given_back_once() {
    let ledger = ledger(&["concurrency=2"]);
    let mut first = ledger.reserve(NEW_YEAR, &key(), &estimate(1, 1, 1)).unwrap();
    let second = ledger.reserve(NEW_YEAR, &key(), &estimate(1, 1, 1)).unwrap();
    let refusal = ledger.reserve(NEW_YEAR, &key(), &estimate(1, 1, 1)).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(1)));
    first.release_concurrency();
    first.release_concurrency();
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 1)]);
    first.settle(&Actual::default());
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 1)]);
    drop(second);
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 0)]);
}

#[test]
fn a_settlement_corrects_the_window_where_the_call_began() {
    let ledger = ledger(&["spend=1/day"]);
    let late = NEW_YEAR + 86_400_000 - 1;
    let reservation = ledger.reserve(late, &key(), &estimate(70, 0, 0)).unwrap();
    let tomorrow = late + 1;
    assert_eq!(held(&ledger, tomorrow), [(0, 0)]);
    let settled = reservation.settle(&Actual::from(estimate(30, 0, 0)));
    assert_eq!(held(&ledger, tomorrow), [(0, 0)]);
    assert_eq!(settled.charges[0].bucket, Bucket { start: NEW_YEAR, until: tomorrow });
    assert_eq!(settled.charges[0].amount, 30);
}

#[test]
fn a_top_up_is_granted_by_all_or_by_none() {
    let ledger = ledger(&["spend=0.0000001/day", "tokens=100/day", "requests=1/day"]);
    let mut reservation = ledger.reserve(NEW_YEAR, &key(), &estimate(50, 10, 20)).unwrap();
    reservation.top_up(NEW_YEAR, &estimate(90, 10, 40)).unwrap();
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 90), (0, 50), (0, 1)]);
    let refusal = reservation.top_up(NEW_YEAR, &estimate(100, 10, 91)).unwrap_err();
    assert_eq!(refusal.limit().spec.meter, LimitMeter::Tokens);
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 90), (0, 50), (0, 1)]);
    // A cheaper candidate gives nothing back before the settlement.
    reservation.top_up(NEW_YEAR, &estimate(1, 1, 1)).unwrap();
    assert_eq!(held(&ledger, NEW_YEAR), [(0, 90), (0, 50), (0, 1)]);
    reservation.top_up(NEW_YEAR, &Estimate::default()).unwrap_err();
    let amounts = |charges: &[Charge]| charges.iter().map(|charge| charge.amount).collect::<Vec<_>>();
    assert_eq!(amounts(&reservation.charges()), [90, 50, 1]);
    let settled = reservation.settle(&Actual::from(estimate(10, 10, 2)));
    assert_eq!(amounts(&settled.charges), [10, 12, 1]);
    assert_eq!(held(&ledger, NEW_YEAR), [(10, 0), (12, 0), (1, 0)]);
}

#[test]
fn headers_say_what_the_tightest_limits_leave() {
    let ledger = ledger(&["requests=10/minute", "requests=100/day", "tokens=100/minute", "output_tokens=90/day"]);
    let reservation = ledger.reserve(NEW_YEAR, &key(), &estimate(1, 10, 20)).unwrap();
    let limits = reservation.rate_limits(NEW_YEAR + 1_000);
    let left = |limit, remaining, seconds| {
        Some(RateLeft { limit, remaining, reset_after: Some(Duration::from_secs(seconds)) })
    };
    assert_eq!(limits.requests, left(10, 9, 60));
    assert_eq!(limits.tokens, left(100, 70, 60));
}

#[test]
fn each_share_to_notify_at_is_crossed_once_a_window() {
    let ledger = Ledger::new();
    let mut spec: LimitSpec = "tokens=100/day".parse().unwrap();
    spec.notify_at = vec![50, 80, 100];
    ledger.put(Limit::derived(Scope::key("k"), spec)).unwrap();
    let crossed = |now, tokens| {
        let tokens = estimate(0, tokens, 0);
        ledger.reserve(now, &key(), &tokens).unwrap().settle(&Actual::from(tokens));
        ledger.crossed(now).into_iter().map(|crossing| (crossing.percent, crossing.window)).collect::<Vec<_>>()
    };
    assert_eq!(crossed(NEW_YEAR, 49), []);
    assert_eq!(crossed(NEW_YEAR, 1), [(50, NEW_YEAR)]);
    assert_eq!(crossed(NEW_YEAR, 1), []);
    assert_eq!(crossed(NEW_YEAR, 49), [(100, NEW_YEAR)]);
    let tomorrow = NEW_YEAR + 86_400_000;
    assert_eq!(crossed(tomorrow, 1), []);
    assert_eq!(crossed(tomorrow, 79), [(80, tomorrow)]);
    // A process that starts where another ended looks once at what it finds.
    let next = Ledger::new();
    let mut spec: LimitSpec = "tokens=100/day".parse().unwrap();
    spec.notify_at = vec![50];
    let limit = Limit::derived(Scope::key("k"), spec);
    next.put(limit.clone()).unwrap();
    next.seed(tomorrow, &limit.id, tomorrow, 60);
    assert_eq!(next.crossed(tomorrow).len(), 1);
    assert_eq!(next.crossed(tomorrow).len(), 0);
}

/// What may happen to a ledger.
#[derive(Clone, Debug)]
enum Step {
    Reserve { spend: i64, input: u64, output: u64 },
    TopUp { which: usize, spend: i64, output: u64 },
    Settle { which: usize, percent: u64 },
    Drop { which: usize },
    Cancel { which: usize },
    Wait { millis: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..60i64, 0..40u64, 0..40u64).prop_map(|(spend, input, output)| Step::Reserve { spend, input, output }),
        1 => (0..8usize, 0..30i64, 0..30u64).prop_map(|(which, spend, output)| Step::TopUp { which, spend, output }),
        2 => (0..8usize, 0..=100u64).prop_map(|(which, percent)| Step::Settle { which, percent }),
        1 => (0..8usize).prop_map(|which| Step::Drop { which }),
        1 => (0..8usize).prop_map(|which| Step::Cancel { which }),
        3 => prop_oneof![0..3_000i64, 0..120_000i64, 0..90_000_000i64].prop_map(|millis| Step::Wait { millis }),
    ]
}

const LIMITS: [&str; 7] = [
    "requests=6/minute",
    "tokens=150/minute",
    "spend=0.000000200/hour",
    "output_tokens=300/24h",
    "spend=0.000000250/day",
    "input_tokens=900/week",
    "concurrency=5",
];

/// The length of a sliding window, within which nothing may be forgotten.
fn length(window: Window) -> i64 {
    match window {
        Window::Minute => 60_000,
        Window::Hour => 3_600_000,
        Window::Day24 => 86_400_000,
        _ => 0,
    }
}

/// The plain story: every amount that a call took, when, and what it is now.
#[derive(Clone, Debug)]
struct Taken {
    call: usize,
    at: i64,
    amount: i64,
    settled: bool,
}

#[derive(Debug)]
struct Story {
    specs: Vec<LimitSpec>,
    taken: Vec<Vec<Taken>>,
}

impl Story {
    fn held(&self, limit: usize, now: i64) -> (i64, i64) {
        let spec = &self.specs[limit];
        let counts = |at| spec.window.bucket_at(&jiff::tz::TimeZone::UTC, at).until > now;
        let sum = |settled| {
            let meant = |taken: &&Taken| taken.settled == settled && counts(taken.at);
            self.taken[limit].iter().filter(meant).map(|taken| taken.amount).sum()
        };
        (sum(true), sum(false))
    }

    fn take(&mut self, limit: usize, call: usize, at: i64, amount: i64) {
        self.taken[limit].push(Taken { call, at, amount, settled: false });
    }

    fn settle(&mut self, call: usize, actual: Option<&Estimate>) {
        for (spec, taken) in self.specs.iter().zip(&mut self.taken) {
            let mut left = match (spec.meter, actual) {
                (LimitMeter::Concurrency, _) | (_, None) => 0,
                (meter, Some(actual)) => amount(meter, actual).unwrap(),
            };
            for taken in taken.iter_mut().filter(|taken| taken.call == call) {
                // Within the reservation, so the last part never takes more than it held.
                let used = left.min(taken.amount);
                left -= used;
                (taken.amount, taken.settled) = (used, true);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_interleaving_passes_a_limit(steps in proptest::collection::vec(step(), 1..80)) {
        let ledger = ledger(&LIMITS);
        let specs: Vec<LimitSpec> = LIMITS.iter().map(|text| text.parse().unwrap()).collect();
        let mut story = Story { taken: vec![Vec::new(); specs.len()], specs };
        let mut now = NEW_YEAR + 12_345;
        let mut live: Vec<(usize, Reservation)> = Vec::new();
        for (call, step) in steps.into_iter().enumerate() {
            match step {
                Step::Wait { millis } => now += millis,
                Step::Reserve { spend, input, output } => {
                    let wanted = estimate(spend, input, output);
                    let before = held(&ledger, now);
                    let fits = story.specs.iter().enumerate().all(|(limit, spec)| {
                        let (used, reserved) = story.held(limit, now);
                        let needed = amount(spec.meter, &wanted).unwrap();
                        needed == 0 || used + reserved + needed <= spec.amount
                    });
                    match ledger.reserve(now, &key(), &wanted) {
                        Ok(reservation) => {
                            prop_assert!(fits, "admitted what does not fit");
                            for limit in 0..story.specs.len() {
                                let needed = amount(story.specs[limit].meter, &wanted).unwrap();
                                story.take(limit, call, now, needed);
                            }
                            live.push((call, reservation));
                        }
                        Err(_) => {
                            prop_assert!(!fits, "refused what fits");
                            prop_assert_eq!(held(&ledger, now), before, "a refused call consumed something");
                        }
                    }
                }
                Step::TopUp { which, spend, output } if which < live.len() => {
                    let (call, reservation) = &mut live[which];
                    let from = *reservation.estimate();
                    let to = Estimate {
                        spend: from.spend.map(|from| from + NanoUsd(spend)),
                        output_tokens: from.output_tokens + output,
                        ..from
                    };
                    let before = held(&ledger, now);
                    if reservation.top_up(now, &to).is_ok() {
                        for limit in 0..story.specs.len() {
                            let more = increase(story.specs[limit].meter, &from, &to).unwrap();
                            if more > 0 {
                                story.take(limit, *call, now, more);
                            }
                        }
                    } else {
                        prop_assert_eq!(held(&ledger, now), before, "a refused top-up consumed something");
                    }
                }
                Step::Settle { which, percent } if which < live.len() => {
                    let (call, reservation) = live.swap_remove(which);
                    let from = *reservation.estimate();
                    let part = |whole: u64| whole * percent / 100;
                    let actual = Estimate {
                        spend: from.spend.map(|from| NanoUsd(from.0 * percent as i64 / 100)),
                        input_tokens: part(from.input_tokens),
                        output_tokens: part(from.output_tokens),
                    };
                    let settled = reservation.settle(&Actual::from(actual));
                    prop_assert_eq!(settled.overrun, NanoUsd::ZERO);
                    story.settle(call, Some(&actual));
                }
                Step::Drop { which } if which < live.len() => {
                    let (call, reservation) = live.swap_remove(which);
                    let estimate = *reservation.estimate();
                    drop(reservation);
                    story.settle(call, Some(&estimate));
                }
                Step::Cancel { which } if which < live.len() => {
                    let (call, reservation) = live.swap_remove(which);
                    reservation.cancel();
                    story.settle(call, None);
                }
                _ => {}
            }
            for (limit, status) in statuses(&ledger, now).iter().enumerate() {
                let spec = &status.limit.spec;
                prop_assert_eq!((status.used, status.reserved), story.held(limit, now), "{}", spec);
                prop_assert!(status.used + status.reserved <= spec.amount, "{} is passed", spec);
                let within = |taken: &&Taken| taken.at > now - length(spec.window);
                let exact: i64 = story.taken[limit].iter().filter(within).map(|taken| taken.amount).sum();
                if length(spec.window) > 0 {
                    prop_assert!(exact <= status.used + status.reserved, "{} forgets too early", spec);
                }
            }
        }
        for (call, reservation) in live {
            reservation.cancel();
            story.settle(call, None);
        }
        prop_assert!(held(&ledger, now).iter().all(|&(_, reserved)| reserved == 0));
    }
}

#[test]
fn eight_threads_pass_no_limit_and_leave_nothing_reserved() {
    let ledger = ledger(&["spend=0.000050000/month", "requests=100000/hour", "tokens=1000000/day", "concurrency=6"]);
    let spent = AtomicI64::new(0);
    let admitted = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (ledger, spent, admitted) = (&ledger, &spent, &admitted);
            scope.spawn(move || {
                for call in 0..2_000u64 {
                    let Ok(mut reservation) = ledger.reserve(NEW_YEAR, &key(), &estimate(20, 5, 5)) else { continue };
                    admitted.fetch_add(1, Ordering::Relaxed);
                    let cost = match (thread + call) % 4 {
                        0 => {
                            reservation.cancel();
                            admitted.fetch_sub(1, Ordering::Relaxed);
                            0
                        }
                        1 => {
                            drop(reservation);
                            20
                        }
                        2 => {
                            reservation.release_concurrency();
                            reservation.settle(&Actual::from(estimate(9, 5, 1)));
                            9
                        }
                        _ => {
                            reservation.settle(&Actual::from(estimate(13, 5, 5)));
                            13
                        }
                    };
                    spent.fetch_add(cost, Ordering::Relaxed);
                }
            });
        }
    });
    let spent = spent.into_inner();
    assert!(spent <= 50_000, "{spent}");
    assert!(spent > 40_000, "too much was refused: {spent}");
    let held = held(&ledger, NEW_YEAR);
    assert_eq!(held[0], (spent, 0));
    assert_eq!(held[1], (admitted.into_inner(), 0));
    assert_eq!((held[2].1, held[3]), (0, (0, 0)));
}
