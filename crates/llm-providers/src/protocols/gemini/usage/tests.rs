use llm_core::{Meter, Usage};
use serde_json::{Value, json};

use super::{read, write};

fn counts(object: &Value) -> Vec<(Meter, u64)> {
    read(object.as_object().unwrap().clone()).unwrap().counts().collect()
}

#[test]
fn no_token_is_counted_twice() {
    let object = json!({
        "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 30, "thoughtsTokenCount": 9,
        "toolUsePromptTokenCount": 5,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 25}, {"modality": 2, "tokenCount": 20}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}, {"modality": "IMAGE", "tokenCount": 8}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 12}],
    });
    let want = [
        (Meter::Input, 38),
        (Meter::Output, 18),
        (Meter::CacheRead, 30),
        (Meter::Reasoning, 9),
        (Meter::InputAudio, 15),
        (Meter::CacheReadAudio, 10),
        (Meter::InputImage, 12),
        (Meter::OutputImage, 12),
    ];
    assert_eq!(counts(&object), want);
    assert_eq!(want.iter().map(|(_, count)| count).sum::<u64>(), 100 + 5 + 30 + 9);
}

#[test]
fn what_says_no_count_is_no_usage() {
    let object = json!({"trafficType": "PROVISIONED_THROUGHPUT"});
    assert!(read(object.as_object().unwrap().clone()).is_err());
}

#[test]
fn counts_of_another_protocol_add_up() {
    let usage = Usage::default().with(Meter::Input, 12).with(Meter::CacheRead, 8).with(Meter::Output, 7);
    let object = write(&usage.with(Meter::Reasoning, 3));
    let want = json!({
        "promptTokenCount": 20, "candidatesTokenCount": 7, "totalTokenCount": 30, "thoughtsTokenCount": 3,
        "cachedContentTokenCount": 8,
    });
    assert_eq!(Value::Object(object), want);
}
