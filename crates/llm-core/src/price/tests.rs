use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn line(meter: Meter, above: u64, service: Option<&str>, nano_per_million: i64) -> PriceLine {
    PriceLine { meter, above, service: service.map(str::to_owned), nano_per_million }
}

#[test]
fn three_dollars_a_million_are_three_thousand_nano_dollars_a_token() {
    let price = Price::new([(Meter::Input, 3_000_000_000), (Meter::Output, 15_000_000_000)]);
    let usage = Usage::default().with(Meter::Input, 1000).with(Meter::Output, 10);
    assert_eq!(price.cost(&usage, None), Some(NanoUsd(3_150_000)));
}

#[test]
fn unknown_is_not_zero() {
    let usage = Usage::default().with(Meter::Input, 1);
    assert_eq!(Price::default().cost(&usage, None), None);
    assert_eq!(Price::default().cost(&Usage::default(), None), None);
    let output_only = Price::new([(Meter::Output, 1_000_000)]);
    assert_eq!(output_only.cost(&usage, None), None);
    assert_eq!(output_only.cost(&Usage::default(), None), Some(NanoUsd::ZERO));
    let free = Price::new([(Meter::Input, 0)]);
    assert_eq!(free.cost(&usage, None), Some(NanoUsd::ZERO));
}

#[test]
fn a_kind_without_a_line_costs_as_its_parent() {
    let price = Price::new([(Meter::Input, 8_000_000), (Meter::CacheWrite, 10_000_000), (Meter::Output, 40_000_000)]);
    let cost = |meter| price.cost(&Usage::default().with(meter, 1), None).unwrap();
    assert_eq!(cost(Meter::CacheRead), NanoUsd(8));
    assert_eq!(cost(Meter::CacheWrite1h), NanoUsd(10));
    assert_eq!(cost(Meter::CacheReadAudio), NanoUsd(8));
    assert_eq!(cost(Meter::Reasoning), NanoUsd(40));
    assert_eq!(price.cost(&Usage::default().with(Meter::Image, 1), None), None);
}

#[test]
fn what_is_said_in_tokens_and_in_units_is_charged_once() {
    let said = Usage::default().with(Meter::InputAudio, 375).with(Meter::Output, 20).with(Meter::Second, 3);
    let cost = |lines: &[(Meter, i64)]| Price::new(lines.iter().copied()).cost(&said, None).map(|cost| cost.0);
    assert_eq!(cost(&[(Meter::Second, 100_000_000)]), Some(300), "by the second");
    assert_eq!(cost(&[(Meter::Input, 1_000_000), (Meter::Output, 2_000_000)]), Some(415), "by the token");
    assert_eq!(cost(&[(Meter::Character, 1_000_000)]), None, "by what was not said");
    assert_eq!(cost(&[(Meter::Input, 1_000_000)]), None, "tokens without a line are unknown where others have one");
    let searched = Usage::default().with(Meter::Second, 1).with(Meter::Query, 1);
    assert_eq!(Price::new([(Meter::Second, 1)]).cost(&searched, None), None, "a search is no measure of anything else");
}

#[test]
fn the_whole_call_is_charged_at_the_tier_that_its_prompt_reaches() {
    let price = Price {
        lines: vec![
            line(Meter::Input, 0, None, 1_000_000),
            line(Meter::Input, 200, None, 2_000_000),
            line(Meter::Output, 0, None, 5_000_000),
            line(Meter::Output, 200, None, 9_000_000),
        ],
    };
    let cost = |input, cached, output| {
        let usage = Usage::default().with(Meter::Input, input).with(Meter::CacheRead, cached);
        price.cost(&usage.with(Meter::Output, output), None).unwrap().0
    };
    assert_eq!(cost(200, 0, 1), 200 + 5);
    assert_eq!(cost(201, 0, 1), 402 + 9);
    // Cached tokens are part of the prompt.
    assert_eq!(cost(100, 101, 1), 402 + 9);
}

#[test]
fn a_service_tier_has_lines_of_its_own_or_the_standard_ones() {
    let price = Price {
        lines: vec![
            line(Meter::Input, 0, None, 4_000_000),
            line(Meter::Input, 0, Some("batch"), 2_000_000),
            line(Meter::Output, 0, None, 8_000_000),
        ],
    };
    let usage = Usage::default().with(Meter::Input, 1).with(Meter::Output, 1);
    assert_eq!(price.cost(&usage, None), Some(NanoUsd(12)));
    assert_eq!(price.cost(&usage, Some("batch")), Some(NanoUsd(10)));
    assert_eq!(price.cost(&usage, Some("unheard of")), Some(NanoUsd(12)));
}

#[test]
fn the_sum_is_rounded_once_and_half_up() {
    let cost = |rate, input, output| {
        let usage = Usage::default().with(Meter::Input, input).with(Meter::Output, output);
        Price::new([(Meter::Input, rate), (Meter::Output, rate)]).cost(&usage, None).unwrap().0
    };
    assert_eq!(cost(499_999, 1, 0), 0);
    assert_eq!(cost(500_000, 1, 0), 1);
    // Rounded line by line this would be 2.
    assert_eq!(cost(500_000, 1, 1), 1);
    assert_eq!(cost(400_000, 1, 1), 1);
}

