use serde_json::{Value, json};

use super::*;

fn native(members: Value) -> Native {
    Native::new(Protocol::OpenAiChat, members.as_object().cloned().unwrap())
}

#[test]
fn members_of_another_protocol_are_refused_by_name() {
    let theirs = native(json!({"stop": "", "store": false, "logit_bias": {"50": -1}}));
    let error = Unsupported::new(UnsupportedPolicy::Refuse, "p").foreign(&theirs, Protocol::Ollama).unwrap_err();
    assert_eq!((error.kind(), error.param()), (crate::ErrorKind::UnsupportedParameter, Some("logit_bias")));
    let mut lenient = Unsupported::new(UnsupportedPolicy::Drop, "p");
    lenient.foreign(&theirs, Protocol::Ollama).unwrap();
    assert_eq!(lenient.into_dropped(), ["logit_bias"]);
}

#[test]
fn what_says_nothing_and_what_is_at_home_passes() {
    let shapes = native(json!({"stop": [], "max_completion_tokens": 0, "user": null, "response_format": {"type": ""},
        "stream": true, "stream_options": {"include_usage": true}}));
    Unsupported::new(UnsupportedPolicy::Refuse, "p").foreign(&shapes, Protocol::Ollama).unwrap();
    let own = native(json!({"logit_bias": {"50": -1}}));
    Unsupported::new(UnsupportedPolicy::Refuse, "p").foreign(&own, Protocol::OpenAiChat).unwrap();
    Unsupported::new(UnsupportedPolicy::Refuse, "p").foreign(&Native::NONE, Protocol::OpenAiChat).unwrap();
}
