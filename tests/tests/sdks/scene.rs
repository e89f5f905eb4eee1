//! The gateway that the SDKs call, before a provider of each protocol that can be reached.
//!
//! What a provider says is chosen by the model's name: every name is one case.

use llm_core::Protocol;
use llm_tests::live::speech::{Broken, Speech, Stop, Tokens};
use llm_tests::live::{Runtime, Script, Seen, TestGateway, Upstream, anthropic, openai, run};
use serde_json::{Value, json};

/// The providers' ids, and what they speak.
pub(crate) const PROVIDERS: [(&str, Protocol); 4] = [
    ("chat", Protocol::OpenAiChat),
    ("messages", Protocol::Anthropic),
    ("contents", Protocol::Gemini),
    ("local", Protocol::Ollama),
];

/// A provider, and the gateway before it.
pub(crate) struct Scene {
    pub(crate) provider: &'static str,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: TestGateway,
    pub(crate) key: String,
}

impl Scene {
    /// One whose provider speaks `protocol`.
    pub(crate) async fn before(protocol: Protocol) -> Self {
        let (provider, protocol) = PROVIDERS.into_iter().find(|(_, other)| *other == protocol).unwrap();
        let upstream = Upstream::start(move |seen| answer(protocol, seen)).await;
        let prefix = if protocol == Protocol::OpenAiChat { "/v1" } else { "" };
        let gateway = TestGateway::start(&format!(
            r#"
            [providers.{provider}]
            protocol = "{protocol}"
            base_url = "{}{prefix}"
            api_key = "upstream-secret"
            [[models]]
            name = "quick"
            deployments = [{{ model = "{provider}:text", price = {{ input = "1", output = "2" }} }}]
            "#,
            upstream.url
        ))
        .await;
        let key = gateway.key(json!({})).await;
        Self { provider, upstream, gateway, key }
    }

    /// Runs a program in Python and gives what it saw.
    pub(crate) async fn run(&self, program: &str, arguments: &[&str]) -> Value {
        self.run_in(Runtime::Python, program, arguments).await
    }

    /// Runs a program and gives what it saw.
    pub(crate) async fn run_in(&self, runtime: Runtime, program: &str, arguments: &[&str]) -> Value {
        run(runtime, &self.gateway, &self.key, program, &[&[self.provider], arguments].concat()).await
    }

    /// The bodies that arrived for `case`, streamed or not.
    pub(crate) fn asked(&self, case: &str, streamed: bool) -> Vec<Value> {
        let bodies = self.upstream.seen().into_iter().map(|seen| request(&seen));
        bodies.filter(|body| body["model"] == case && (body["stream"] == true) == streamed).collect()
    }
}

/// The body of a request; with the model and whether to stream, where the path says that.
pub(crate) fn request(seen: &Seen) -> Value {
    let mut body = seen.json();
    if let Some((model, method)) = seen.path.split_once("/models/").and_then(|(_, rest)| rest.rsplit_once(':')) {
        body["model"] = json!(model);
        body["stream"] = json!(method.starts_with("stream"));
    }
    body
}

fn answer(protocol: Protocol, seen: &Seen) -> Script {
    let request = request(seen);
    let case = request["model"].as_str().unwrap_or_default();
    match case.parse() {
        Ok(status) => error(protocol, status),
        Err(_) => speech(case, protocol, &request).spelled(protocol, &request),
    }
}

/// An error in the provider's envelope; a model whose name is a status answers with it.
fn error(protocol: Protocol, status: u16) -> Script {
    let message = format!("no, said the provider with {status}");
    let script = match protocol {
        Protocol::OpenAiChat => openai::error(status, "some_error", "some_code", &message),
        Protocol::Anthropic => anthropic::error(status, kind_of(status), &message),
        Protocol::Gemini => Script::json(status, &json!({"error": {"code": status, "message": message}})),
        _ => Script::json(status, &json!({"error": message})),
    };
    if status == 429 { script.header("retry-after", "7") } else { script }
}

/// A structured answer, in pieces.
const CITY: &[&str] = &["{\"name\": \"Par", "is\", \"inhabitants\": 2100000}"];

/// The first tool that the model may call: some clients ask for a structured answer as the input of one.
fn offered(request: &Value) -> Option<String> {
    let tool = &request["tools"][0];
    let name = tool["function"].get("name").or(tool.get("name"));
    name.and_then(Value::as_str).map(str::to_owned)
}

/// Whether the caller's tools have answered.
fn holds_result(request: &Value) -> bool {
    let messages = request["messages"].as_array().into_iter().flatten();
    let parts = |message: &Value| message["content"].as_array().cloned().unwrap_or_default();
    messages.clone().any(|message| message["role"] == "tool")
        || messages.flat_map(parts).any(|part| part["type"] == "tool_result")
}

/// Anthropic's word for what a status means.
fn kind_of(status: u16) -> &'static str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

/// What is said in `case`, to `request`.
fn speech(case: &str, protocol: Protocol, request: &Value) -> Speech {
    let words = Speech::of(&["Hel", "lo ", "there"]);
    let (first, second) = match protocol {
        Protocol::Anthropic => ("toolu_1", "toolu_2"),
        _ => ("call_1", "call_2"),
    };
    match case {
        "call" => Speech::of(&["Let me ", "look."]).call(first, "weather", &["{\"ci", "ty\": \"Par", "is\"}"]),
        "calls" => Speech::default().call(first, "weather", &["{\"city\":", "\"Paris\"}"]).call(second, "clock", &[]),
        // A tool is asked for once.
        "round" if !holds_result(request) => Speech::default().call(first, "weather", &["{\"city\":", "\"Paris\"}"]),
        "structured" => match offered(request) {
            Some(tool) => Speech::default().call(first, tool, CITY),
            None => Speech::of(CITY),
        },
        "thinking" => Speech {
            thoughts: vec!["Hm, ", "well."],
            signature: Some("c2lnbmVk"),
            tokens: Tokens { thought: 3, ..Tokens::default() },
            ..words
        },
        "pondered" => Speech {
            thoughts: vec!["Hm, ", "well."],
            signature: Some("c2lnbmVk"),
            ..Speech::default().call(first, "weather", &["{\"city\":", "\"Paris\"}"])
        },
        "stopped" => Speech { stop: Stop::Sequence("END"), ..words },
        "long" => Speech { stop: Stop::Length, ..words },
        "cached" => Speech { tokens: Tokens { input: 12, cached: 8, written: 5, ..Tokens::default() }, ..words },
        "refused" => Speech { stop: Stop::Refusal, ..Speech::of(&["I won't ", "say."]) },
        "said" => Speech { broken: Some(Broken::Said), ..words },
        "ended" => Speech { broken: Some(Broken::Ended), ..words },
        "connection" => Speech { broken: Some(Broken::Connection), ..words },
        _ => words,
    }
}
