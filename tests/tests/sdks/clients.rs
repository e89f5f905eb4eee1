//! Clients that people build on: each asks for text, whole and streamed, lets a tool answer, asks for a structured
//! answer and runs into errors, in each way in which it can speak to the gateway.

use llm_core::Protocol;
use llm_tests::live::Runtime::{self, Node, OlderPython, Python};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::wrong::Wrong;

/// A client: its program, and what it raises where the key is wrong, nothing has the name, and calls are too many.
struct Client {
    runtime: Runtime,
    program: &'static str,
    raises: &'static [(&'static str, Errors)],
}

/// Three names of errors.
type Errors = [&'static str; 3];

/// As OpenAI's SDK calls them, and LiteLLM after it.
const OPENAIS: Errors = ["AuthenticationError", "NotFoundError", "RateLimitError"];
const ANY_LLMS: Errors = ["AuthenticationError", "ModelNotFoundError", "RateLimitError"];
const PYDANTIC_AIS: Errors = ["ModelAuthenticationError", "ModelNotFoundError", "ModelRateLimitError"];
const LANGCHAINS_OPENAI: Errors = ["OpenAIAuthenticationError", "OpenAIModelNotFoundError", "OpenAIRateLimitError"];
const LANGCHAINS_ANTHROPIC: Errors =
    ["AnthropicAuthenticationError", "AnthropicModelNotFoundError", "AnthropicRateLimitError"];
/// The AI SDK tells them apart by their status only.
const AI_SDKS: Errors = ["AI_APICallError"; 3];

const LANGCHAIN: Client = Client {
    runtime: Python,
    program: "langchain_calls.py",
    raises: &[
        ("chat", LANGCHAINS_OPENAI),
        ("responses", LANGCHAINS_OPENAI),
        ("messages", LANGCHAINS_ANTHROPIC),
        ("messages_by_schema", LANGCHAINS_ANTHROPIC),
    ],
};
const PYDANTIC_AI: Client = Client {
    runtime: Python,
    program: "pydantic_ai_calls.py",
    raises: &[("chat", PYDANTIC_AIS), ("responses", PYDANTIC_AIS), ("messages", PYDANTIC_AIS)],
};
const LITELLM: Client =
    Client { runtime: OlderPython, program: "litellm_calls.py", raises: &[("chat", OPENAIS), ("messages", OPENAIS)] };
const ANY_LLM: Client =
    Client { runtime: OlderPython, program: "any_llm_calls.py", raises: &[("chat", ANY_LLMS), ("messages", ANY_LLMS)] };
const OPENAI_FOR_NODE: Client =
    Client { runtime: Node, program: "openai_calls.mjs", raises: &[("chat", OPENAIS), ("responses", OPENAIS)] };
const AI_SDK: Client = Client {
    runtime: Node,
    program: "ai_sdk_calls.mjs",
    raises: &[("chat", AI_SDKS), ("responses", AI_SDKS), ("messages", AI_SDKS), ("compatible", AI_SDKS)],
};

#[tokio::test]
async fn langchain_calls_through_the_gateway() {
    hear(&LANGCHAIN).await;
}

#[tokio::test]
async fn pydantic_ai_calls_through_the_gateway() {
    hear(&PYDANTIC_AI).await;
}

#[tokio::test]
async fn litellm_calls_through_the_gateway() {
    hear(&LITELLM).await;
}

#[tokio::test]
async fn any_llm_calls_through_the_gateway() {
    hear(&ANY_LLM).await;
}

#[tokio::test]
async fn openais_sdk_for_node_calls_through_the_gateway() {
    hear(&OPENAI_FOR_NODE).await;
}

#[tokio::test]
async fn the_ai_sdk_calls_through_the_gateway() {
    hear(&AI_SDK).await;
}

/// Whichever way the client speaks, one of the two providers is reached by translation.
async fn hear(client: &Client) {
    let mut wrong = Wrong::default();
    for protocol in [Protocol::OpenAiChat, Protocol::Anthropic] {
        let scene = Scene::before(protocol).await;
        let saw = scene.run_in(client.runtime, client.program, &[]).await;
        for (way, raises) in client.raises {
            walked(&format!("{way} before {protocol}"), &saw[way], raises, &mut wrong);
        }
        // Every way's tool was heard by the provider.
        let rounds = [scene.asked("round", false), scene.asked("round", true)].concat();
        let answered = rounds.iter().filter(|body| body.to_string().contains("sunny in Paris")).count();
        wrong.unless(answered == client.raises.len(), || format!("{answered} answers of tools in {rounds:#?}"));
    }
    wrong.finish();
}

fn walked(way: &str, saw: &Value, raises: &Errors, wrong: &mut Wrong) {
    let answer = json!({"text": "Hello there", "usage": {"input": 20, "output": 7}});
    wrong.unless_has(&format!("{way}, whole"), &saw["whole"], &answer);
    wrong.unless_has(&format!("{way}, stream"), &saw["stream"], &answer);
    let round = json!({"text": "Hello there", "asked": [{"city": "Paris"}]});
    wrong.unless_has(&format!("{way}, tools"), &saw["tools"], &round);
    let city = json!({"name": "Paris", "inhabitants": 2_100_000});
    wrong.unless_has(&format!("{way}, structured"), &saw["structured"], &city);
    let [key, name, many] = raises;
    for (case, status, class) in [
        ("wrong_key", 401, key),
        ("unknown_name", 404, name),
        ("too_many", 429, many),
        ("too_many_streamed", 429, many),
    ] {
        let want = json!({"raised": class, "status_code": status});
        wrong.unless_has(&format!("{way}, {case}"), &saw["errors"][case], &want);
    }
}
