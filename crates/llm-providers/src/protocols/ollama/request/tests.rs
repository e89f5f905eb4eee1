use llm_core::chat::{
    CacheControl, ChatRequest, Content, Effort, Media, MediaKind, MediaSource, Message, Part, Reasoning,
    ResponseFormat, Role, Tool, ToolCall, ToolChoice, ToolResult, UnsupportedPolicy,
};
use llm_core::codec::{Encoded, Quirks, Target};
use llm_core::{ErrorKind, Native, Protocol, Result};
use serde_json::{Value, json};

fn encode_with(request: &ChatRequest, quirks: &Quirks, stream: bool) -> Result<Encoded> {
    super::encode(
        request,
        &Target {
            provider: "ollama",
            model: "m",
            version: None,
            quirks,
            variables: &Default::default(),
            stream,
            max_output: None,
            id_seed: "",
        },
    )
}

fn encode(request: &ChatRequest) -> Result<Encoded> {
    encode_with(request, &Quirks::default(), false)
}

fn body(request: &ChatRequest) -> Value {
    serde_json::from_slice(&encode(request).unwrap().body).unwrap()
}

fn hello() -> ChatRequest {
    ChatRequest::new("m").user("Hello")
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    ToolCall::new(id, name, arguments).into()
}

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

#[test]
fn not_to_stream_is_said() {
    assert_eq!(
        body(&hello()),
        json!({"model": "m", "stream": false, "messages": [{"role": "user", "content": "Hello"}]})
    );
    let streamed = encode_with(&hello(), &Quirks::default(), true).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&streamed.body).unwrap()["stream"], true);
}

#[test]
fn sampling_stands_under_options() {
    let request = ChatRequest {
        max_tokens: Some(64),
        temperature: Some(0.25),
        top_p: Some(0.5),
        top_k: Some(3),
        seed: Some(-42),
        stop: vec!["END".into()],
        presence_penalty: Some(0.5),
        frequency_penalty: Some(0.75),
        logprobs: Some(true),
        top_logprobs: Some(3),
        ..hello()
    };
    let body = body(&request);
    assert_eq!(
        body["options"],
        json!({"num_predict": 64, "temperature": 0.25, "top_p": 0.5, "top_k": 3, "seed": -42, "stop": ["END"],
            "presence_penalty": 0.5, "frequency_penalty": 0.75})
    );
    assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(3)));
}

#[test]
fn results_name_the_tool_and_arguments_are_objects() {
    let tool = Tool::function("tide", "Height of the tide.", json!({"type": "object"}));
    let thought = Reasoning {
        text: "Look it up.".into(),
        signature: Some("opaque".into()),
        provider: Some("anthropic".into()),
        ..Reasoning::default()
    };
    let asks = vec![thought.into(), call("a", "tide", "{\"port\": \"Brest\"}"), call("b", "wind", "")];
    let answers = vec![Part::tool_result("b", "calm"), Part::tool_result("a", "2.5"), Part::text("Well?")];
    let request = ChatRequest::new("m")
        .message(Message::text(Role::Developer, "Be brief."))
        .message(Message::new(Role::Assistant, asks))
        .message(Message::new(Role::User, answers))
        .tool(tool)
        .tool_choice(ToolChoice::Auto);
    let body = body(&request);
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "thinking": "Look it up.", "tool_calls": [
                {"function": {"name": "tide", "arguments": {"port": "Brest"}}},
                {"function": {"name": "wind", "arguments": {}}},
            ]},
            {"role": "tool", "content": "calm", "tool_name": "wind"},
            {"role": "tool", "content": "2.5", "tool_name": "tide"},
            {"role": "user", "content": "Well?"},
        ])
    );
    assert_eq!(
        body["tools"],
        json!([{"type": "function", "function": {
            "name": "tide", "description": "Height of the tide.", "parameters": {"type": "object"}}}])
    );
}

#[test]
fn images_stand_beside_one_text() {
    let image = || Part::image_url(format!("data:image/png;base64,{PNG}"));
    let parts = vec![Part::text("First:"), image(), Part::text("Second:"), image()];
    assert_eq!(
        body(&ChatRequest::new("m").user_parts(parts))["messages"],
        json!([{"role": "user", "content": "First:\nSecond:", "images": [PNG, PNG]}])
    );
    let pieces = vec![Part::text("The tide"), Part::text(" is high.")];
    let said = ChatRequest::new("m").message(Message::new(Role::Assistant, pieces));
    assert_eq!(body(&said)["messages"], json!([{"role": "assistant", "content": "The tide is high."}]));
}

