use llm_core::codec::{Frame, Stored};
use llm_core::{ErrorKind, Meter};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn look(body: &Value) -> Skim {
    skim::skim(body.to_string().as_bytes()).unwrap()
}

#[test]
fn what_routing_and_limits_need_is_seen() {
    let seen = look(&json!({
        "model": "fast", "instructions": "four", "stream": true, "max_output_tokens": 9, "user": "u", "service_tier": "flex",
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "four"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAAAAAAAA"}
            ]},
            {"type": "function_call_output", "call_id": "c", "output": "four"}
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    }));
    assert_eq!((seen.model.as_str(), seen.stream, seen.include_usage, seen.choices), ("fast", true, true, 1));
    assert_eq!(
        (seen.max_tokens, seen.user.as_deref(), seen.service_tier.as_deref()),
        (Some(9), Some("u"), Some("flex"))
    );
    assert_eq!((seen.messages, seen.tools, seen.media, seen.unbounded), (2, 1, 1, false));
    assert!((12..200).contains(&seen.text_bytes), "{}", seen.text_bytes);
    assert!(seen.stored.is_empty() && !seen.background);
}

#[test]
fn what_has_no_bound_is_seen() {
    for (member, value) in [
        ("tools", json!([{"type": "web_search"}])),
        ("previous_response_id", json!("resp_1")),
        ("prompt", json!({"id": "p"})),
        ("input", json!([{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}])),
    ] {
        let mut body = json!({"model": "m", "input": "x"});
        body[member] = value;
        assert!(look(&body).unbounded, "{body}");
    }
}

/// Codex groups its tools, and offers some as an item of the conversation.
#[test]
fn a_group_of_tools_is_what_it_holds() {
    let group = |tools: Value| json!({"type": "namespace", "name": "agents", "tools": tools});
    let later = |tools: Value| json!({"type": "additional_tools", "role": "developer", "tools": tools});
    let function = json!({"type": "function", "name": "f", "parameters": {"properties": {"container": {}}}});
    let hosted = json!({"type": "code_interpreter", "container": "cntr_1"});
    for (tools, item, is_hosted) in [
        (json!([group(json!([function, {"type": "custom", "name": "c"}]))]), later(json!([])), false),
        (json!([]), later(json!([function, group(json!([function]))])), false),
        (json!([group(json!([function, hosted]))]), later(json!([])), true),
        (json!([]), later(json!([function, group(json!([hosted]))])), true),
    ] {
        let seen = look(&json!({"model": "m", "input": [{"role": "user", "content": "x"}, item], "tools": tools}));
        let named: Vec<&str> = seen.stored.iter().map(|stored| stored.id.as_str()).collect();
        assert_eq!((seen.unbounded, named.as_slice()), (is_hosted, if is_hosted { &["cntr_1"][..] } else { &[] }));
        assert!(seen.tools >= 2, "{}", seen.tools);
    }
}

#[test]
fn what_a_provider_stores_is_named() {
    let seen = look(&json!({
        "model": "m", "previous_response_id": "resp_1", "conversation": {"id": "conv_1"}, "background": true,
        "input": [{"type": "item_reference", "id": "msg_1"}],
        "tools": [
            {"type": "code_interpreter", "container": "cntr_1"}, {"type": "code_interpreter", "container": {"type": "auto"}},
            {"type": "shell", "environment": {"type": "container_reference", "container_id": "cntr_2"}}
        ]
    }));
    let named = [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("input", "msg_1"),
        ("tools", "cntr_1"),
        ("tools", "cntr_2"),
    ];
    assert_eq!(seen.stored, named.map(|(param, id)| Stored::new(param, id)));
    assert!(seen.background);
}

