use super::*;
use crate::limits::{Actual, Estimate, ScopeKind};
use crate::record::samples::NEW_YEAR;

const ID: &str = "limit_0";

fn ledger(kind: ScopeKind, spec: &str) -> Ledger {
    let ledger = Ledger::new();
    put(&ledger, kind, spec);
    ledger
}

fn put(ledger: &Ledger, kind: ScopeKind, spec: &str) {
    let (id, spec) = (LimitId::new(ID), spec.parse().unwrap());
    ledger.put(Limit { id, scope: Scope::new(kind, "*"), spec }).unwrap();
}

fn end_user(id: &str) -> Subject<'_> {
    Subject { key: "k", end_user: Some(id), ..Subject::default() }
}

fn call(ledger: &Ledger, subject: &Subject<'_>) -> Option<Vec<(String, i64)>> {
    let settled = ledger.reserve(NEW_YEAR, subject, &Estimate::default()).ok()?.settle(&Actual::default());
    Some(settled.charges.into_iter().map(|charge| (charge.limit.to_string(), charge.amount)).collect())
}

#[test]
fn each_end_user_has_its_own() {
    let ledger = ledger(ScopeKind::EndUser, "requests=1/day");
    for id in ["ada", "bob", "*", "a/b"] {
        assert_eq!(call(&ledger, &end_user(id)), Some(vec![(format!("{ID}/{id}"), 1)]));
        assert_eq!(call(&ledger, &end_user(id)), None, "{id}");
    }
    assert_eq!(call(&ledger, &Subject { key: "k", ..Subject::default() }), Some(vec![]));
    assert_eq!(ledger.len(), 1);
    // A change of the limit holds for all of them, and none forgets what it has used.
    put(&ledger, ScopeKind::EndUser, "requests=2/day");
    assert!(call(&ledger, &end_user("ada")).is_some() && call(&ledger, &end_user("ada")).is_none());
    assert!(ledger.remove(&LimitId::new(ID)));
    assert_eq!(call(&ledger, &end_user("ada")), Some(vec![]));
}

#[test]
fn a_limit_on_each_tag_counts_every_tag_of_a_call() {
    let ledger = ledger(ScopeKind::Tag, "requests=1/day");
    let with = |tags: &[&str]| call(&ledger, &Subject { key: "k", tags, ..Subject::default() }).is_some();
    assert!(with(&["a", "b", "a"]));
    assert!(!with(&["c", "b"]), "one of them is used up, so nothing is taken from the other");
    assert!(with(&["c"]));
}

#[test]
fn who_is_idle_leaves_and_what_it_used_comes_back() {
    let ledger = ledger(ScopeKind::EndUser, "requests=3/day");
    let id = LimitId::new(format!("{ID}/ada"));
    let (ada, bob) = (end_user("ada"), end_user("bob"));
    assert_eq!(ledger.absent(NEW_YEAR, &ada), std::slice::from_ref(&id));
    ledger.restore(NEW_YEAR, &id, &[]);
    assert!(ledger.absent(NEW_YEAR, &ada).is_empty());
    call(&ledger, &ada).unwrap();
    let held = ledger.reserve(NEW_YEAR, &bob, &Estimate::default()).unwrap();
    assert_eq!((ledger.sweep(NEW_YEAR), ledger.sweep(NEW_YEAR)), (2, 1), "who is in the middle of a call stays");
    drop(held);
    assert_eq!((ledger.sweep(NEW_YEAR), ledger.sweep(NEW_YEAR)), (1, 0));

    // The database says what it had used; a second answer, which came late, changes nothing.
    assert_eq!(ledger.absent(NEW_YEAR, &ada), std::slice::from_ref(&id));
    ledger.restore(NEW_YEAR, &id, &[(NEW_YEAR, 2, true)]);
    ledger.restore(NEW_YEAR, &id, &[(NEW_YEAR, 2, true)]);
    assert!(call(&ledger, &ada).is_some() && call(&ledger, &ada).is_none());
    ledger.restore(NEW_YEAR, &LimitId::new("limit_gone/ada"), &[(NEW_YEAR, 2, true)]);
}

#[test]
fn a_minute_that_has_passed_needs_no_look() {
    let ledger = ledger(ScopeKind::EndUser, "requests=1/minute");
    assert_eq!(ledger.absent(NEW_YEAR, &end_user("ada")).len(), 1, "an earlier process may have counted");
    assert!(ledger.absent(NEW_YEAR + MINUTE, &end_user("ada")).is_empty());
}
