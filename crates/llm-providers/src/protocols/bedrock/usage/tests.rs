use super::*;

fn counts(value: Value) -> Vec<(Meter, u64)> {
    let Value::Object(object) = value else { panic!("no object") };
    read(object).counts().collect()
}

#[test]
fn cached_tokens_stand_beside_the_input() {
    let said = json!({
        "inputTokens": 3, "outputTokens": 121, "totalTokens": 2072,
        "cacheReadInputTokens": 1712, "cacheReadInputTokenCount": 1712,
        "cacheWriteInputTokens": 236, "cacheWriteInputTokenCount": 236,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 136}, {"ttl": "1h", "inputTokens": 100}],
    });
    let want = [
        (Meter::Input, 3),
        (Meter::Output, 121),
        (Meter::CacheRead, 1712),
        (Meter::CacheWrite, 136),
        (Meter::CacheWrite1h, 100),
    ];
    assert_eq!(counts(said), want);
}

#[test]
fn either_name_and_either_way_of_counting_will_do() {
    assert_eq!(counts(json!({"cacheWriteInputTokenCount": 9})), [(Meter::CacheWrite, 9)]);
    let details = json!([{"ttl": "1h", "inputTokens": 4}, {"ttl": "2h", "inputTokens": 2}, "odd"]);
    assert_eq!(counts(json!({ "cacheDetails": details })), [(Meter::CacheWrite, 2), (Meter::CacheWrite1h, 4)]);
    // What is written in all counts, whatever its split says.
    let contradiction = json!({"cacheWriteInputTokens": 3, "cacheDetails": [{"ttl": "1h", "inputTokens": 4}]});
    assert_eq!(counts(contradiction), [(Meter::CacheWrite1h, 3)]);
    assert_eq!(counts(json!({"inputTokens": -1, "outputTokens": "2"})), []);
}

#[test]
fn usage_of_another_protocol_adds_up() {
    let usage = Usage::default()
        .with(Meter::Input, 1)
        .with(Meter::InputAudio, 2)
        .with(Meter::CacheRead, 4)
        .with(Meter::CacheWrite1h, 8)
        .with(Meter::Output, 16)
        .with(Meter::Reasoning, 32);
    let want = json!({
        "inputTokens": 3, "outputTokens": 48, "totalTokens": 63, "cacheReadInputTokens": 4,
        "cacheWriteInputTokens": 8, "cacheDetails": [{"ttl": "1h", "inputTokens": 8}],
    });
    assert_eq!(Value::Object(write(&usage)), want);
    let Value::Object(again) = want else { panic!("no object") };
    assert_eq!(read(again).total(), usage.total());
}