/// The rate that a meter has, found by walking up its parents, as a plain reading of the rules.
fn rate_of(price: &Price, meter: Meter) -> Option<i64> {
    let mut next = Some(meter);
    while let Some(meter) = next {
        if let Some(line) = price.lines.iter().find(|line| line.meter == meter) {
            return Some(line.nano_per_million);
        }
        next = meter.parent();
    }
    None
}

#[test]
fn a_request_is_charged_once_for_what_was_used_and_not_for_nothing() {
    let price =
        Price::new([(Meter::Input, 1_000_000), (Meter::Output, 2_000_000), (Meter::Request, 12_000_000_000_000)]);
    let used = Usage::default().with(Meter::Input, 3).with(Meter::Output, 5);
    assert_eq!(price.cost(&used, None), Some(NanoUsd(12_000_000 + 13)));
    assert_eq!(price.cost(&used.clone().with(Meter::Request, 2), None), Some(NanoUsd(24_000_000 + 13)));
    let lines = price.lines_of(&used, None).unwrap();
    assert_eq!(lines.last(), Some(&CostLine { meter: Meter::Request, count: 1, nano_per_million: 12_000_000_000_000 }));
    assert_eq!(price.cost(&Usage::default(), None), Some(NanoUsd::ZERO), "what was refused");
    // What else was used must have a price of its own.
    let by_request = Price::new([(Meter::Request, 1)]);
    assert_eq!(by_request.cost(&used, None), None);
}

proptest! {
    /// Cost times a million against the sum of counts times rates: no more than half a nano-dollar apart.
    #[test]
    fn cost_is_within_half_a_nano_dollar_of_the_rational_value(
        rates in vec((select(Meter::ALL), 0..=10_000_000_000_000_i64), 1..8),
        counts in vec((select(Meter::ALL), 0..=2_000_000_u64), 0..8),
    ) {
        let mut price = Price::default();
        for (meter, rate) in rates {
            if price.lines.iter().all(|line| line.meter != meter) {
                price.lines.push(line(meter, 0, None, rate));
            }
        }
        let mut usage = Usage::default();
        for (meter, count) in counts {
            usage.set(meter, count);
        }
        // Tokens and other measures of the same work: the side that has no line is not charged where the other has one.
        let has = |side: fn(Meter) -> bool| price.lines.iter().any(|line| side(line.meter));
        let spared = |meter: Meter| {
            let other_side = if meter.is_measure() { has(Meter::is_token) } else { has(Meter::is_measure) && !has(Meter::is_token) };
            (meter.is_token() || meter.is_measure()) && other_side && rate_of(&price, meter).is_none()
        };
        let charged: Vec<_> = usage.counts().filter(|(meter, _)| !spared(*meter)).collect();
        let exact: Option<i128> = if charged.is_empty() && !usage.is_zero() {
            None
        } else {
            // Whatever has used anything is a request, and one of them unless more are counted.
            let request = (!charged.is_empty() && usage.get(Meter::Request) == 0).then_some(Meter::Request);
            let request = i128::from(request.and_then(|meter| rate_of(&price, meter)).unwrap_or(0));
            let rest: Option<i128> =
                charged.iter().map(|(meter, count)| Some(i128::from(*count) * i128::from(rate_of(&price, *meter)?))).sum();
            rest.map(|rest| rest + request)
        };
        match (price.cost(&usage, None), exact) {
            (None, None) => {}
            (Some(cost), Some(exact)) => {
                let apart = i128::from(cost.0) * 1_000_000 - exact;
                // Half up: at most half above, and less than half below.
                prop_assert!((-499_999..=500_000).contains(&apart), "{cost} for {exact} / 10^6");
            }
            (cost, exact) => prop_assert!(false, "{cost:?} for {exact:?}"),
        }
    }

    /// However large the numbers, an amount comes out, at the end of the range if need be.
    #[test]
    fn no_usage_overflows(rate in 0..=i64::MAX, counts in vec(any::<u64>(), Meter::ALL.len())) {
        let price = Price::new(Meter::ALL.iter().map(|&meter| (meter, rate)));
        let mut usage = Usage::default();
        for (&meter, count) in Meter::ALL.iter().zip(counts) {
            usage.set(meter, count);
        }
        // None that is counted is one.
        usage.set(Meter::Request, usage.get(Meter::Request).max(1));
        let exact: i128 = usage.counts().map(|(_, count)| i128::from(count) * i128::from(rate)).fold(0, i128::saturating_add);
        let cost = price.cost(&usage, None).unwrap();
        prop_assert!(cost == NanoUsd::saturating_from(exact.saturating_add(500_000).div_euclid(1_000_000)));
    }
}