#[test]
fn forms_and_thinking() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let format = ResponseFormat::JsonSchema {
        name: "n".into(),
        description: None,
        schema: schema.clone(),
        strict: Some(true),
        native: Native::NONE,
    };
    assert_eq!(body(&hello().response_format(format))["format"], schema);
    assert_eq!(body(&hello().response_format(ResponseFormat::JsonObject))["format"], "json");
    assert_eq!(body(&hello().response_format(ResponseFormat::Text)).get("format"), None);
    assert_eq!(body(&hello().effort(Effort::High))["think"], "high");
    assert_eq!(body(&hello().effort(Effort::None))["think"], false);
    let mut request = hello();
    request.reasoning.get_or_insert_default().enabled = Some(true);
    assert_eq!(body(&request)["think"], true);
}

/// The parameter that stands in the way of `request`.
fn refused(request: &ChatRequest) -> String {
    let error = encode(request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedParameter, "{error}");
    error.param().unwrap().to_owned()
}

#[test]
fn what_it_has_no_word_for_is_refused_by_name() {
    let media = |kind, source| ChatRequest::new("m").user_parts(vec![Media::new(kind, source).into()]);
    let inline = |media_type: &str| MediaSource::Base64 { media_type: media_type.into(), data: "AAAA".into() };
    let strict = Tool::Function {
        name: "t".into(),
        description: None,
        parameters: None,
        strict: Some(true),
        cache: None,
        native: Native::NONE,
    };
    let mut budget = hello();
    budget.reasoning.get_or_insert_default().budget_tokens = Some(2048);
    let mut foreign = hello();
    foreign.native.insert(Protocol::OpenAiChat, "logit_bias", json!({"50": -1}));
    let cases = [
        (foreign, "logit_bias"),
        (hello().tool_choice(ToolChoice::Required), "tool_choice"),
        (hello().tool_choice(ToolChoice::None), "tool_choice"),
        (hello().tool_choice(ToolChoice::Function("t".into())), "tool_choice"),
        (ChatRequest { parallel_tool_calls: Some(false), ..hello() }, "parallel_tool_calls"),
        (ChatRequest { n: Some(2), ..hello() }, "n"),
        (ChatRequest { user: Some("u".into()), ..hello() }, "user"),
        (ChatRequest { metadata: json!({"a": "b"}).as_object().cloned(), ..hello() }, "metadata"),
        (ChatRequest { service_tier: Some("flex".into()), ..hello() }, "service_tier"),
        (hello().tool(strict), "tools[0].function.strict"),
        (hello().tool(Tool::Provider { native: Native::new(Protocol::Anthropic, Default::default()) }), "tools[0]"),
        (budget, "reasoning.budget_tokens"),
        (ChatRequest::new("m").user_parts(vec![Part::text("x").cached()]), "cache_control"),
        (ChatRequest::new("m").user_parts(vec![Part::image_url("https://e.org/cat.png")]), "messages[0].content[0]"),
        (media(MediaKind::Audio, inline("audio/wav")), "messages[0].content[0]"),
        (media(MediaKind::Document, inline("application/pdf")), "messages[0].content[0]"),
    ];
    for (request, param) in cases {
        assert_eq!(refused(&request), param);
    }
}

#[test]
fn a_lenient_caller_is_told_what_was_left_out() {
    let request = ChatRequest {
        user: Some("u".into()),
        unsupported: UnsupportedPolicy::Drop,
        ..hello().tool_choice(ToolChoice::Required)
    };
    let encoded = encode(&request).unwrap();
    assert_eq!(encoded.dropped, ["tool_choice", "user"]);
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).unwrap()["messages"][0]["content"], "Hello");
    let mut budget = ChatRequest { unsupported: UnsupportedPolicy::Drop, ..hello() };
    budget.reasoning.get_or_insert_default().budget_tokens = Some(2048);
    assert_eq!(body(&budget)["think"], true);
}

