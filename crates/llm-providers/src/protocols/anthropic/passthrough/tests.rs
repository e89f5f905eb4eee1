use bytes::Bytes;
use llm_core::codec::{Edits, Frame, Passthrough, RequestHead, Skim, Verdict};
use llm_core::{ErrorKind, Meter};
use serde_json::{Value, json};

use super::Anthropic;

fn skim(body: &Value) -> llm_core::Result<Skim> {
    Anthropic.skim(&RequestHead::default(), body.to_string().as_bytes())
}

fn minimal() -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "four"}]})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = minimal();
    body[name] = value;
    body
}

#[test]
fn a_request_is_counted() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string", "maxLength": 80}}});
    let input = json!({"city": "Oslo", "days": [1, -2, true, null]});
    let body = json!({
        "messages": [
            {"content": [
                {"text": "€uro", "type": "text", "cache_control": {"type": "ephemeral"}},
                {"source": {"data": "AAAAAAAA", "media_type": "image/png", "type": "base64"}, "type": "image"},
                {"type": "document", "title": "ab", "source": {"data": "plain", "type": "text", "media_type": "text/plain"}},
            ], "role": "user"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": input},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sun"}]}]},
        ],
        "system": [{"type": "text", "text": "be brief"}],
        "tools": [{"name": "weather", "description": "tells it", "input_schema": schema}],
        "metadata": {"user_id": "u-1"},
        "service_tier": "auto",
        "max_tokens": 100,
        "stream": true,
        "model": "claude-x",
    });
    let text = "€uro".len()
        + "ab".len()
        + "plain".len()
        + "hm".len()
        + "sig".len()
        + "weather".len()
        + input.to_string().len()
        + "sun".len()
        + "be brief".len()
        + "weather".len()
        + "tells it".len()
        + schema.to_string().len();
    let skim = skim(&body).unwrap();
    let json_commas = skim.text_bytes - text as u64;
    // A negative number counts as the longest there is, and there is a comma too many for each list and object: a bound
    // may be above, never below.
    assert!(json_commas <= 30, "{json_commas} bytes too many");
    assert_eq!(
        Skim { text_bytes: 0, ..skim },
        Skim {
            model: "claude-x".to_owned(),
            stream: true,
            include_usage: true,
            max_tokens: Some(100),
            choices: 1,
            text_bytes: 0,
            messages: 3,
            tools: 1,
            media: 2,
            unbounded: false,
            user: Some("u-1".to_owned()),
            service_tier: Some("auto".to_owned()),
            ..Skim::default()
        }
    );
}

#[test]
fn what_has_no_bound_is_said() {
    assert!(!skim(&minimal()).unwrap().unbounded);
    assert!(!skim(&with("tools", json!([{"type": "custom", "name": "f"}]))).unwrap().unbounded);
    assert!(!skim(&with("container", Value::Null)).unwrap().unbounded);
    // Agents ask for it in every call, and a prompt that is cleared is shorter than the one that was sent.
    let cleared = json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]});
    assert!(!skim(&with("context_management", cleared)).unwrap().unbounded);
    for body in [
        with("tools", json!([{"type": "web_search_20250305", "name": "web_search"}])),
        with("mcp_servers", json!([{"type": "url", "url": "https://mcp.example", "name": "x"}])),
        with("container", json!("container_1")),
        with(
            "context_management",
            json!({"edits": [{"type": "clear_thinking_20251015"}, {"type": "compact_20260112"}]}),
        ),
        with("context_management", json!({"edits": {"type": "clear_thinking_20251015"}})),
        with("context_management", json!("compact")),
        with(
            "messages",
            json!([{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]),
        ),
        with("messages", json!([{"role": "user", "content": [{"type": "container_upload", "file_id": "file_1"}]}])),
    ] {
        assert!(skim(&body).unwrap().unbounded, "{body}");
    }
}

/// The SDKs' runners of tools go on without a thread where an error says so in these words.
#[test]
fn threads_are_refused_in_the_words_that_sdks_know() {
    assert!(skim(&with("thread", Value::Null)).is_ok());
    for thread in [json!({"type": "create"}), json!({"type": "continue", "previous_message_id": "msg_1"})] {
        let error = skim(&with("thread", thread)).unwrap_err();
        let body: Value = crate::protocols::anthropic::error::body(&error);
        assert_eq!(body["error"]["type"], "invalid_request_error");
        let details = json!({"error_code": "thread_unsupported_request", "unsupported": ["thread"]});
        assert_eq!(body["error"]["details"], details);
    }
}

