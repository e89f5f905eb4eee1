use bytes::Bytes;
use llm_core::codec::{Edits, Frame, Skim, Verdict};
use llm_core::{ErrorKind, Meter, Result};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{edit, observe, skim};

fn look(body: &Value) -> Skim {
    skim::skim(body.to_string().as_bytes()).unwrap()
}

fn edited(body: &str, edits: &Edits) -> String {
    String::from_utf8(edit::edit(&Bytes::from(body.to_owned()), edits).unwrap().to_vec()).unwrap()
}

#[test]
fn what_limits_need_is_seen() {
    let data = "A".repeat(9000);
    let seen = look(&json!({
        "model": "fast", "stream": true, "stream_options": {"include_usage": true}, "n": 3, "max_tokens": 9,
        "max_completion_tokens": 7, "user": "u", "service_tier": "flex",
        "messages": [
            {"role": "user", "content": "héllo"},
            {"role": "user", "content": [
                {"type": "text", "text": "12345"},
                {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}},
                {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
            ]}
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    }));
    assert_eq!((seen.model.as_str(), seen.stream, seen.include_usage), ("fast", true, true));
    assert_eq!((seen.max_tokens, seen.choices, seen.messages, seen.tools, seen.media), (Some(9), 3, 2, 1, 2));
    assert_eq!((seen.user.as_deref(), seen.service_tier.as_deref(), seen.unbounded), (Some("u"), Some("flex"), false));
    assert!((11..200).contains(&seen.text_bytes), "{}", seen.text_bytes);
}

#[test]
fn the_end_user_has_two_names() {
    let user = |members: &str| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{members}}}"#);
        skim::skim(body.as_bytes()).unwrap().user
    };
    assert_eq!(user(r#""user":"a""#).as_deref(), Some("a"));
    assert_eq!(user(r#""safety_identifier":"b""#).as_deref(), Some("b"));
    for both in [r#""user":"a","safety_identifier":"b""#, r#""safety_identifier":"b","user":"a""#] {
        assert_eq!(user(both).as_deref(), Some("b"));
    }
}

#[test]
fn what_has_no_bound_is_said() {
    let with = |name: &str, value: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        body[name] = value;
        look(&body).unbounded
    };
    assert!(with("tools", json!([{"type": "web_search"}])));
    assert!(with("web_search_options", json!({})));
    assert!(with("messages", json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}])));
    assert!(with("messages", json!([{"role": "user", "content": [{"type": "file", "file_id": "f"}]}])));
    assert!(with("messages", json!([{"role": "assistant", "audio": {"id": "a"}}])));
    assert!(!with("messages", json!([{"role": "assistant", "audio": null, "content": "a"}])));
}

