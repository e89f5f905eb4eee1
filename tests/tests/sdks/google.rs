//! The Google SDK, before a provider of every protocol that can be reached.

use llm_core::Protocol;
use serde_json::{Value, json};

use crate::requests;
use crate::scene::Scene;
use crate::wrong::Wrong;

const CASES: [&str; 13] = [
    "text", "turns", "call", "calls", "results", "image", "thinking", "long", "cached", "refused", "chosen",
    "required", "settings",
];
const WAYS: [&str; 4] = ["whole", "stream", "async_whole", "async_stream"];

#[tokio::test]
async fn google_callers_reach_gemini() {
    hear(Protocol::Gemini).await;
}

#[tokio::test]
async fn google_callers_reach_chat_completions() {
    let scene = hear(Protocol::OpenAiChat).await;
    insta::assert_snapshot!("requests.google-openai_chat", requests::listed(&scene));
}

#[tokio::test]
async fn google_callers_reach_anthropic() {
    let scene = hear(Protocol::Anthropic).await;
    insta::assert_snapshot!("requests.google-anthropic", requests::listed(&scene));
}

async fn hear(protocol: Protocol) -> Scene {
    let scene = Scene::before(protocol).await;
    let saw = scene.run("google_calls.py", &[]).await;
    let mut wrong = Wrong::default();
    for case in CASES {
        for way in WAYS {
            let saw = &saw[case][way];
            wrong.unless_has(&format!("{case}, {way}"), saw, &want(case, protocol));
        }
        if protocol != Protocol::Gemini && case != "settings" {
            requests::compare(&scene, case, &mut wrong);
        }
    }
    for case in ["said", "ended", "connection"] {
        // The head had left with 200 when it happened.
        let stream = &saw[case]["stream"];
        wrong.unless_has(case, stream, &json!({"text": "Hello there", "over": false}));
        wrong.unless(stream["raised"].is_string(), || format!("{case}: {stream}"));
    }
    wrong.unless_has("structured", &saw["structured"], &json!({"name": "Paris", "inhabitants": 2_100_000}));
    // Thoughts and calls go back as they came, whether they were put together from a stream or not.
    let both = json!({"whole": "Hello there", "stream": "Hello there"});
    wrong.unless_has("pondered_again", &saw["pondered_again"], &both);
    if protocol == Protocol::Anthropic {
        requests::same("further", &scene, &mut wrong);
    }
    for asked in scene.asked("further", false) {
        let signed = asked.to_string().contains("c2lnbmVk");
        wrong.unless(signed == (protocol != Protocol::OpenAiChat), || format!("further: {asked}"));
    }
    wrong.finish();
    scene
}

fn want(case: &str, protocol: Protocol) -> Value {
    let mut want = json!({
        "text": "Hello there", "thought": null, "calls": [], "signed": false, "finish": "STOP",
        "usage": {"prompt": 20, "said": 7, "thought": 0, "cached": 0, "total": 27},
    });
    let weather = json!({"name": "weather", "args": {"city": "Paris"}});
    match case {
        "call" => {
            want["text"] = json!("Let me look.");
            want["calls"] = json!([weather]);
        }
        "calls" => {
            want["text"] = Value::Null;
            want["calls"] = json!([weather, {"name": "clock", "args": {}}]);
        }
        "thinking" => {
            want["thought"] = json!("Hm, well.");
            want["usage"]["thought"] = json!(3);
            want["usage"]["total"] = json!(30);
            want["signed"] = json!(protocol != Protocol::OpenAiChat);
        }
        "long" => want["finish"] = json!("MAX_TOKENS"),
        "cached" => {
            let written = if protocol == Protocol::Anthropic { 5 } else { 0 };
            want["usage"] =
                json!({"prompt": 20 + written, "said": 7, "thought": 0, "cached": 8, "total": 27 + written});
        }
        "refused" => {
            want["text"] = json!("I won't say.");
            want["finish"] = json!("SAFETY");
        }
        _ => {}
    }
    want
}