/// A question without its picture is another question, however lenient the caller is.
#[test]
fn media_are_never_left_out() {
    let mut request = ChatRequest::new("m").user_parts(vec![Part::image_url("https://e.org/cat.png")]);
    request.unsupported = UnsupportedPolicy::Drop;
    assert_eq!(refused(&request), "messages[0].content[0]");
}

#[test]
fn a_row_may_refuse_and_rename() {
    let quirks = Quirks {
        refuse: ["seed".to_owned()].into(),
        rename: [("num_predict".to_owned(), "max_new".to_owned()), ("think".to_owned(), "reason".to_owned())].into(),
        ..Quirks::default()
    };
    let request = hello().max_tokens(5).effort(Effort::Low);
    let encoded = encode_with(&request, &quirks, false).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!((&body["options"], &body["reason"]), (&json!({"max_new": 5}), &json!("low")));
    let error = encode_with(&ChatRequest { seed: Some(1), ..request }, &quirks, false).unwrap_err();
    assert_eq!(error.param(), Some("seed"));
}

#[test]
fn arguments_that_are_not_json_are_refused() {
    let request = ChatRequest::new("m").message(Message::new(Role::Assistant, vec![call("a", "tide", "{\"port\": ")]));
    let error = encode(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().contains("`a`"), "{error}");
}

#[test]
fn what_is_wrong_with_a_request_is_said_by_name() {
    let wrong = |body: Value| super::decode(body.to_string().as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            wrong(json!([])),
            wrong(json!({"messages": []})),
            wrong(json!({"model": "m"})),
            wrong(json!({"model": "m", "messages": "hello"})),
            wrong(json!({"model": "m", "messages": ["hello"]})),
            wrong(json!({"model": "m", "messages": [{"content": "hello"}]})),
            wrong(json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]})),
            wrong(json!({"model": "m", "messages": [], "options": {"temperature": "warm"}})),
            wrong(json!({"model": "m", "messages": [], "options": {"stop": [1]}})),
            wrong(json!({"model": "m", "messages": [], "tools": [{"function": {}}]})),
            wrong(json!({"model": "m", "messages": [], "think": 3})),
        ]
        .join("\n"),
        @r"
        the request body must be a JSON object, not a list
        missing required parameter `model`
        missing required parameter `messages`
        `messages` must be a list, not a string
        `messages[0]` must be an object, not a string
        missing required parameter `messages[0].role`
        `messages[0].content` must be a string, not a list
        `options.temperature` must be a number, not a string
        `options.stop` must be a list of strings, not a list
        missing required parameter `tools[0].function.name`
        `think` must be true, false or a level, not a number
        "
    );
}

#[test]
fn a_missing_stream_member_means_a_stream() {
    let (_, cx) = super::decode(br#"{"model": "m", "messages": []}"#).unwrap();
    assert!(cx.stream && cx.include_usage);
}

/// Calls in a history without ids get ids that no two share, and each result finds its own.
#[test]
fn ids_are_made_for_a_history() {
    let tide = json!({"function": {"name": "tide", "arguments": {}}});
    let result = json!({"role": "tool", "content": "1", "tool_name": "tide"});
    let turn = json!({"role": "assistant", "tool_calls": [tide, tide]});
    let body = json!({"model": "m", "messages": [turn, result, result, turn, result, result, result]});
    let (request, _) = super::decode(body.to_string().as_bytes()).unwrap();
    let mut asked = Vec::new();
    let mut answered = Vec::new();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        match &part.content {
            Content::ToolCall(call) => asked.push(call.id.as_str()),
            Content::ToolResult(ToolResult { call_id, .. }) => answered.push(call_id.as_str()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, ["call_0_0", "call_0_1", "call_3_0", "call_3_1"]);
    assert_eq!(answered, ["call_0_0", "call_0_1", "call_3_0", "call_3_1", "call_6"]);
}

#[test]
fn a_mark_for_the_cache_is_refused_on_tools_and_results_too() {
    let cached = Some(CacheControl::default());
    let mut result = Part::tool_result("a", "x");
    result.cache.clone_from(&cached);
    assert_eq!(refused(&ChatRequest::new("m").message(Message::new(Role::Tool, vec![result]))), "cache_control");
    let native = Native::NONE;
    let tool =
        Tool::Function { name: "t".into(), description: None, parameters: None, strict: None, cache: cached, native };
    assert_eq!(refused(&hello().tool(tool)), "cache_control");
}