#[test]
fn what_is_wrong_is_said_by_name() {
    let message = r#""messages":[{"role":"user","content":"x"}]"#;
    for (body, param) in [
        (format!("{{{message}}}"), Some("model")),
        (format!(r#"{{"model":null,{message}}}"#), Some("model")),
        (format!(r#"{{"model":5,{message}}}"#), Some("model")),
        (r#"{"model":"m"}"#.to_owned(), Some("messages")),
        (r#"{"model":"m","messages":[]}"#.to_owned(), Some("messages")),
        (r#"{"model":"m","messages":null}"#.to_owned(), Some("messages")),
        (r#"{"model":"m","messages":[5]}"#.to_owned(), Some("messages[0]")),
        (r#"{"model":"m","messages":[{"role":"user","content":{}}]}"#.to_owned(), Some("messages[0].content")),
        (format!(r#"{{"model":"m","stream":1,{message}}}"#), Some("stream")),
        (format!(r#"{{"model":"m","max_tokens":1.5,{message}}}"#), Some("max_tokens")),
        (format!(r#"{{"model":"m","max_completion_tokens":-1,{message}}}"#), Some("max_completion_tokens")),
        (format!(r#"{{"model":"m","n":"2",{message}}}"#), Some("n")),
        (format!(r#"{{"model":"m","n":0,{message}}}"#), Some("n")),
        (format!(r#"{{"model":"m","tools":[1],{message}}}"#), Some("tools")),
        ("null".to_owned(), None),
        ("[]".to_owned(), None),
        ("{".to_owned(), None),
        (format!(r#"{{"model":"m",{message}}} x"#), None),
        (format!(r#"{{"model":"m","x":tru,{message}}}"#), None),
    ] {
        let error = skim::skim(body.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, param), "{body}: {error}");
    }
    assert_eq!(skim::skim(b"{\"model\":\"\xff\"}").unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[test]
fn a_member_that_matters_stands_there_once() {
    // Otherwise the provider might choose another model, or another bound, than was priced and allowed.
    for twice in [r#""model":"b""#, r#""mod\u0065l":"b""#, r#""max_tokens":9"#, r#""messages":[{"content":"y"}]"#] {
        let body = format!(r#"{{"model":"a","max_tokens":1,"messages":[{{"content":"x"}}],{twice}}}"#);
        assert_eq!(skim::skim(body.as_bytes()).unwrap_err().kind(), ErrorKind::InvalidRequest, "{body}");
    }
}

#[test]
fn edits_touch_nothing_else() {
    let body = "{ \"x\" : 1.50,\n \"model\":\"fast\", \"messages\" : [ {\"role\":\"user\",\"content\":\"model\"} ] }";
    let edits = Edits { model: Some("gpt \"x\"".to_owned()), ..Edits::default() };
    assert_eq!(edited(body, &edits), body.replace("\"fast\"", "\"gpt \\\"x\\\"\""));
    let asking = Edits { ask_usage: true, ..Edits::default() };
    assert_eq!(edited(body, &asking), body.replace(" ] }", " ] ,\"stream_options\":{\"include_usage\":true}}"));
    let with_options = r#"{"stream_options":{"include_obfuscation":false},"stream":true}"#;
    assert_eq!(
        edited(with_options, &asking),
        r#"{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}"#
    );
    let asked = r#"{"stream_options": { "include_usage" : true }}"#;
    assert_eq!(edited(asked, &asking), asked);
}

#[test]
fn a_cap_holds_under_every_name() {
    let cap = Edits { cap_output: Some(10), ..Edits::default() };
    for (body, want) in [
        (r#"{"max_tokens":5}"#, r#"{"max_tokens":5}"#),
        (r#"{"max_tokens":50}"#, r#"{"max_tokens":10}"#),
        (r#"{"max_tokens":1e9}"#, r#"{"max_tokens":10}"#),
        (r#"{"max_tokens":50,"max_completion_tokens":60}"#, r#"{"max_tokens":10,"max_completion_tokens":10}"#),
        (r#"{"max_tokens":50,"max_\u0074okens":5}"#, r#"{"max_tokens":5,"max_\u0074okens":5}"#),
        (r#"{"max_completion_tokens":null}"#, r#"{"max_completion_tokens":10}"#),
        ("{}", r#"{"max_completion_tokens":10}"#),
    ] {
        assert_eq!(edited(body, &cap), want);
    }
    let older = Edits { cap_output: Some(10), cap_name: Some("max_tokens".to_owned()), ..Edits::default() };
    assert_eq!(edited("{}", &older), r#"{"max_tokens":10}"#);
}

proptest! {
    /// What was edited is what is seen afterwards, and the rest of what is seen stays.
    #[test]
    fn edit_and_skim_agree(
        text in ".{0,20}", model in "[a-z:\"\\\\é]{1,10}", stated in prop::option::of(0_u64..100), cap in 1_u64..100,
        newer: bool, pretty: bool, stream: bool,
    ) {
        let mut body = json!({"model": "before", "stream": stream, "messages": [{"role": "user", "content": text}], "x": {"model": 1}});
        if let Some(stated) = stated {
            body[if newer { "max_completion_tokens" } else { "max_tokens" }] = json!(stated);
        }
        let body = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let before = skim::skim(body.as_bytes()).unwrap();
        let edits = Edits { model: Some(model.clone()), ask_usage: true, cap_output: Some(cap), cap_name: None };
        let after = skim::skim(edited(&body, &edits).as_bytes()).unwrap();
        let want = Skim { model, include_usage: true, max_tokens: Some(stated.map_or(cap, |stated| stated.min(cap))), ..before };
        prop_assert_eq!(after, want);
    }

    /// Whatever is read is read as every other parser reads it.
    #[test]
    fn skim_reads_what_a_parser_reads(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let seen: Result<Skim> = skim::skim(&bytes);
        if seen.is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| value.is_object()));
        }
    }
}

fn watch(hide_usage: bool, events: &[&str]) -> (Vec<Verdict>, llm_core::codec::Observed) {
    use llm_core::codec::Observer;
    let mut observer = observe::StreamObserver::new(hide_usage);
    let verdicts = events.iter().map(|event| observer.frame(&Frame::data(event.as_bytes()))).collect();
    (verdicts, observer.observed().clone())
}

#[test]
fn a_stream_is_watched() {
    let events = [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"content": "say \"usage\": {\"prompt_tokens\": 99}"}}],"service_tier":"flex"}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":4,"completion_tokens":2}}}"#,
        r#"{"choices": [], "usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#,
        "[DONE]",
    ];
    let (verdicts, seen) = watch(true, &events);
    let dropped: Vec<usize> = (0..events.len()).filter(|at| verdicts[*at] == Verdict::Drop).collect();
    assert_eq!(dropped, [4]);
    assert_eq!(seen.usage.unwrap().get(Meter::Input), 5);
    assert_eq!((seen.complete, seen.finished, seen.content_chunks), (true, true, 2));
    assert_eq!(seen.service_tier.as_deref(), Some("flex"));
    let (verdicts, cut) = watch(false, &events[..5]);
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Forward));
    assert!(!cut.complete && cut.finished);
}

#[test]
fn an_error_in_a_stream_is_seen() {
    let (_, seen) = watch(false, &[r#"{"error":{"message":"gone","code":502}}"#]);
    assert_eq!(seen.error.as_deref(), Some("gone"));
    let (_, fine) = watch(false, &[r#"{"choices":[{"index":0,"delta":{"content":"\"error\""}}],"error":null}"#]);
    assert_eq!(fine.error, None);
}

#[test]
fn a_whole_answer_is_watched() {
    let body = json!({
        "choices": [{"message": {"content": "\"usage\": {\"prompt_tokens\": 1}"}}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1}, "service_tier": "default"
    });
    let seen = observe::whole(body.to_string().as_bytes());
    assert_eq!(seen.usage.unwrap().get(Meter::Input), 8);
    assert!(seen.complete);
    assert_eq!(seen.service_tier.as_deref(), Some("default"));
    let within = r#"{"choices":[{"usage":{"prompt_tokens":3}}],"x":{"usage":{"prompt_tokens":4}},"y":"}]"}"#;
    assert_eq!(observe::whole(within.as_bytes()).usage, None);
    let behind = r#"{"usage":{"prompt_tokens":5},"choices":[{"message":{"content":"}} \"{"}}], "x": {"usage": {"prompt_tokens":4}} } "#;
    assert_eq!(observe::whole(behind.as_bytes()).usage.unwrap().get(Meter::Input), 5);
    let twice = r#"{"choices":[],"usage":{"completion_tokens":4},"usage":{"tokens":7}}"#;
    assert_eq!(observe::whole(twice.as_bytes()).usage, None);
    assert!(!observe::whole(br#"{"choices":[{"#).complete);
    assert_eq!(observe::whole(br#"{"error":"no"}"#).error.as_deref(), Some("no"));
}