#[tokio::test]
async fn googles_sdk_lists_models_counts_tokens_and_reads_an_array() {
    let scene = Scene::before(Protocol::OpenAiChat).await;
    let saw = scene.run("google_around.py", &[]).await;
    assert_eq!((&saw["models"], &saw["one"]), (&json!(["models/quick"]), &json!("models/quick")));
    assert_eq!(saw["none"]["raised"], "ClientError", "{saw}");
    assert_eq!(saw["tokens"], 7, "{saw}");
    assert_eq!(saw["tokens_of_nobody"]["raised"], "ClientError", "{saw}");
    assert!(saw["headers"]["x-request-id"].is_string(), "{saw}");
    assert_eq!(saw["headers"]["x-llm-provider"], scene.provider);
    assert_eq!(saw["array"]["type"], "application/json");
    let events = saw["array"]["events"].as_array().unwrap();
    let text: String =
        events.iter().filter_map(|event| event.pointer("/candidates/0/content/parts/0/text")?.as_str()).collect();
    assert_eq!(text, "Hello there");
    assert_eq!(events.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    // Counting tokens asks nobody and costs nothing.
    assert_eq!(scene.gateway.calls_once(2).await.len(), 2);
}

/// What a provider answers, and what the caller is told: the status, Google's word for it, and what the SDK raises.
const ERRORS: [(&str, u16, &str, &str); 8] = [
    ("400", 400, "INVALID_ARGUMENT", "ClientError"),
    // The gateway's own credential is not the caller's business.
    ("401", 502, "UNAVAILABLE", "ServerError"),
    ("404", 404, "NOT_FOUND", "ClientError"),
    ("413", 413, "INVALID_ARGUMENT", "ClientError"),
    ("429", 429, "RESOURCE_EXHAUSTED", "ClientError"),
    ("500", 502, "UNAVAILABLE", "ServerError"),
    ("503", 503, "UNAVAILABLE", "ServerError"),
    ("529", 529, "UNAVAILABLE", "ServerError"),
];

#[tokio::test]
async fn googles_sdk_raises_what_its_callers_expect_before_gemini() {
    provoke(Protocol::Gemini).await;
}

#[tokio::test]
async fn googles_sdk_raises_what_its_callers_expect_before_chat_completions() {
    provoke(Protocol::OpenAiChat).await;
}

async fn provoke(protocol: Protocol) {
    let scene = Scene::before(protocol).await;
    let cases: Vec<&str> = ERRORS.iter().map(|(case, ..)| *case).collect();
    let saw = scene.run("google_errors.py", &cases).await;
    let mut wrong = Wrong::default();
    for (case, code, status, class) in ERRORS {
        for way in ["whole", "stream"] {
            let (saw, what) = (&saw[case][way], format!("{case}, {way}"));
            wrong.unless_has(&what, saw, &json!({"raised": class, "code": code, "status": status}));
            let message = saw["message"].as_str().unwrap_or_default();
            wrong.unless(message.contains("said the provider") == (case != "401"), || format!("{what}: {saw}"));
            wrong.unless(!message.contains("upstream-secret"), || format!("{what}: {saw}"));
            wrong.unless(saw["headers"]["x-request-id"].is_string(), || format!("{what}: {saw}"));
            if case == "429" {
                wrong.unless(saw["headers"]["retry-after"] == "7", || format!("{what}: {saw}"));
                let details = saw["details"].to_string();
                wrong.unless(details.contains("\"retryDelay\":\"7s\""), || format!("{what}: {details}"));
            }
        }
    }
    for (case, code, status) in [
        ("wrong_key", 401, "UNAUTHENTICATED"),
        ("unknown_name", 404, "NOT_FOUND"),
        ("unknown_provider", 404, "NOT_FOUND"),
    ] {
        for way in ["whole", "stream"] {
            let want = json!({"raised": "ClientError", "code": code, "status": status});
            wrong.unless_has(&format!("{case}, {way}"), &saw[case][way], &want);
        }
    }
    wrong.finish();
}