#[test]
fn only_what_tells_of_a_file_hands_none_over() {
    let seen = look(&json!({"model": "m", "input": [
        {"id": "msg_1"},
        {"type": null, "id": "msg_2", "role": null},
        {"id": "msg_3", "role": "user", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "file_search_call", "id": "fs_1", "results": [{"file_id": "found"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": [
            {"type": "file_citation", "file_id": "cited"}, {"type": "file_path", "file_id": "written"},
            {"type": "container_file_citation", "container_id": "c", "file_id": "made"}]}]},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "file_1"}},
        {"type": "not_heard_of", "content": [{"file_id": "file_2", "type": "box"}]},
    ]}));
    let named = [("input", "msg_1"), ("input", "msg_2"), ("file_id", "file_1"), ("file_id", "file_2")];
    assert_eq!(seen.stored, named.map(|(param, id)| Stored::new(param, id)));
}

#[test]
fn what_names_something_twice_is_refused_or_all_of_it_counts() {
    let with = |item: &str| skim::skim(format!(r#"{{"model":"m","input":[{item}]}}"#).as_bytes());
    assert!(with(r#"{"type":"item_reference","type":"message","id":"a","role":"user","content":"x"}"#).is_err());
    assert!(with(r#"{"type":"item_reference","id":"a","id":"b"}"#).is_err());
    let part = r#"{"type":"message","role":"user","content":[{"file_id":"a","type":"input_file","file_id":"b"}]}"#;
    assert_eq!(with(part).unwrap().stored, ["a", "b"].map(|id| Stored::new("file_id", id)));
}

#[test]
fn the_items_of_a_conversation_are_read_like_a_request() {
    let named = |body: Value| named_in_items(body.to_string().as_bytes()).unwrap();
    let items = json!([{"id": "a"}, {"role": "user", "content": [{"type": "input_image", "file_id": "b"}]}]);
    let both = [("file_id", "b"), ("items", "a")].map(|(param, id)| Stored::new(param, id));
    let mut seen = named(json!({"metadata": {"items": [{"id": "x"}]}, "items": items}));
    seen.sort_by(|a, b| a.param.cmp(b.param));
    assert_eq!(seen, both);
    assert!(named(json!({"items": null, "metadata": {}})).is_empty());
    for odd in [r#"{"items":"x"}"#, r#"{"items":[],"items":[]}"#, "[]", "", r#"{"items":[]} x"#] {
        assert_eq!(named_in_items(odd.as_bytes()).unwrap_err().kind(), ErrorKind::InvalidRequest, "{odd}");
    }
}

#[test]
fn what_is_wrong_is_said_by_name() {
    for (body, param) in [
        (r#"{"input":"x"}"#, Some("model")),
        (r#"{"model":"m"}"#, Some("input")),
        (r#"{"model":"m","input":3}"#, Some("input")),
        (r#"{"model":"m","input":"x","stream":"yes"}"#, Some("stream")),
        (r#"{"model":"m","input":"x","model":"n"}"#, None),
        ("[]", None),
        ("{", None),
    ] {
        let error = skim::skim(body.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, param), "{body}");
    }
}

#[test]
fn what_is_stored_is_seen() {
    let body = json!({
        "id": "resp_1", "status": "completed", "output": [
            {"type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1"},
            {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "x", "annotations": [
                {"type": "container_file_citation", "container_id": "cntr_1", "file_id": "cfile_1"}
            ]}]},
            {"type": "odd", "content": "a text"}, 7
        ]
    });
    let made = |body: &Value| {
        let observed = OpenAiResponses.observe(body.to_string().as_bytes());
        observed.made.iter().map(|made| format!("{} {}", made.kind.as_str(), made.id)).collect::<Vec<_>>()
    };
    let all =
        ["response resp_1", "item ci_1", "container cntr_1", "item msg_1", "container_file cfile_1"].map(str::to_owned);
    assert_eq!(made(&body), all);
    let mut unstored = body.clone();
    unstored["store"] = json!(false);
    assert!(made(&unstored).is_empty());

    let mut watch = OpenAiResponses.observe_stream(false);
    let mut see = |event: &str, data: Value| {
        watch.frame(&Frame { event, data: data.to_string().as_bytes(), is_error: false });
        (watch.observed().made.len(), watch.observed().pending)
    };
    let begun = json!({"id": "resp_1", "status": "queued", "background": true, "output": []});
    assert_eq!(see("response.created", json!({"type": "response.created", "response": begun})), (1, true));
    let item = json!({"type": "response.output_item.added", "item": body["output"][0]});
    assert_eq!(see("response.output_item.added", item), (3, true), "the machine can be used at once");
    assert_eq!(see("response.completed", json!({"type": "response.completed", "response": body})), (5, false));
}

#[test]
fn a_stream_is_watched() {
    let mut watch = OpenAiResponses.observe_stream(false);
    let mut see = |event: &str, data: &str| {
        watch.frame(&Frame { event, data: data.as_bytes(), is_error: false });
        watch.observed().clone()
    };
    see("response.created", r#"{"type":"response.created","response":{"usage":null}}"#);
    see("response.output_text.delta", r#"{"type":"response.output_text.delta","delta":"a"}"#);
    let cut = see("", r#"{"type":"response.output_text.delta","delta":"b"}"#);
    assert_eq!((cut.content_chunks, cut.complete, cut.usage), (2, false, None));
    let end = r#"{"type":"response.incomplete","response":{"output":[],"service_tier":"flex","status":"incomplete",
        "usage":{"input_tokens":5,"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}}}"#;
    let seen = see("response.incomplete", end);
    assert!(seen.complete);
    assert_eq!(seen.service_tier.as_deref(), Some("flex"));
    assert_eq!(
        seen.usage.map(|usage| [Meter::Input, Meter::Output, Meter::Reasoning].map(|m| usage.get(m))),
        Some([5, 2, 1])
    );
}

#[test]
fn an_error_in_a_stream_is_seen() {
    for (event, data) in [
        ("error", r#"{"type":"error","error":{"message":"gone"}}"#),
        ("error", r#"{"type":"error","message":"gone","code":null}"#),
        ("response.failed", r#"{"type":"response.failed","response":{"output":[],"error":{"message":"gone"}}}"#),
    ] {
        let mut watch = OpenAiResponses.observe_stream(false);
        watch.frame(&Frame { event, data: data.as_bytes(), is_error: false });
        assert_eq!(watch.observed().error.as_deref(), Some("gone"), "{data}");
        assert!(!watch.observed().complete);
    }
}

#[test]
fn a_whole_answer_is_watched() {
    let seen = OpenAiResponses
        .observe(br#"{"output":[{"usage":{"input_tokens":9}}],"usage":{"input_tokens":4},"error":null}"#);
    assert!(seen.complete);
    assert_eq!(seen.usage.map(|usage| usage.get(Meter::Input)), Some(4));
    assert!(!OpenAiResponses.observe(br#"{"output":["#).complete);
    assert_eq!(OpenAiResponses.observe(br#"{"error":"no"}"#).error.as_deref(), Some("no"));
}

proptest! {
    /// What was edited is what is seen afterwards, and the rest of what is seen stays.
    #[test]
    fn edit_and_skim_agree(
        text in ".{0,20}", model in "[a-z:\"\\\\é]{1,10}", stated in prop::option::of(0_u64..100), cap in 1_u64..100, pretty: bool,
    ) {
        let mut body = json!({"model": "before", "input": [{"role": "user", "content": text}], "x": {"model": 1}});
        if let Some(stated) = stated {
            body["max_output_tokens"] = json!(stated);
        }
        let body = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let before = skim::skim(body.as_bytes()).unwrap();
        let edits = Edits { model: Some(model.clone()), cap_output: Some(cap), ..Edits::default() };
        let edited = OpenAiResponses.edit(&Bytes::from(body), &edits).unwrap();
        let want = Skim { model, max_tokens: Some(stated.map_or(cap, |stated| stated.min(cap))), ..before };
        prop_assert_eq!(skim::skim(&edited).unwrap(), want);
    }

    /// Whatever is seen can be read.
    #[test]
    fn skim_reads_what_a_parser_reads(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if skim::skim(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| value.is_object()));
        }
    }
}
