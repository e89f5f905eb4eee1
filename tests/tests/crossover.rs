//! The crossover: one program, run in process and through the gateway over the same provider, gets the same values.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::time::Duration;

use llm_core::chat::{ChatChunk, Tool};
use llm_core::{ErrorKind, Protocol};
use llm_providers::registry::ProviderRow;
use llm_providers::{ChatAnswer, ChatRequest, Client, Error, Provider, Secret, Timeouts};
use llm_tests::live::{Piece, Script, Seen, TestGateway, Upstream, anthropic, openai};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The key that the provider wants. Applications behind the gateway never have it.
const PROVIDER_KEY: &str = "pk-of-the-provider";
/// How long the provider may take to begin.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Person {
    name: String,
    age: u8,
}

/// What is promised of an error on both ways, and what comes along.
#[derive(Debug, PartialEq)]
struct Failure {
    kind: ErrorKind,
    status: u16,
    provider: Option<String>,
    retry_after: Option<Duration>,
    /// Message and code of a provider; none where a gateway keeps them to itself.
    said: Option<(String, Option<String>)>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let shown = error.provider().is_some() && error.kind() != ErrorKind::ProviderAuth;
        Self {
            kind: error.kind(),
            status: error.status().as_u16(),
            provider: error.provider().map(str::to_owned),
            retry_after: error.retry_after(),
            said: shown.then(|| (error.message().to_owned(), error.code().map(str::to_owned))),
        }
    }
}

/// A stream as the application saw it: every chunk, and how it ended.
#[derive(Debug, PartialEq)]
struct Streamed {
    chunks: Vec<ChatChunk>,
    end: Result<ChatAnswer, Failure>,
}

