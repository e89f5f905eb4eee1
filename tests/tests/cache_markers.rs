//! Cache markers of Anthropic's callers before providers of every other protocol: hints that change no answer, so they
//! are left out where they can't be said, and reported.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::collections::BTreeMap;

use llm_core::chat::{ChatRequest, Part, UnsupportedPolicy};
use llm_core::codec::{CacheMarkers, Quirks, RequestHead, Target};
use llm_core::{ErrorKind, Protocol};
use llm_providers::protocols;
use serde_json::{Value, json};

const OTHERS: &[Protocol] = &[
    Protocol::OpenAiChat,
    Protocol::OpenAiResponses,
    Protocol::Gemini,
    Protocol::Cohere,
    Protocol::Mistral,
    Protocol::Ollama,
];

fn target<'a>(quirks: &'a Quirks, variables: &'a BTreeMap<String, String>) -> Target<'a> {
    Target {
        provider: "p",
        model: "m",
        version: None,
        quirks,
        variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    }
}

/// A request as agents send it, with markers wherever Anthropic takes one.
fn of_an_agent() -> ChatRequest {
    let marker = json!({"type": "ephemeral", "ttl": "1h"});
    let body = json!({
        "model": "m",
        "max_tokens": 10,
        "cache_control": marker,
        "system": [{"type": "text", "text": "be brief", "cache_control": marker}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": marker}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": marker}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "well", "cache_control": marker},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {}, "cache_control": marker},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "done", "cache_control": marker},
            ]},
        ],
    });
    let anthropic = protocols::chat(Protocol::Anthropic).unwrap();
    anthropic.decode_request(&RequestHead::default(), body.to_string().as_bytes()).unwrap().0
}

#[test]
fn markers_of_anthropic_callers_are_left_out_and_reported() {
    let (request, variables) = (of_an_agent(), BTreeMap::new());
    assert_eq!(request.unsupported, UnsupportedPolicy::Refuse);
    for protocol in OTHERS {
        for cache_markers in [CacheMarkers::AsGiven, CacheMarkers::None] {
            let quirks = Quirks { cache_markers, ..Quirks::default() };
            let codec = protocols::chat(*protocol).unwrap();
            let encoded = codec.encode_request(&request, &target(&quirks, &variables)).unwrap();
            assert_eq!(encoded.dropped, ["cache_control"], "{protocol}");
            let body = String::from_utf8(encoded.body.to_vec()).unwrap();
            assert!(body.contains("be brief") && body.contains("well") && body.contains("done"), "{protocol}: {body}");
            assert!(!body.contains("ephemeral"), "{protocol}: {body}");
        }
    }
}

#[test]
fn a_marker_that_can_be_said_without_its_time_says_which_half_was_left_out() {
    let quirks = Quirks { cache_markers: CacheMarkers::Breakpoint, ..Quirks::default() };
    let codec = protocols::chat(Protocol::OpenAiChat).unwrap();
    let encoded = codec.encode_request(&of_an_agent(), &target(&quirks, &BTreeMap::new())).unwrap();
    let mut dropped = encoded.dropped;
    dropped.sort();
    assert_eq!(dropped, ["cache_control", "cache_control.ttl"]);
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    let marker = json!({"mode": "explicit"});
    // On parts of what is said to the model, and nowhere else.
    for place in [0, 1, 3] {
        assert_eq!(body["messages"][place]["content"][0]["prompt_cache_breakpoint"], marker, "{body}");
    }
    assert_eq!(body.to_string().matches("prompt_cache_breakpoint").count(), 3, "{body}");
}

/// In a program's own request a marker is a parameter like any other, and law 2 holds.
#[test]
fn a_marker_in_our_own_words_is_refused_by_name() {
    let request = ChatRequest::new("p:m").user_parts(vec![Part::text("go").cached()]);
    for protocol in OTHERS {
        let quirks = Quirks::default();
        let codec = protocols::chat(*protocol).unwrap();
        let error = codec.encode_request(&request, &target(&quirks, &BTreeMap::new())).unwrap_err();
        assert_eq!(
            (error.kind(), error.param()),
            (ErrorKind::UnsupportedParameter, Some("cache_control")),
            "{protocol}"
        );
    }
}
