use llm_core::{Meter, Price};
use llm_providers::{Provider, Timeouts};

use super::*;
use crate::routing::{Overrides, Tariff};

fn deployment(model: &str, weight: u32, price: i64) -> Arc<Deployment> {
    let provider = Arc::new(Provider::sandbox().unwrap());
    let mut deployment = Deployment::of(provider, model, Timeouts::default(), &Overrides::default());
    deployment.weight = weight;
    deployment.own = Arc::new(Tariff::of_file(Price::new([(Meter::Input, price), (Meter::Output, price)])));
    Arc::new(deployment)
}

fn order(deployments: &[Arc<Deployment>], strategy: Strategy, now_ms: i64) -> String {
    ordered(deployments, strategy, now_ms).iter().map(|deployment| deployment.model.as_str()).collect()
}

#[test]
fn each_strategy_orders_by_its_own_measure() {
    let all = [deployment("a", 1, 30), deployment("b", 1, 10), deployment("c", 1, 20)];
    assert_eq!(order(&all, Strategy::Priority, 0), "abc");
    assert_eq!(order(&all, Strategy::Cost, 0), "bca");
    all[0].health.begin();
    all[1].health.begin();
    all[1].health.begin();
    assert_eq!(order(&all, Strategy::LeastBusy, 0), "cab");
    all[0].health.answered(10);
    all[1].health.answered(5);
    all[2].health.answered(20);
    assert_eq!(order(&all, Strategy::Latency, 0), "bac");
    all[1].health.served(100, 60_000);
    assert_eq!(order(&all, Strategy::Usage, 60_000), "acb");
    assert_eq!(order(&all, Strategy::Usage, 120_000), "abc");
}

#[test]
fn a_deployment_that_keeps_failing_is_asked_last_for_a_while() {
    let all = [deployment("a", 1, 1), deployment("b", 1, 1)];
    for _ in 0..3 {
        all[0].health.failed(1000);
    }
    assert_eq!(order(&all, Strategy::Priority, 1001), "ba");
    assert_eq!(order(&all, Strategy::Priority, 31_001), "ab");
}

#[test]
fn calls_are_spread_by_weight_and_weight_zero_comes_last() {
    let all = [deployment("a", 3, 1), deployment("b", 1, 1), deployment("z", 0, 1)];
    let mut first_is_a = 0;
    for _ in 0..4000 {
        let order = order(&all, Strategy::Weighted, 0);
        assert!(order.ends_with('z'), "{order}");
        first_is_a += u32::from(order.starts_with('a'));
    }
    // Three quarters of 4,000; ten standard deviations are 270.
    assert!((2700..3300).contains(&first_is_a), "{first_is_a}");
}