/// Everything that the program saw.
#[derive(Debug, PartialEq)]
struct Story {
    whole: ChatAnswer,
    stream: Streamed,
    tools: ChatAnswer,
    tools_streamed: Streamed,
    after_tools: ChatAnswer,
    person: Person,
    not_a_person: Failure,
    cut: Streamed,
    failures: Vec<(&'static str, Failure)>,
}

/// The application. It knows nothing of where its calls go.
async fn program(client: &Client) -> Story {
    let ask = |what: &str| ChatRequest::new("mock:m-1").system("be brief").user(what).max_tokens(100);
    let whole = client.chat(ask("words")).await.unwrap();

    let weather = || {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        ask("tools").tool(Tool::function("weather", "what it is like outside", schema))
    };
    let tools = client.chat(weather()).await.unwrap();
    let ids: Vec<String> = tools.tool_calls().iter().map(|call| call.id.clone()).collect();
    let mut next = weather().message(tools.message().unwrap().clone());
    for id in &ids {
        next = next.tool_result(id, "sunny");
    }
    let after_tools = client.chat(next).await.unwrap();

    let mut failures = Vec::new();
    for what in ["fail-400", "fail-401", "fail-404", "fail-429", "fail-500", "fail-529", "html", "slow"] {
        failures.push((what, client.chat(ask(what)).await.unwrap_err().into()));
    }
    for what in ["fail-400", "fail-429", "slow"] {
        failures.push((what, client.chat_stream(ask(what)).await.unwrap_err().into()));
    }
    failures.push(("unknown provider", client.chat(ChatRequest::new("mook:m").user("Hi")).await.unwrap_err().into()));

    Story {
        whole: clear(whole),
        stream: stream(client, ask("words")).await,
        tools: clear(tools),
        tools_streamed: stream(client, weather()).await,
        after_tools: clear(after_tools),
        person: client.chat_as(ask("person")).await.unwrap(),
        not_a_person: client.chat_as::<Person>(ask("words")).await.unwrap_err().into(),
        cut: stream(client, ask("cut")).await,
        failures,
    }
}

async fn stream(client: &Client, request: ChatRequest) -> Streamed {
    let mut stream = client.chat_stream(request).await.unwrap();
    let mut chunks = Vec::new();
    while let Some(next) = stream.next().await {
        match next {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => return Streamed { chunks, end: Err(error.into()) },
        }
    }
    Streamed { chunks, end: Ok(clear(stream.into_answer().await.unwrap())) }
}

/// The answer without what only a gateway says.
fn clear(mut answer: ChatAnswer) -> ChatAnswer {
    answer.call = None;
    answer
}

/// Runs the program both ways and holds what it saw against each other.
async fn same_both_ways(protocol: Protocol, script: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Story {
    let upstream = Upstream::start(script).await;
    let mut row = ProviderRow::new("Mock", protocol, upstream.url.as_str());
    row.key_optional = false;
    let timeouts = Timeouts { first_byte: PATIENCE, ..Timeouts::default() };
    let provider = Provider::new("mock", row, Some(Secret::new(PROVIDER_KEY)), timeouts).unwrap();
    let in_process = program(&Client::builder().provider(provider).build()).await;

    let gateway = TestGateway::start(&format!(
        r#"
        [providers.mock]
        protocol = "{protocol}"
        base_url = "{}"
        api_key = "{PROVIDER_KEY}"
        timeouts = {{ first_byte = "{}ms" }}
        "#,
        upstream.url,
        PATIENCE.as_millis(),
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let through_gateway = program(&gateway.client(&key)).await;

    let Story { failures, .. } = &in_process;
    for (ours, theirs) in failures.iter().zip(&through_gateway.failures) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(in_process.whole, through_gateway.whole);
    assert_eq!(in_process.stream, through_gateway.stream);
    assert_eq!(in_process.tools, through_gateway.tools);
    assert_eq!(in_process, through_gateway);

    let keys: Vec<_> = upstream.seen().iter().map(|seen| format!("{:?}", seen.headers)).collect();
    assert!(keys.iter().all(|headers| !headers.contains(&key)), "the virtual key went upstream");
    gateway.stop().await;
    in_process
}

/// What the application asked for last.
fn topic(seen: &Seen) -> String {
    let text = String::from_utf8_lossy(&seen.body).into_owned();
    let known = ["tools", "person", "cut", "html", "slow", "fail-"];
    let found = known.iter().find(|topic| text.contains(&format!("\"{topic}"))).copied().unwrap_or("words");
    match found {
        "fail-" => text.split("\"fail-").nth(1).unwrap()[..3].to_owned(),
        other => other.to_owned(),
    }
}

const WORDS: [&str; 4] = ["Grüße", ", ", "Welt", "! 🦀"];

fn openai_script(seen: &Seen) -> Script {
    let body = seen.json();
    let calls = json!([
        {"index": 0, "id": "call_a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Bonn\"}"}},
        {"index": 1, "id": "call_b", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}},
    ]);
    let failure = |status: u16| openai::error(status, "some_error", "some_code", "what went wrong");
    match topic(seen).as_str() {
        "tools" if body["messages"].as_array().unwrap().iter().any(|message| message["role"] == "tool") => {
            openai::echo(&body, &["sunny"], 30)
        }
        "tools" if body["stream"] == true => {
            let piece = |index: usize, text: &str| {
                openai::chunk(&json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]}), None)
            };
            let begin = |index: usize| {
                let mut call = calls[index].clone();
                call["function"]["arguments"] = json!("");
                openai::chunk(&json!({"tool_calls": [call]}), None)
            };
            Script::sse([
                openai::chunk(&json!({"role": "assistant", "content": null}), None),
                begin(0),
                piece(0, "{\"city\":"),
                piece(0, "\"Bonn\"}"),
                begin(1),
                piece(1, "{\"city\":\"Rome\"}"),
                openai::chunk(&json!({}), Some("tool_calls")),
                openai::usage(20, 12),
                "data: [DONE]\n\n".to_owned(),
            ])
        }
        "tools" => {
            let mut answer = openai::answer("", 20, 12);
            answer["choices"][0]["message"] = json!({"role": "assistant", "content": null, "tool_calls": calls});
            answer["choices"][0]["finish_reason"] = json!("tool_calls");
            answer["x_new_member"] = json!({"kept": [1, 2.5, null]});
            Script::json(200, &answer)
        }
        "person" => openai::echo(&body, &["{\"name\":\"Ada\",", "\"age\":36}"], 11),
        "cut" => Script::sse([
            openai::chunk(&json!({"role": "assistant", "content": "on"}), None),
            openai::chunk(&json!({"content": "ce"}), None),
        ])
        .then(Piece::Break),
        "html" => Script::body(200, "text/html", "<html>a page</html>"),
        "slow" => openai::echo(&body, &["late"], 1).after(Duration::from_secs(5)),
        "429" => failure(429).header("retry-after", "17"),
        "words" => openai::echo(&body, &WORDS, 9),
        status => failure(status.parse().unwrap()),
    }
}

