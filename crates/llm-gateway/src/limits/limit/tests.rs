use super::*;

#[test]
fn derived_ids_tell_limits_apart_that_count_apart() {
    let id = |scope: &Scope, spec: &LimitSpec| LimitId::derived(scope, spec).to_string();
    let (key, spec) = (Scope::key("k"), LimitSpec::new(LimitMeter::Spend, Window::Month, 1));
    assert_eq!(id(&key, &spec), "key:k:spend/month");
    let dearer = LimitSpec { amount: 2, ..spec.clone() };
    assert_eq!(id(&key, &dearer), id(&key, &spec));
    let others = [
        id(&Scope::new(ScopeKind::Tag, "k"), &spec),
        id(&key, &LimitSpec { window: Window::Day, ..spec.clone() }),
        id(&key, &LimitSpec { models: vec!["fast".into()], ..spec.clone() }),
        id(&key, &LimitSpec { tz: Some(Zone(TimeZone::UTC)), ..spec.clone() }),
    ];
    for other in others {
        assert_ne!(other, id(&key, &spec));
    }
}
