use std::collections::BTreeMap;

use bytes::Bytes;
use llm_core::codec::{Edits, Frame, Passthrough, Quirks, RequestHead, Target};
use serde_json::json;

use super::Gemini;

fn head(method: &str, query: Option<&str>) -> RequestHead {
    RequestHead {
        path: format!("/v1beta/models/fast:{method}"),
        query: query.map(str::to_owned),
        ..RequestHead::default()
    }
}

#[test]
fn a_look_sees_what_limits_need() {
    let body = json!({
        "contents": [{"parts": [{"text": "abc"}, {"inline_data": {"mime_type": "image/png", "data": "AAAAAAAAAAAA"}}]}],
        "generation_config": {"max_output_tokens": 9, "candidate_count": 2},
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
    });
    let skim = Gemini.skim(&head("streamGenerateContent", None), body.to_string().as_bytes()).unwrap();
    assert_eq!((skim.model.as_str(), skim.stream, skim.max_tokens, skim.choices), ("fast", true, Some(9), 2));
    assert_eq!((skim.messages, skim.media, skim.tools, skim.unbounded), (1, 1, 1, false));
    assert!((3..40).contains(&skim.text_bytes), "{}", skim.text_bytes);
}

#[test]
fn what_has_no_bound_is_seen() {
    for more in [json!({"tools": [{"googleSearch": {}}]}), json!({"cachedContent": "cachedContents/a"})] {
        let mut body = json!({"contents": [{"parts": [{"text": "abc"}]}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert!(Gemini.skim(&head("generateContent", None), body.to_string().as_bytes()).unwrap().unbounded, "{body}");
    }
}

#[test]
fn a_member_in_both_spellings_is_refused() {
    let body = r#"{"contents":[{}],"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}"#;
    let error = Gemini.skim(&head("generateContent", None), body.as_bytes()).unwrap_err();
    assert!(error.message().contains("stands there twice"), "{error}");
}

#[test]
fn a_cap_lowers_and_sets_and_changes_nothing_else() {
    let cap = |body: &'static str| {
        let edits = Edits { model: Some("m".to_owned()), cap_output: Some(5), ..Edits::default() };
        String::from_utf8(Gemini.edit(&Bytes::from(body), &edits).unwrap().to_vec()).unwrap()
    };
    assert_eq!(cap(r#"{"contents" : [ ]}"#), r#"{"contents" : [ ],"generationConfig":{"maxOutputTokens":5}}"#);
    let spelled = r#"{ "generation_config": {"top_p":1.50, "max_output_tokens": 9} }"#;
    assert_eq!(cap(spelled), spelled.replace('9', "5"));
    let lower = r#"{"generationConfig":{"maxOutputTokens":3}}"#;
    assert_eq!(cap(lower), lower);
}

#[test]
fn arrays_and_thoughts_of_others_are_translated() {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "up",
        model: "m",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: true,
        max_output: None,
        id_seed: "seed",
    };
    let passes = |head, body: &[u8]| Gemini.can_pass(&target, &head, body);
    assert!(passes(head("streamGenerateContent", Some("alt=sse")), b"{}"));
    assert!(!passes(head("streamGenerateContent", None), b"{}"));
    assert!(!passes(head("generateContent", None), br#"{"thoughtSignature":"bGxtLXJlYXNvbmluZzp7fQ=="}"#));
}

#[test]
fn a_stream_has_finished_when_every_candidate_has() {
    let mut watch = Gemini.observe_stream(false);
    let piece = |index, reason| json!({"candidates": [{"index": index, "finishReason": reason}]}).to_string();
    for (event, finished) in
        [(piece(0, None), false), (piece(1, Some("STOP")), false), (piece(0, Some("MAX_TOKENS")), true)]
    {
        watch.frame(&Frame::data(event.as_bytes()));
        assert_eq!(watch.observed().finished, finished, "{event}");
    }
    assert!(!watch.observed().complete, "only the end of the connection says that");
}