fn anthropic_script(seen: &Seen) -> Script {
    let body = seen.json();
    let answer = |words: &[&str], input: u64| match body["stream"] == true {
        true => anthropic::stream(words, input),
        false => Script::json(200, &anthropic::answer(&words.concat(), input, words.len() as u64)),
    };
    let failure = |status: u16| anthropic::error(status, "some_error", "what went wrong");
    let call = |id: &str, city: &str| json!({"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}});
    match topic(seen).as_str() {
        "tools" if String::from_utf8_lossy(&seen.body).contains("tool_result") => answer(&["sunny"], 30),
        "tools" if body["stream"] == true => {
            let mut message = anthropic::answer("", 20, 1);
            message["content"] = json!([]);
            message["stop_reason"] = json!(null);
            let block = |index: usize, id: &str, city: &str| {
                let json = json!({"type": "input_json_delta", "partial_json": format!("{{\"city\": \"{city}\"}}")});
                let mut start = call(id, "");
                start["input"] = json!({});
                [
                    json!({"type": "content_block_start", "index": index, "content_block": start}),
                    json!({"type": "content_block_delta", "index": index, "delta": json}),
                    json!({"type": "content_block_stop", "index": index}),
                ]
            };
            let mut events = vec![json!({"type": "message_start", "message": message})];
            events.extend(block(0, "toolu_a", "Bonn"));
            events.extend(block(1, "toolu_b", "Rome"));
            let delta = json!({"stop_reason": "tool_use", "stop_sequence": null});
            events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}}));
            events.push(json!({"type": "message_stop"}));
            Script::sse(events.iter().map(anthropic::event))
        }
        "tools" => {
            let mut whole = anthropic::answer("", 20, 12);
            whole["content"] = json!([
                {"type": "text", "text": "let me look"}, call("toolu_a", "Bonn"), call("toolu_b", "Rome"),
            ]);
            whole["stop_reason"] = json!("tool_use");
            whole["x_new_member"] = json!({"kept": [1, 2.5, null]});
            Script::json(200, &whole)
        }
        "person" => answer(&["{\"name\":\"Ada\",", "\"age\":36}"], 11),
        "cut" => {
            let mut message = anthropic::answer("", 9, 1);
            message["content"] = json!([]);
            let text = json!({"type": "text_delta", "text": "once"});
            let events = [
                json!({"type": "message_start", "message": message}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "content_block_delta", "index": 0, "delta": text}),
            ];
            Script::sse(events.iter().map(anthropic::event)).then(Piece::Break)
        }
        "html" => Script::body(200, "text/html", "<html>a page</html>"),
        "slow" => answer(&["late"], 1).after(Duration::from_secs(5)),
        "429" => failure(429).header("retry-after", "17"),
        "words" => answer(&WORDS, 9),
        status => failure(status.parse().unwrap()),
    }
}

fn check(seen: &Story) {
    assert_eq!(seen.whole.text(), WORDS.concat());
    assert_eq!(seen.stream.end.as_ref().unwrap().text(), WORDS.concat());
    assert_eq!(seen.whole.usage().input_tokens(), 9);
    assert_eq!(seen.stream.end.as_ref().unwrap().usage().total(), seen.whole.usage().total());
    assert_eq!(seen.tools.tool_calls().len(), 2);
    assert_eq!(seen.tools_streamed.end.as_ref().unwrap().tool_calls().len(), 2);
    assert_eq!(seen.after_tools.text(), "sunny");
    assert_eq!(seen.person, Person { name: "Ada".to_owned(), age: 36 });
    assert_eq!(seen.not_a_person.kind, ErrorKind::ProviderError);
    let cut = seen.cut.end.as_ref().unwrap_err();
    assert_eq!((cut.kind, cut.provider.as_deref()), (ErrorKind::Cut, Some("mock")));
    assert!(!seen.cut.chunks.is_empty());
    let failure = |wanted: &str| &seen.failures.iter().find(|(what, _)| *what == wanted).unwrap().1;
    let expected = [
        ("fail-400", ErrorKind::InvalidRequest, 400),
        ("fail-401", ErrorKind::ProviderAuth, 401),
        ("fail-429", ErrorKind::RateLimited, 429),
        ("fail-500", ErrorKind::ProviderError, 500),
        ("fail-529", ErrorKind::Overloaded, 529),
        ("html", ErrorKind::ProviderError, 502),
        ("slow", ErrorKind::Timeout, 504),
    ];
    for (what, kind, status) in expected {
        let failure = failure(what);
        assert_eq!((failure.kind, failure.status, failure.provider.as_deref()), (kind, status, Some("mock")), "{what}");
    }
    assert_eq!(failure("fail-429").retry_after, Some(Duration::from_secs(17)));
    assert_eq!(failure("unknown provider").kind, ErrorKind::ModelNotFound);
}

