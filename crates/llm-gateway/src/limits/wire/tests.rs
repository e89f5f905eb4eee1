use serde_json::{Value, json};

use super::super::{Ledger, Limit, LimitDraft, LimitSpec, Scope};
use crate::record::samples::NEW_YEAR;

fn spec(value: Value) -> Result<LimitSpec, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn the_forms_of_the_documentation_are_read_and_written() {
    for json in [
        json!({"meter": "spend", "window": "month", "amount": "25"}),
        json!({"meter": "requests", "window": "minute", "amount": 60}),
        json!({"models": ["openai:*"], "meter": "spend", "window": "day", "amount": "0.5", "tz": "UTC", "strict": true,
               "assume_output": 500, "notify_at": [80, 100], "fail": "open"}),
    ] {
        let read = spec(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), json);
    }
    assert_eq!(spec(json!({"meter": "concurrency", "amount": 5})).unwrap(), "concurrency=5".parse().unwrap());
    assert_eq!(
        spec(json!({"meter": "spend", "window": "month", "amount": "25.00"})).unwrap(),
        "spend=25/month".parse().unwrap()
    );
    let draft = json!({"scope": {"kind": "team", "id": "t"}, "meter": "spend", "window": "month", "amount": "25"});
    let read: LimitDraft = serde_json::from_value(draft.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), draft);
    let limit =
        json!({"id": "l", "scope": {"kind": "tag", "id": "t"}, "meter": "tokens", "window": "24h", "amount": 1});
    let read: Limit = serde_json::from_value(limit.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), limit);
}

#[test]
fn what_is_wrong_is_named() {
    let error = |value| spec(value).unwrap_err();
    insta::assert_snapshot!(error(json!({"meter": "spend", "window": "month", "amount": 25})), @r#"`amount` of `spend` is a decimal string of US dollars such as "25.00""#);
    insta::assert_snapshot!(error(json!({"meter": "spend", "window": "month", "amount": "lots"})), @"`amount` is not an amount in US dollars such as `25.00` (digits, at most 9 of them behind the point)");
    insta::assert_snapshot!(error(json!({"meter": "requests", "window": "minute", "amount": "60"})), @"`amount` of `requests` is a whole number such as 60");
    insta::assert_snapshot!(error(json!({"meter": "requests", "window": "minute", "amount": 1.5})), @"`amount` of `requests` is a whole number such as 60");
    insta::assert_snapshot!(error(json!({"meter": "requests", "window": "minute", "amount": -1})), @"`amount` can't be negative");
    insta::assert_snapshot!(error(json!({"meter": "money", "window": "minute", "amount": 1})), @"unknown meter `money`; it is one of `spend`, `tokens`, `input_tokens`, `output_tokens`, `requests`, `concurrency`");
    insta::assert_snapshot!(error(json!({"meter": "requests", "amount": 1})), @"a limit on `requests` needs a window: one of `minute`, `hour`, `24h`, `day`, `week`, `month`, `total`");
    insta::assert_snapshot!(error(json!({"meter": "concurrency", "window": "day", "amount": 1})), @"`concurrency` has no window `day`; leave `window` out");
    insta::assert_snapshot!(error(json!({"meter": "requests", "window": "hour", "amount": 1, "tz": "UTC"})), @"`tz` has no effect on the window `hour`; use `day`, `week` or `month`");
    insta::assert_snapshot!(error(json!({"meter": "requests", "window": "day", "amount": 1, "tz": "Mars/Olympus"})), @"unknown time zone `Mars/Olympus`");
    insta::assert_snapshot!(error(json!({"meter": "requests", "window": "day", "amount": 1, "assume_output": 5})), @"`assume_output` has no effect on `requests`");
    insta::assert_snapshot!(error(json!({"meter": "tokens", "window": "day", "amount": 1, "assume_output": 0})), @"`assume_output` can't be 0");
    insta::assert_snapshot!(error(json!({"meter": "tokens", "window": "day", "amount": 1, "notify_at": 101})), @"`notify_at` takes percentages from 1 to 100");
    insta::assert_snapshot!(error(json!({"meter": "tokens", "window": "day", "amount": 1, "color": 1})), @"unknown field `color`, expected one of `id`, `scope`, `meter`, `window`, `amount`, `models`, `tz`, `strict`, `assume_output`, `notify_at`, `fail`");
    insta::assert_snapshot!(error(json!({"meter": "tokens", "window": "day", "amount": 1, "scope": {"kind": "key", "id": "k"}})), @"`id` and `scope` can't be set here; they follow from where the limit stands");
}

#[test]
fn a_status_is_the_limit_and_what_it_has_counted() {
    let ledger = Ledger::new();
    let limit = Limit::derived(Scope::key("k"), "spend=25/month".parse().unwrap());
    ledger.put(limit.clone()).unwrap();
    ledger.seed(NEW_YEAR, &limit.id, NEW_YEAR, 1_500_000_000);
    insta::assert_json_snapshot!(ledger.status(NEW_YEAR, &limit.id).unwrap());
}
