//! Errors before the first byte: the class that the caller's SDK raises, and what it carries.

use llm_core::Protocol;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::wrong::Wrong;

/// What a provider answers, and what the caller is told: the status, and what the SDKs of OpenAI and Anthropic raise.
const TABLE: [(&str, u16, &str, &str); 8] = [
    ("400", 400, "BadRequestError", "BadRequestError"),
    // The gateway's own credential is not the caller's business.
    ("401", 502, "InternalServerError", "InternalServerError"),
    ("404", 404, "NotFoundError", "NotFoundError"),
    ("413", 413, "APIStatusError", "ContentTooLargeError"),
    ("429", 429, "RateLimitError", "RateLimitError"),
    ("500", 502, "InternalServerError", "InternalServerError"),
    ("503", 503, "InternalServerError", "ServiceUnavailableError"),
    ("529", 529, "InternalServerError", "OverloadedError"),
];

#[tokio::test]
async fn openais_sdk_raises_what_its_callers_expect_before_chat_completions() {
    provoke("openai_errors.py", Protocol::OpenAiChat).await;
}

#[tokio::test]
async fn openais_sdk_raises_what_its_callers_expect_before_anthropic() {
    provoke("openai_errors.py", Protocol::Anthropic).await;
}

#[tokio::test]
async fn anthropics_sdk_raises_what_its_callers_expect_before_chat_completions() {
    provoke("anthropic_errors.py", Protocol::OpenAiChat).await;
}

#[tokio::test]
async fn anthropics_sdk_raises_what_its_callers_expect_before_ollama() {
    provoke("anthropic_errors.py", Protocol::Ollama).await;
}

async fn provoke(program: &str, protocol: Protocol) {
    let scene = Scene::before(protocol).await;
    let cases: Vec<&str> = TABLE.iter().map(|(case, ..)| *case).collect();
    let saw = scene.run(program, &cases).await;
    let mut wrong = Wrong::default();
    for (case, status, openai, anthropic) in TABLE {
        for way in ["whole", "stream"] {
            let saw = &saw[case][way];
            let class = if program.starts_with("openai") { openai } else { anthropic };
            let what = format!("{case}, {way}");
            wrong.unless_has(&what, saw, &json!({"raised": class, "status_code": status}));
            let message = saw["message"].as_str().unwrap_or_default();
            // The provider's word reaches the caller, but for what it says of our credential.
            wrong.unless(message.contains("said the provider") == (case != "401"), || format!("{what}: {saw}"));
            wrong.unless(!message.contains("upstream-secret"), || format!("{what}: {saw}"));
            if case == "429" {
                wrong.unless(saw["headers"]["retry-after"] == "7", || format!("{what}: {saw}"));
            }
            named(&what, saw, &mut wrong);
        }
    }
    for (case, status, class) in [
        ("wrong_key", 401, "AuthenticationError"),
        ("unknown_name", 404, "NotFoundError"),
        ("unknown_provider", 404, "NotFoundError"),
    ] {
        for way in ["whole", "stream"] {
            let want = json!({"raised": class, "status_code": status});
            wrong.unless_has(&format!("{case}, {way}"), &saw[case][way], &want);
            named(case, &saw[case][way], &mut wrong);
        }
    }
    wrong.finish();
}

/// The SDK must have found the call's id where it looks for it.
fn named(what: &str, saw: &Value, wrong: &mut Wrong) {
    let id = &saw["request_id"];
    wrong.unless(id.is_string() && *id == saw["headers"]["x-request-id"], || format!("{what}: no id in {saw}"));
}