#[tokio::test]
async fn a_program_sees_the_same_over_an_openai_provider() {
    check(&same_both_ways(Protocol::OpenAiChat, openai_script).await);
}

#[tokio::test]
async fn a_program_sees_the_same_over_an_anthropic_provider() {
    check(&same_both_ways(Protocol::Anthropic, anthropic_script).await);
}

#[tokio::test]
async fn only_the_gateway_speaks_of_the_call() {
    let upstream = Upstream::start(openai_script).await;
    let config = format!("[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"", upstream.url);
    let gateway = TestGateway::start(&config).await;
    let key = gateway.key(json!({})).await;
    let client = gateway.client(&key);
    let answer = client.chat(ChatRequest::new("mock:m-1").user("words")).await.unwrap();
    let streamed = client.chat_stream(ChatRequest::new("mock:m-1").user("words")).await.unwrap();
    let streamed = streamed.into_answer().await.unwrap();
    let calls = gateway.calls_once(2).await;
    for (answer, record) in [answer, streamed].iter().zip(&calls) {
        let call = answer.call.as_ref().unwrap();
        assert_eq!(call.id, record.id.to_string());
        assert_eq!((call.cost_usd, call.attempts), (record.cost_usd, 1));
        assert_eq!(answer.usage().input_tokens(), record.usage.input_tokens());
        assert_eq!(record.operation, "chat");
        assert_eq!(record.protocol, Protocol::Native);
    }
}

/// The program that [`the_environment_alone_moves_a_program_behind_the_gateway`] runs in a process of its own.
#[tokio::test]
#[ignore = "it is the child process of another test"]
async fn child_process() {
    let client = Client::from_env().unwrap();
    let answer = client.chat(ChatRequest::new("mock:m-1").user("words")).await.unwrap();
    println!("the answer is {:?}, by a gateway: {}", answer.text(), answer.call.is_some());
}

#[tokio::test]
async fn the_environment_alone_moves_a_program_behind_the_gateway() {
    let upstream = Upstream::start(openai_script).await;
    let config = format!("[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"", upstream.url);
    let gateway = TestGateway::start(&config).await;
    let key = gateway.key(json!({})).await;
    let with_key = gateway.url.replace("http://", &format!("http://{key}@"));
    let run = |variables: Vec<(&'static str, String)>| async move {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "child_process", "--ignored", "--nocapture"]);
        child.env_remove("LLM_GATEWAY_URL").env_remove("LLM_GATEWAY_KEY").envs(variables);
        let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let wanted = format!("the answer is {:?}, by a gateway: true", WORDS.concat());
    let in_url = run(vec![("LLM_GATEWAY_URL", with_key)]).await;
    assert!(in_url.contains(&wanted), "{in_url}");
    let url = gateway.url.clone();
    let beside = run(vec![("LLM_GATEWAY_URL", url.clone()), ("LLM_GATEWAY_KEY", key)]).await;
    assert!(beside.contains(&wanted), "{beside}");
    let wrong = run(vec![("LLM_GATEWAY_URL", url), ("LLM_GATEWAY_KEY", "sk-wrong".to_owned())]).await;
    assert!(!wrong.contains("the answer is"), "{wrong}");
    assert_eq!(gateway.calls().await.len(), 2);
}
