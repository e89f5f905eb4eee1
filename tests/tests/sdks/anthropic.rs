//! The Anthropic SDK, before a provider of every protocol.

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
    "marked",
];
const WAYS: [&str; 5] = ["whole", "stream", "helper", "async_whole", "async_helper"];

#[tokio::test]
async fn anthropic_callers_reach_anthropic() {
    hear(Protocol::Anthropic).await;
}

#[tokio::test]
async fn anthropic_callers_reach_chat_completions() {
    let scene = hear(Protocol::OpenAiChat).await;
    insta::assert_snapshot!("requests.anthropic-openai_chat", requests::listed(&scene));
}

#[tokio::test]
async fn anthropic_callers_reach_gemini() {
    let scene = hear(Protocol::Gemini).await;
    insta::assert_snapshot!("requests.anthropic-gemini", requests::listed(&scene));
}

#[tokio::test]
async fn anthropic_callers_reach_ollama() {
    let scene = hear(Protocol::Ollama).await;
    insta::assert_snapshot!("requests.anthropic-ollama", requests::listed(&scene));
}

async fn hear(protocol: Protocol) -> Scene {
    let scene = Scene::before(protocol).await;
    let saw = scene.run("anthropic_calls.py", &[]).await;
    let mut wrong = Wrong::default();
    for case in CASES {
        if let Some(word) = refused(case, protocol) {
            requests::refused(&saw[case], &WAYS, word, &mut wrong);
            continue;
        }
        for way in WAYS {
            wrong.unless_has(&format!("{case}, {way}"), &saw[case][way], &want(case, protocol));
        }
        if protocol != Protocol::Anthropic {
            requests::compare(&scene, case, &mut wrong);
        }
    }
    for case in ["said", "ended", "connection"] {
        let stream = &saw[case]["stream"];
        wrong.unless_has(case, stream, &json!({"text": "Hello there", "over": false}));
        for (way, raised) in
            [("stream", &stream["raised"]), ("helper", &saw[case]["helper"]), ("async", &saw[case]["async_helper"])]
        {
            // The head had left with 200 when it happened.
            let want = json!({"raised": "APIStatusError", "status_code": 200});
            wrong.unless_has(&format!("{case}, {way}"), raised, &want);
        }
    }
    let city = json!({"name": "Paris", "inhabitants": 2_100_000});
    wrong.unless_has("structured", &saw["structured"], &json!({"whole": city, "stream": city}));
    for case in ["thinking_again", "calls_again"] {
        wrong.unless_has(case, &saw[case], &json!({"text": "Hello there", "stop": "end_turn"}));
    }
    // Thoughts and calls go back as they came, whether they were put together from a stream or not.
    let both = json!({"whole": "Hello there", "stream": "Hello there"});
    wrong.unless_has("pondered_again", &saw["pondered_again"], &both);
    requests::same("further", &scene, &mut wrong);
    wrong.finish();
    scene
}

/// What a provider of `protocol` can't take, by the word with which the caller is told.
fn refused(case: &str, protocol: Protocol) -> Option<&'static str> {
    match case {
        "chosen" | "required" if protocol == Protocol::Ollama => Some("`tool_choice`"),
        "picture" if protocol == Protocol::Ollama => Some("images go inline"),
        _ => None,
    }
}

fn want(case: &str, protocol: Protocol) -> Value {
    let own = protocol == Protocol::Anthropic;
    let mut want = json!({
        "kinds": ["text"], "text": "Hello there", "calls": [], "thought": null, "signature": null,
        "stop": "end_turn", "sequence": null, "unknown": [],
        "usage": {"input": 20, "output": 7, "read": 0, "written": 0, "thinking": 0},
    });
    let weather = json!({"name": "weather", "input": {"city": "Paris"}});
    match case {
        "call" => {
            want["kinds"] = json!(["text", "tool_use"]);
            want["text"] = json!("Let me look.");
            want["stop"] = json!("tool_use");
            want["calls"] = json!([weather]);
        }
        "calls" => {
            want["kinds"] = json!(["tool_use", "tool_use"]);
            want["text"] = Value::Null;
            want["stop"] = json!("tool_use");
            want["calls"] = json!([weather, {"name": "clock", "input": {}}]);
        }
        "thinking" => {
            want["kinds"] = json!(["thinking", "text"]);
            want["thought"] = json!("Hm, well.");
            want["usage"]["output"] = json!(10);
            want["usage"]["thinking"] = json!(if protocol == Protocol::Ollama { 0 } else { 3 });
            if own {
                want["signature"] = json!("c2lnbmVk");
            }
        }
        // Other protocols don't tell a stop text from an end.
        "stopped" if own => {
            want["stop"] = json!("stop_sequence");
            want["sequence"] = json!("END");
        }
        "long" => want["stop"] = json!("max_tokens"),
        "cached" if protocol != Protocol::Ollama => {
            want["usage"]["input"] = json!(12);
            want["usage"]["read"] = json!(8);
            want["usage"]["written"] = json!(if own { 5 } else { 0 });
        }
        "refused" => {
            want["text"] = json!("I won't say.");
            want["stop"] = json!(if protocol == Protocol::Ollama { "end_turn" } else { "refusal" });
        }
        _ => {}
    }
    want
}
