use std::time::Duration;

use llm_core::{Error, ErrorKind, NanoUsd};

use super::super::{Actual, LimitSpec, ScopeKind};
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

fn cost(nano: i64) -> Estimate {
    Estimate { spend: Some(NanoUsd(nano)), input_tokens: 10, output_tokens: 20 }
}

#[test]
fn all_limits_or_none() {
    let ledger = ledger(&["spend=1/month", "requests=1/minute"]);
    let first = ledger.reserve(NEW_YEAR, &key(), &cost(10)).unwrap();
    ledger.reserve(NEW_YEAR, &key(), &cost(10)).unwrap_err();
    let statuses = ledger.statuses(NEW_YEAR, &Scope::key("k"));
    assert_eq!((statuses[0].used, statuses[0].reserved), (0, 10));
    assert_eq!((statuses[1].used, statuses[1].reserved), (0, 1));
    let settled = first.settle(&Actual::from(cost(7)));
    assert_eq!(settled.overrun, NanoUsd::ZERO);
    assert_eq!(settled.charges.iter().map(|charge| charge.amount).collect::<Vec<_>>(), [7, 1]);
    let statuses = ledger.statuses(NEW_YEAR, &Scope::key("k"));
    assert_eq!((statuses[0].used, statuses[0].reserved), (7, 0));
}

#[test]
fn a_spent_budget_says_so() {
    let ledger = ledger(&["spend=0.000000100/month"]);
    ledger.reserve(NEW_YEAR, &key(), &cost(90)).unwrap().settle(&Actual::from(cost(95)));
    let refusal = ledger.reserve(NEW_YEAR, &key(), &cost(6)).unwrap_err();
    assert!(refusal.is_spend_only());
    assert_eq!(refusal.remaining(), 5);
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(31 * 86_400)));
    let error = Error::from(refusal);
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    insta::assert_snapshot!(error.message(), @"the key's budget of 0.0000001 USD per month is used up: 0.000000005 USD left, the call may use 0.000000006 USD; enough is free in 31 d 0 h");
}

#[test]
fn scopes_models_and_tags_decide_what_applies() {
    let ledger = Ledger::new();
    let one = |scope: Scope, models: &[&str]| {
        let mut spec: LimitSpec = "requests=10/total".parse().unwrap();
        spec.models = models.iter().map(|&model| model.into()).collect();
        let limit = Limit::derived(scope, spec);
        ledger.put(limit.clone()).unwrap();
        limit.id
    };
    let ids: Vec<LimitId> = ScopeKind::ALL.iter().map(|&kind| one(Scope::new(kind, "x"), &[])).collect();
    let narrow = one(Scope::key("x"), &["openai:*"]);
    let used = |id: &LimitId| ledger.status(NEW_YEAR, id).unwrap().used;
    let settle = |subject: &Subject<'_>| {
        ledger.reserve(NEW_YEAR, subject, &cost(1)).unwrap().settle(&Actual::default());
    };
    settle(&Subject { key: "x", models: &["fast"], ..Subject::default() });
    settle(&Subject { key: "y", team: Some("x"), ..Subject::default() });
    settle(&Subject { key: "y", user: Some("x"), organization: Some("x"), ..Subject::default() });
    settle(&Subject { key: "y", end_user: Some("x"), tags: &["x", "z", "x"], ..Subject::default() });
    assert!(ids.iter().all(|id| used(id) == 1));
    assert_eq!(used(&narrow), 0);
    settle(&Subject { key: "x", models: &["fast", "openai:gpt-4o"], ..Subject::default() });
    assert_eq!(used(&narrow), 1);
}

#[test]
fn a_model_without_a_price_is_refused_under_a_spend_limit_only() {
    let unpriced = Estimate { spend: None, ..cost(0) };
    ledger(&["requests=1/minute"]).reserve(NEW_YEAR, &key(), &unpriced).unwrap().cancel();
    let refusal = ledger(&["requests=0/minute", "spend=1/day"]).reserve(NEW_YEAR, &key(), &unpriced).unwrap_err();
    assert!(!refusal.is_spend_only());
    let error = Error::from(refusal);
    assert_eq!(error.kind(), ErrorKind::ModelNotPriced);
    assert_eq!(
        error.message(),
        "the model has no price, so it can't be called under the key's budget of 1 USD per day"
    );
}

#[test]
fn what_turns_out_to_have_no_price_is_charged_at_what_it_held() {
    let ledger = ledger(&["spend=1/day"]);
    let held = ledger.reserve(NEW_YEAR, &key(), &cost(7)).unwrap();
    let settled = held.settle(&Actual { spend: None, input_tokens: 3, output_tokens: 2 });
    assert_eq!((settled.overrun, settled.charges[0].amount), (NanoUsd::ZERO, cost(7).spend.unwrap().0));
}

#[test]
fn the_limit_that_is_used_up_the_longest_is_named() {
    let ledger = ledger(&["requests=1/minute", "requests=1/hour", "concurrency=1"]);
    let held = ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap();
    let error = Error::from(ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(61 * 60)));
    assert_eq!(
        error.message(),
        "the key's limit on requests of 1 per hour is used up: 0 left, the call may use 1; enough is free in 1 h 1 min"
    );
    held.cancel();
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap().cancel();
}

