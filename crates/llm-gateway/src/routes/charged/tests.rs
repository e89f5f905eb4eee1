use llm_core::{Meter, Price, Usage};

use super::*;
use crate::record::{CallStatus, Rates};
use crate::routing::Tariff;

fn attempt(price: Price, usage: Usage, service: Option<&str>) -> Attempt {
    let tariff = Tariff { price, source: PriceSource::Catalogue, as_of: Some("2026-11-22".into()) };
    Attempt {
        deployment: "a:b".into(),
        provider: "a".into(),
        status: CallStatus::Ok,
        http_status: None,
        cost_usd: tariff.price.cost(&usage, service),
        rates: Rates::of(&tariff, &usage, service),
        usage,
        estimated: false,
        error: None,
        latency_ms: 1,
    }
}

fn price() -> Price {
    Price::new([(Meter::Input, 150_000_000), (Meter::Output, 600_000_000)])
}

#[test]
fn lines_add_up_to_what_was_charged() {
    let usage = Usage::default().with(Meter::Input, 7).with(Meter::CacheRead, 3).with(Meter::Output, 1);
    let attempt = attempt(price(), usage, None);
    let cost = cost_of(&attempt).unwrap();
    let lines: Vec<_> = cost.lines.iter().map(|line| (&*line.meter, line.quantity, &*line.amount_usd)).collect();
    assert_eq!(lines, [("input", 7, "0.00000105"), ("output", 1, "0.0000006"), ("cache_read", 3, "0.00000045")]);
    assert_eq!((&*cost.lines[0].price_usd, cost.lines[0].per), ("0.15", 1_000_000));
    assert_eq!((&*cost.total_usd, attempt.cost_usd), ("0.0000021", Some(NanoUsd(2_100))));
    assert_eq!(
        (cost.source, cost.as_of.as_deref(), cost.held_to_reservation),
        (PriceSource::Catalogue, Some("2026-11-22"), false)
    );
}

#[test]
fn lines_are_finer_than_what_can_be_charged() {
    let attempt = attempt(Price::new([(Meter::Character, 1)]), Usage::default().with(Meter::Character, 3), None);
    let cost = cost_of(&attempt).unwrap();
    assert_eq!((&*cost.total_usd, attempt.cost_usd), ("0.000000000000003", Some(NanoUsd::ZERO)));
    assert_eq!(decimal(2_500_000_000_000_000), "2.5");
    assert_eq!(decimal(0), "0");
}

#[test]
fn the_tier_is_that_of_the_answer_and_what_is_no_token_is_counted_by_the_piece() {
    let mut price = price();
    price.lines.push(PriceLine {
        meter: Meter::Input,
        above: 0,
        service: Some("flex".into()),
        nano_per_million: 75_000_000,
    });
    price.lines.push(PriceLine { meter: Meter::Query, above: 0, service: None, nano_per_million: 10_000_000_000_000 });
    let usage = Usage::default().with(Meter::Input, 1_000).with(Meter::Query, 2);
    let cost = cost_of(&attempt(price, usage, Some("flex"))).unwrap();
    let shown: Vec<_> = cost.lines.iter().map(|line| (&*line.price_usd, line.per, &*line.amount_usd)).collect();
    assert_eq!(shown, [("0.075", 1_000_000, "0.000075"), ("0.01", 1, "0.02")]);
    assert_eq!(cost.service.as_deref(), Some("flex"));
}

#[test]
fn an_estimate_that_was_held_to_its_reservation_says_so_and_what_has_no_price_has_no_lines() {
    let usage = Usage::default().with(Meter::Input, 1_000);
    let mut held = attempt(price(), usage.clone(), None);
    held.cost_usd = Some(NanoUsd(1));
    assert!(cost_of(&held).unwrap().held_to_reservation);
    assert_eq!(cost_of(&attempt(Price::default(), usage, None)), None);
}

#[test]
fn a_request_has_a_line_though_no_provider_counts_it() {
    let price = Price::new([(Meter::Input, 0), (Meter::Output, 0), (Meter::Request, 12_000_000_000_000)]);
    let attempt = attempt(price, Usage::default().with(Meter::Input, 7).with(Meter::Output, 1), None);
    assert_eq!(attempt.cost_usd, Some(NanoUsd(12_000_000)));
    let cost = cost_of(&attempt).unwrap();
    assert_eq!((cost.total_usd.as_str(), cost.held_to_reservation), ("0.012", false));
    let line = cost.lines.last().unwrap();
    assert_eq!((line.meter.as_str(), line.quantity, line.amount_usd.as_str()), ("request", 1, "0.012"));
}
