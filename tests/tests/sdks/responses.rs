//! The OpenAI SDK's Responses, before providers that don't speak them.

use llm_core::Protocol;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::wrong::Wrong;

const CASES: [&str; 9] = ["text", "turns", "call", "calls", "results", "image", "thinking", "long", "cached"];
const WAYS: [&str; 3] = ["whole", "stream", "helped"];

#[tokio::test]
async fn responses_callers_reach_chat_completions() {
    hear(Protocol::OpenAiChat).await;
}

#[tokio::test]
async fn responses_callers_reach_anthropic() {
    let scene = hear(Protocol::Anthropic).await;
    // The proof of a thought went to the caller and came back.
    let proven = |body: &Value| body.to_string().contains("c2lnbmVk");
    assert!(scene.asked("text", false).iter().any(proven), "no signature came back");
}

async fn hear(protocol: Protocol) -> Scene {
    let scene = Scene::before(protocol).await;
    let saw = scene.run("responses_calls.py", &[]).await;
    let mut wrong = Wrong::default();
    for case in CASES {
        for way in WAYS {
            // The helper takes no answer for one that is not completed, whoever gives it.
            let want = match (case, way) {
                ("long", "helped") => json!({"raised": "RuntimeError"}),
                _ => want(case, protocol),
            };
            wrong.unless_has(&format!("{case}, {way}"), &saw[case][way], &want);
        }
    }
    wrong.unless_has("structured", &saw["structured"], &json!({"name": "Paris", "inhabitants": 2_100_000}));
    wrong.unless(saw["pondered_again"] == "Hello there", || format!("pondered again: {}", saw["pondered_again"]));
    for (case, raised) in saw["broken"].as_object().unwrap() {
        wrong.unless_has(case, raised, &json!({"text": "Hello there", "raised": "APIError"}));
    }
    let not_found = json!({"raised": "NotFoundError", "status_code": 404, "param": "previous_response_id"});
    wrong.unless_has("unknown id", &saw["unknown_id"], &not_found);
    let refused = json!({"raised": "BadRequestError", "status_code": 400, "param": "background"});
    wrong.unless_has("background", &saw["background"], &refused);
    wrong.finish();
    scene
}

fn want(case: &str, protocol: Protocol) -> Value {
    let mut want = json!({
        "text": "Hello there", "status": "completed", "calls": [], "thought": null, "unknown": [],
        "usage": {"input": 20, "output": 7, "cached": 0, "reasoning": 0},
    });
    let weather = json!({"name": "weather", "input": {"city": "Paris"}});
    match case {
        "call" => {
            want["text"] = json!("Let me look.");
            want["calls"] = json!([weather]);
        }
        "calls" => {
            want["text"] = json!("");
            want["calls"] = json!([weather, {"name": "clock", "input": {}}]);
        }
        "thinking" => {
            want["thought"] = json!("Hm, well.");
            want["usage"] = json!({"input": 20, "output": 10, "cached": 0, "reasoning": 3});
        }
        "long" => want["status"] = json!("incomplete"),
        "cached" => {
            want["usage"]["cached"] = json!(8);
            // What is written to a cache is a part of Anthropic's prompt too.
            want["usage"]["input"] = json!(if protocol == Protocol::Anthropic { 25 } else { 20 });
        }
        _ => {}
    }
    want
}
