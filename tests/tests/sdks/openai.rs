//! The OpenAI SDK, before a provider of every protocol.

use llm_core::Protocol;
use serde_json::{Value, json};

use crate::requests;
use crate::scene::Scene;
use crate::wrong::Wrong;

const CASES: [&str; 16] = [
    "text",
    "turns",
    "developer",
    "call",
    "calls",
    "results",
    "image",
    "thinking",
    "stopped",
    "long",
    "cached",
    "refused",
    "chosen",
    "required",
    "picture",
    "twice",
];
const WAYS: [&str; 4] = ["whole", "stream", "async_whole", "async_stream"];

#[tokio::test]
async fn openai_callers_reach_chat_completions() {
    hear(Protocol::OpenAiChat).await;
}

#[tokio::test]
async fn openai_callers_reach_anthropic() {
    let scene = hear(Protocol::Anthropic).await;
    insta::assert_snapshot!("requests.openai-anthropic", requests::listed(&scene));
}

#[tokio::test]
async fn openai_callers_reach_gemini() {
    let scene = hear(Protocol::Gemini).await;
    insta::assert_snapshot!("requests.openai-gemini", requests::listed(&scene));
}

#[tokio::test]
async fn openai_callers_reach_ollama() {
    let scene = hear(Protocol::Ollama).await;
    insta::assert_snapshot!("requests.openai-ollama", requests::listed(&scene));
}

async fn hear(protocol: Protocol) -> Scene {
    let scene = Scene::before(protocol).await;
    let saw = scene.run("openai_calls.py", &[]).await;
    let mut wrong = Wrong::default();
    for case in CASES {
        // It could give two answers; this one gives one.
        if case == "twice" && protocol == Protocol::Gemini {
            continue;
        }
        if let Some(word) = refused(case, protocol) {
            requests::refused(&saw[case], &WAYS, word, &mut wrong);
            continue;
        }
        for way in WAYS {
            let mut want = want(case, way, protocol);
            // The asynchronous client did not ask for usage.
            if way == "async_stream" {
                want["usage"] = Value::Null;
            }
            wrong.unless_has(&format!("{case}, {way}"), &saw[case][way], &want);
        }
        // Bytes that pass are compared elsewhere.
        if protocol != Protocol::OpenAiChat {
            requests::compare(&scene, case, &mut wrong);
        }
    }
    for (case, message) in
        [("said", said(protocol)), ("ended", "ended before the answer was whole"), ("connection", "")]
    {
        for way in ["stream", "async_stream"] {
            let saw = &saw[case][way];
            let raised = &saw["raised"];
            wrong.unless_has(&format!("{case}, {way}"), saw, &json!({"text": "Hello there", "finish": null}));
            wrong.unless_has(&format!("{case}, {way}"), raised, &json!({"raised": "APIError"}));
            wrong.unless(raised["message"].as_str().is_some_and(|said| said.contains(message)), || raised.to_string());
        }
    }
    let city = json!({"name": "Paris", "inhabitants": 2_100_000});
    let structured = json!({"whole": city, "stream": city, "finish": ["stop", "stop"]});
    wrong.unless_has("structured", &saw["structured"], &structured);
    for case in ["thinking_again", "calls_again"] {
        wrong.unless_has(case, &saw[case], &json!({"text": "Hello there", "finish": "stop"}));
    }
    for way in WAYS {
        let ids = saw["calls"][way]["ids"].as_array().cloned().unwrap_or_default();
        // OpenAI takes back no longer ones.
        let good = |id: &Value| id.as_str().is_some_and(|id| (1..=40).contains(&id.len()));
        wrong.unless(ids.len() == 2 && ids[0] != ids[1] && ids.iter().all(good), || format!("ids of calls: {ids:?}"));
    }
    // Thoughts and calls go back as they came, whether they were put together from a stream or not.
    let both = json!({"whole": "Hello there", "stream": "Hello there"});
    wrong.unless_has("pondered_again", &saw["pondered_again"], &both);
    if protocol != Protocol::OpenAiChat {
        requests::same("further", &scene, &mut wrong);
    }
    wrong.finish();
    scene
}

/// How each provider says that it failed.
fn said(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OpenAiChat => "had an error while processing",
        Protocol::Anthropic => "Overloaded",
        Protocol::Gemini => "The model is overloaded",
        _ => "unexpectedly stopped",
    }
}

/// What a provider of `protocol` can't take, by the word with which the caller is told.
fn refused(case: &str, protocol: Protocol) -> Option<&'static str> {
    match case {
        "chosen" if protocol == Protocol::Gemini => Some("`parallel_tool_calls`"),
        "chosen" | "required" if protocol == Protocol::Ollama => Some("`tool_choice`"),
        "picture" if protocol == Protocol::Ollama => Some("images go inline"),
        "twice" if protocol != Protocol::OpenAiChat => Some("`n`"),
        _ => None,
    }
}

fn want(case: &str, way: &str, protocol: Protocol) -> Value {
    let mut want = json!({
        "text": "Hello there", "refusal": null, "finish": "stop", "calls": [], "thought": null, "details": null,
        "usage": {"prompt": 20, "completion": 7, "cached": 0, "reasoning": 0}, "unknown": [],
    });
    let weather = json!({"name": "weather", "input": {"city": "Paris"}});
    match case {
        "call" => {
            want["text"] = json!("Let me look.");
            want["finish"] = json!("tool_calls");
            want["calls"] = json!([weather]);
        }
        "calls" => {
            want["text"] = Value::Null;
            want["finish"] = json!("tool_calls");
            want["calls"] = json!([weather, {"name": "clock", "input": {}}]);
        }
        "thinking" => {
            want["thought"] = json!("Hm, well.");
            want["usage"]["completion"] = json!(10);
            // Ollama does not say how many were thoughts.
            want["usage"]["reasoning"] = json!(if protocol == Protocol::Ollama { 0 } else { 3 });
            let thought = |signature: Option<&str>, provider: &str| {
                let mut detail =
                    json!({"type": "reasoning.text", "provider": provider, "index": 0, "text": "Hm, well."});
                if let Some(signature) = signature {
                    detail["signature"] = json!(signature);
                }
                json!([detail])
            };
            let mut members = vec!["reasoning_content"];
            match protocol {
                Protocol::OpenAiChat => {}
                Protocol::Anthropic => want["details"] = thought(Some("c2lnbmVk"), "messages"),
                // The signature stands on the text, where only Google's own callers see it.
                Protocol::Gemini => want["details"] = thought(None, "contents"),
                _ => want["details"] = thought(None, "local"),
            }
            if protocol != Protocol::OpenAiChat {
                members = vec!["reasoning", "reasoning_content", "reasoning_details"];
            }
            let place = if way.ends_with("stream") { "choices.delta" } else { "choices.message" };
            want["unknown"] = members.iter().map(|name| json!(format!("{place}.{name}"))).collect();
        }
        "long" => want["finish"] = json!("length"),
        "cached" if protocol != Protocol::Ollama => {
            want["usage"]["cached"] = json!(8);
            // What is written to a cache is a part of Anthropic's prompt too.
            want["usage"]["prompt"] = json!(if protocol == Protocol::Anthropic { 25 } else { 20 });
        }
        "refused" => match protocol {
            Protocol::OpenAiChat => {
                want["text"] = Value::Null;
                want["refusal"] = json!("I won't say.");
            }
            Protocol::Anthropic | Protocol::Gemini => {
                want["text"] = json!("I won't say.");
                want["finish"] = json!("content_filter");
            }
            // Ollama knows no refusals.
            _ => want["text"] = json!("I won't say."),
        },
        _ => {}
    }
    want
}
