use std::collections::BTreeMap;

use bytes::Bytes;
use llm_core::codec::{Downstream, Edits, Passthrough, Quirks, RequestHead, Target, Upstream};
use llm_core::operation::Asks;
use llm_core::token_count::CountTokens;
use serde_json::{Value, json};

use super::{GeminiApi, Passing};

fn head() -> RequestHead {
    RequestHead { path: "/v1beta/models/fast:countTokens".to_owned(), ..RequestHead::default() }
}

fn before<T>(is_vertex: bool, look: impl FnOnce(&Target<'_>) -> T) -> T {
    let variables = [("project", "p"), ("location", "l")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = if is_vertex { BTreeMap::from(variables) } else { BTreeMap::new() };
    look(&Target {
        provider: "up",
        model: "gemini-2.5-flash",
        version: None,
        quirks: &Quirks::default(),
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    })
}

fn within(model: &str) -> String {
    json!({"generateContentRequest": {"model": model, "contents": [{"parts": [{"text": "x"}]}]}}).to_string()
}

#[test]
fn a_body_passes_where_its_host_counts_it_so() {
    let bare = json!({"contents": [{"parts": [{"text": "x"}]}]}).to_string();
    let told = json!({"contents": [{"parts": [{"text": "x"}]}], "tools": []}).to_string();
    let passes = |is_vertex, body: &str| before(is_vertex, |target| Passing.can_pass(target, &head(), body.as_bytes()));
    for (body, at_google, at_vertex) in [
        (&bare, true, true),
        (&told, false, true),
        (&within("models/fast"), true, false),
        (&within("fast"), true, false),
        (&within("models/other"), false, false),
    ] {
        assert_eq!((passes(false, body), passes(true, body)), (at_google, at_vertex), "{body}");
    }
}

#[test]
fn only_the_model_within_changes() {
    let edits = Edits { model: Some("gemini-2.5-flash".to_owned()), ..Edits::default() };
    let body = "{ \"generateContentRequest\": {\"model\" : \"models/fast\",  \"contents\": []}, \"x\": 1.0}";
    let edited = Passing.edit(&Bytes::from(body), &edits).unwrap();
    assert_eq!(edited, body.replace("models/fast", "models/gemini-2.5-flash"));
    let bare = Bytes::from_static(b"{\"contents\": []}");
    assert_eq!(Passing.edit(&bare, &edits).unwrap(), bare);
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let inner = "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}]}";
    for body in [
        format!("{{\"generateContentRequest\":{inner},\"generateContentRequest\":{inner}}}"),
        format!("{{\"generateContentRequest\":{inner},\"generate_content_request\":{inner}}}"),
        format!("{{\"generateContentRequest\":{inner},\"contents\":[{{\"parts\":[{{\"text\":\"x\"}}]}}]}}"),
    ] {
        assert!(Passing.skim(&head(), body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn files_are_seen_wherever_they_are_named() {
    let contents = json!([{"parts": [{"fileData": {"fileUri": "files/abc"}}]}]);
    for body in [json!({"contents": contents}), json!({"generate_content_request": {"contents": contents}})] {
        let body = body.to_string();
        let (seen, (read, _)) = (
            Passing.skim(&head(), body.as_bytes()).unwrap(),
            Downstream::<CountTokens>::decode_request(&GeminiApi, &head(), body.as_bytes()).unwrap(),
        );
        let ids = |stored: &[llm_core::codec::Stored]| stored.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        assert_eq!((ids(&seen.stored), ids(&read.0.stored())), (vec!["abc".to_owned()], vec!["abc".to_owned()]));
    }
}

#[test]
fn what_stands_beside_a_whole_request_stays_there() {
    let body =
        json!({"generate_content_request": {"contents": [{"parts": [{"text": "x"}]}], "model": "m"}, "zz": {"a": 1}});
    let (request, _) =
        Downstream::<CountTokens>::decode_request(&GeminiApi, &head(), body.to_string().as_bytes()).unwrap();
    let written =
        before(false, |target| Upstream::<CountTokens>::encode_request(&GeminiApi, &request, target)).unwrap().body;
    let mut want = body;
    want["generate_content_request"]["model"] = json!("models/gemini-2.5-flash");
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), want);
}
