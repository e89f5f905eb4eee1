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

/// What agents put into every request, and what changes no answer, keeps them from no provider; it is said that it was
/// left out.
#[test]
fn what_agents_say_unasked_is_left_out_and_told() {
    let theirs = native(json!({"client_metadata": {"session": "1"}, "prompt_cache_key": "k",
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}}));
    let mut unsupported = Unsupported::new(UnsupportedPolicy::Refuse, "p");
    unsupported.foreign(&theirs, Protocol::Ollama).unwrap();
    assert_eq!(unsupported.into_dropped(), ["client_metadata", "prompt_cache_key", "context_management"]);
}
