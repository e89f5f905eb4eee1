use llm_core::{Error, ErrorKind, NanoUsd};

use super::super::Actual;
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
    insta::assert_snapshot!(error.message(), @"the key's budget of 0.0000001 USD per month is used up: 0.000000005 USD left, the call may use 0.000000006 USD");
}