#[test]
fn waiting_as_long_as_is_said_is_enough_and_less_is_not() {
    let ledger = ledger(&["tokens=100/minute"]);
    let tokens = |input_tokens| Estimate { input_tokens, ..Estimate::default() };
    for (at, used) in [(0, 40), (12_345, 30), (30_000, 30)] {
        ledger.reserve(NEW_YEAR + at, &key(), &tokens(used)).unwrap().settle(&Actual::from(tokens(used)));
    }
    let now = NEW_YEAR + 31_500;
    for needed in [1, 40, 41, 70, 71, 100] {
        let refusal = ledger.reserve(now, &key(), &tokens(needed)).unwrap_err();
        let wait = refusal.retry_after().unwrap().as_millis() as i64;
        let probe = Ledger::new();
        probe.put(refusal.limit().clone()).unwrap();
        for (at, used) in [(0, 40), (12_345, 30), (30_000, 30)] {
            probe.seed(now, &refusal.limit().id, (NEW_YEAR + at) / 1000 * 1000, used);
        }
        probe.reserve(now + wait - 1, &key(), &tokens(needed)).unwrap_err();
        probe.reserve(now + wait, &key(), &tokens(needed)).unwrap().cancel();
    }
    let error = Error::from(ledger.reserve(now, &key(), &tokens(101)).unwrap_err());
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, None));
}

#[test]
fn a_free_call_passes_on_a_spent_budget() {
    let ledger = ledger(&["spend=0/total"]);
    ledger.reserve(NEW_YEAR, &key(), &cost(0)).unwrap().cancel();
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap_err();
}

#[test]
fn the_amount_may_change_under_what_is_counted() {
    let ledger = ledger(&["requests=1/day"]);
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap().settle(&Actual::default());
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap_err();
    ledger.put(Limit::derived(Scope::key("k"), "requests=2/day".parse().unwrap())).unwrap();
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap().settle(&Actual::default());
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap_err();
    assert_eq!(ledger.len(), 1);
    // A new limit has not counted anything, and what is held of the old one does not reach it.
    ledger.remove_scope(&Scope::key("k"));
    assert!(ledger.is_empty());
    ledger.put(Limit::derived(Scope::key("k"), "requests=2/day".parse().unwrap())).unwrap();
    assert_eq!(ledger.statuses(NEW_YEAR, &Scope::key("k"))[0].used, 0);
}

#[test]
fn a_limit_that_is_gone_takes_nothing_from_its_successor() {
    let ledger = ledger(&["requests=5/day"]);
    let held = ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap();
    ledger.remove_scope(&Scope::key("k"));
    ledger.put(Limit::derived(Scope::key("k"), "spend=5/day".parse().unwrap())).unwrap();
    assert_eq!(held.settle(&Actual::from(cost(1))).charges, []);
    let status = &ledger.statuses(NEW_YEAR, &Scope::key("k"))[0];
    assert_eq!((status.used, status.reserved), (0, 0));
}

#[test]
fn the_bound_of_the_answer_comes_from_the_limits_that_apply() {
    let ledger = Ledger::new();
    let put = |text: &str, change: &dyn Fn(&mut LimitSpec)| {
        let mut spec: LimitSpec = text.parse().unwrap();
        change(&mut spec);
        ledger.put(Limit::derived(Scope::key("k"), spec)).unwrap();
    };
    assert_eq!(ledger.output_bound(NEW_YEAR, &key()), OutputBound::default());
    put("spend=1/day", &|spec| spec.assume_output = Some(300));
    put("output_tokens=50/day", &|spec| spec.strict = true);
    put("tokens=5000/day", &|spec| spec.assume_output = Some(200));
    ledger.reserve(NEW_YEAR, &key(), &cost(1)).unwrap().settle(&Actual::from(cost(1)));
    let bound = ledger.output_bound(NEW_YEAR, &key());
    assert_eq!(bound, OutputBound { assume_output: Some(300), strict: true, strict_input: false, headroom: Some(30) });
    put("input_tokens=50/day", &|spec| spec.strict = true);
    assert!(ledger.output_bound(NEW_YEAR, &key()).strict_input);
}

#[test]
fn what_an_earlier_process_held_is_held_again_and_settled_in_its_bucket() {
    let before = ledger(&["spend=1/month", "requests=5/minute", "concurrency=1"]);
    let held = before.reserve(NEW_YEAR, &key(), &cost(10)).unwrap();
    let (charges, estimate) = (held.charges(), *held.estimate());
    let after = ledger(&["spend=1/month", "requests=5/minute", "concurrency=1"]);
    // An hour later the minute no longer counts, and nobody is busy with the call.
    let later = NEW_YEAR + 3_600_000;
    let held = after.hold(later, &charges, estimate);
    let now = |ledger: &Ledger| -> Vec<(i64, i64)> {
        ledger.statuses(later, &Scope::key("k")).iter().map(|status| (status.used, status.reserved)).collect()
    };
    assert_eq!(now(&after), [(0, 10), (0, 0), (0, 0)]);
    let settled = held.settle(&Actual::from(cost(7)));
    assert_eq!(now(&after), [(7, 0), (0, 0), (0, 0)]);
    assert_eq!(
        settled.charges.iter().map(|charge| charge.bucket.start).collect::<Vec<_>>(),
        charges.iter().map(|charge| charge.bucket.start).collect::<Vec<_>>()
    );
    // A limit that is no longer there holds nothing.
    after.remove(&charges[0].limit);
    after.hold(later, &charges, estimate).cancel();
}