#[test]
fn what_is_wrong_is_said_by_name() {
    for (name, value, message) in [
        ("model", Value::Null, "missing required parameter `model`"),
        ("model", json!(5), "`model` must be a string, not a number"),
        ("messages", Value::Null, "missing required parameter `messages`"),
        ("messages", json!("hi"), "`messages` must be a list, not a string"),
        ("messages", json!({}), "`messages` must be a list, not an object"),
        ("max_tokens", Value::Null, "missing required parameter `max_tokens`"),
        ("max_tokens", json!("9"), "`max_tokens` must be a whole number that is not negative, not a string"),
        ("max_tokens", json!(-1), "`max_tokens` must be a whole number that is not negative, not a negative number"),
        ("stream", json!("yes"), "`stream` must be true or false, not a string"),
    ] {
        let error = skim(&with(name, value)).unwrap_err();
        assert_eq!((error.kind(), error.message(), error.param()), (ErrorKind::InvalidRequest, message, Some(name)));
    }
    for body in ["", "null", "[]", "{", "{\"model\":\"m\"}}", "{\"messages\":[{\"content\":tru}]}"] {
        let error = Anthropic.skim(&RequestHead::default(), body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
    }
    let twice = br#"{"model":"a","max_tokens":1,"messages":[],"mod\u0065l":"b"}"#;
    assert_eq!(Anthropic.skim(&RequestHead::default(), twice).unwrap_err().param(), Some("model"));
    // Odd values further down are the provider's to refuse, and never a reason to count nothing.
    let odd =
        with("messages", json!([7, {"content": 5}, {"content": [null, 3, {"source": []}, {"text": {"a": "bcd"}}]}]));
    assert_eq!(skim(&odd).unwrap().messages, 3);
    for name in ["system", "tools", "metadata", "output_config", "service_tier"] {
        for value in
            [json!(null), json!(1), json!(-1.5), json!(true), json!("x"), json!(["x", [1]]), json!({"a": {"b": []}})]
        {
            skim(&with(name, value)).unwrap();
        }
    }
}

#[test]
fn edits_touch_nothing_else() {
    let body = Bytes::from_static(b"{ \"max_tokens\": 4096,\"x\":1.10, \"model\" : \"claude\",\n \"messages\":[]}");
    let edit = |edits: Edits| String::from_utf8(Anthropic.edit(&body, &edits).unwrap().to_vec()).unwrap();
    let original = std::str::from_utf8(&body).unwrap();
    assert_eq!(edit(Edits { ask_usage: true, ..Edits::default() }), original);
    let model = Edits { model: Some("claude \"x\"".to_owned()), ..Edits::default() };
    assert_eq!(edit(model), original.replace("\"claude\"", "\"claude \\\"x\\\"\""));
    let cap = |cap| Edits { cap_output: Some(cap), ..Edits::default() };
    assert_eq!(edit(cap(100)), original.replace("4096", "100"));
    assert_eq!(edit(cap(5000)), original);
    let missing = Anthropic.edit(&Bytes::from_static(b"{\"model\":\"m\"}"), &cap(7)).unwrap();
    assert_eq!(missing, "{\"model\":\"m\",\"max_tokens\":7}");
}

#[test]
fn a_whole_answer_is_observed() {
    let usage =
        json!({"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 3, "service_tier": "priority"});
    let body = json!({"type": "message", "content": [{"type": "text", "text": "x"}], "usage": usage});
    let observed = Anthropic.observe(body.to_string().as_bytes());
    let counts: Vec<_> = observed.usage.unwrap().counts().collect();
    assert_eq!(counts, [(Meter::Input, 5), (Meter::Output, 7), (Meter::CacheRead, 3)]);
    assert!(observed.complete);
    assert_eq!(observed.service_tier.as_deref(), Some("priority"));
    let error = Anthropic.observe(br#"{"type":"error","error":{"type":"api_error","message":"broken"}}"#);
    assert_eq!((error.complete, error.error.as_deref()), (false, Some("broken")));
    assert!(!Anthropic.observe(b"<html>").complete);
    // What stands there last is what every reader goes by.
    let twice = br#"{"type":"message","usage":"none","usage":{"input_tokens":1,"output_tokens":2}}"#;
    assert_eq!(Anthropic.observe(twice).usage.unwrap().total(), 3);
}

#[test]
fn a_stream_is_observed() {
    for named in [true, false] {
        let mut watch = Anthropic.observe_stream(true);
        for (event, data) in [
            (
                "message_start",
                r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1,"service_tier":"standard"}}}"#,
            ),
            ("ping", r#"{"type":"ping"}"#),
            (
                "content_block_start",
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            ),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
            ),
            (
                "content_block_delta",
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
            ),
            (
                "message_delta",
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12}}"#,
            ),
        ] {
            let frame = Frame { event: if named { event } else { "" }, data: data.as_bytes(), is_error: false };
            assert_eq!(watch.frame(&frame), Verdict::Forward);
        }
        assert!(!watch.observed().complete);
        watch.frame(&Frame { event: "message_stop", data: br#"{"type":"message_stop"}"#, is_error: false });
        let observed = watch.observed();
        let counts: Vec<_> = observed.usage.as_ref().unwrap().counts().collect();
        assert_eq!(counts, [(Meter::Input, 9), (Meter::Output, 12)]);
        assert_eq!((observed.complete, observed.content_chunks), (true, 2));
        assert_eq!(observed.service_tier.as_deref(), Some("standard"));
    }
    let mut watch = Anthropic.observe_stream(false);
    watch.frame(&Frame { event: "error", data: br#"{"type":"error","error":{"message":"busy"}}"#, is_error: false });
    assert_eq!((watch.observed().complete, watch.observed().error.as_deref()), (false, Some("busy")));
}
