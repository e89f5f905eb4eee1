use std::collections::BTreeMap;

use llm_core::chat::{
    CacheControl, ChatRequest, Citation, Content, Effort, Media, MediaKind, MediaSource, Message, Part, Reasoning,
    ReasoningOptions, ResponseFormat, Role, ServerToolCall, Tool, ToolCall, ToolChoice, ToolResult, UnsupportedPolicy,
};
use llm_core::codec::{Encoded, Quirks, RequestHead, Target};
use llm_core::{Error, ErrorKind, Native, Protocol};
use serde_json::{Map, Value, json};

use super::super::super::{CLASSIC, LATEST};
use super::encode;

struct To {
    version: Option<&'static str>,
    model: &'static str,
    max_output: Option<u64>,
    quirks: Quirks,
}

impl Default for To {
    fn default() -> Self {
        Self { version: None, model: "claude-x", max_output: None, quirks: Quirks::default() }
    }
}

fn send(request: &ChatRequest, to: &To) -> llm_core::Result<Encoded> {
    let target = Target {
        provider: "anthropic",
        model: to.model,
        version: to.version,
        quirks: &to.quirks,
        variables: &BTreeMap::new(),
        stream: false,
        max_output: to.max_output,
        id_seed: "7",
    };
    encode(request, &target)
}

fn sent(request: ChatRequest) -> Value {
    body(&send(&request, &To::default()).unwrap())
}

fn body(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

fn refused(request: ChatRequest) -> Error {
    send(&request, &To::default()).unwrap_err()
}

fn ask() -> ChatRequest {
    ChatRequest::new("anthropic:claude-x").user("hi")
}

fn said(role: Role, parts: Vec<Part>) -> ChatRequest {
    ChatRequest::new("x").message(Message::new(role, parts))
}

fn call(id: &str, arguments: &str) -> Part {
    ToolCall::new(id, "f", arguments).into()
}

#[test]
fn the_default_version_is_the_newest() {
    let version =
        |version| send(&ask(), &To { version, ..To::default() }).unwrap().headers["anthropic-version"].clone();
    assert_eq!(version(None), LATEST);
    assert_eq!(version(Some("")), LATEST);
    assert_eq!(version(Some(CLASSIC)), CLASSIC);
}

#[test]
fn a_bound_is_found_where_none_is_said() {
    let bound = |request: &ChatRequest, max_output| {
        body(&send(request, &To { max_output, ..To::default() }).unwrap())["max_tokens"].as_u64().unwrap()
    };
    assert_eq!(bound(&ask().max_tokens(7), Some(100)), 7);
    assert_eq!(bound(&ask(), None), 4096);
    assert_eq!(bound(&ask(), Some(8192)), 8192);
    assert_eq!(bound(&ask(), Some(128_000)), 32_000);
    let mut thinking = ask();
    thinking.reasoning = Some(ReasoningOptions { budget_tokens: Some(40_000), ..ReasoningOptions::default() });
    assert_eq!(bound(&thinking, None), 44_096);
    assert_eq!(bound(&thinking, Some(64_000)), 44_096);
    assert_eq!(bound(&thinking, Some(42_000)), 42_000);
}

#[test]
fn instructions_are_hoisted_in_order() {
    let request = ChatRequest::new("x").system("one").user("hi").message(Message::text(Role::Developer, "two"));
    let body = sent(request);
    assert_eq!(body["system"], json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": "hi"}]));
    assert_eq!(sent(ask().system("one"))["system"], "one");
    let cached = said(Role::System, vec![Part::text("one").cached()]);
    assert_eq!(
        sent(cached.user("hi"))["system"],
        json!([{"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}])
    );
}

#[test]
fn results_and_what_follows_are_one_message() {
    let mut failed = ToolResult::new("b.1:2", vec![Part::text("no"), Part::text("")]);
    failed.is_error = Some(true);
    let request = ChatRequest::new("x")
        .message(Message::new(Role::Assistant, vec![call("a", ""), call("b.1:2", "{\"x\":1}")]))
        .tool_result("a", "")
        .system("between")
        .message(Message::new(Role::Tool, vec![failed.into()]))
        .user("go on")
        .user("please");
    assert_eq!(
        sent(request)["messages"],
        json!([
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                {"type": "tool_use", "id": "b_1_2", "name": "f", "input": {"x": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a"},
                {"type": "tool_result", "tool_use_id": "b_1_2", "content": "no", "is_error": true},
                {"type": "text", "text": "go on"},
            ]},
            {"role": "user", "content": "please"},
        ])
    );
}

#[test]
fn arguments_must_be_an_object() {
    for arguments in ["{", "[1]", "5", "\"x\""] {
        let error = refused(said(Role::Assistant, vec![call("c1", arguments)]));
        assert_eq!(
            (error.kind(), error.param()),
            (ErrorKind::InvalidRequest, Some("messages[0].content[0].arguments"))
        );
        assert!(error.message().contains("`c1`"), "{error}");
    }
}

#[test]
fn thoughts_come_first_and_go_home_only() {
    let thought = |text: &str, signature: Option<&str>, provider: Option<&str>| {
        Part::from(Reasoning {
            text: text.to_owned(),
            signature: signature.map(str::to_owned),
            provider: provider.map(str::to_owned),
            ..Reasoning::default()
        })
    };
    let hidden = |provider: Option<&str>| {
        Part::from(Reasoning {
            encrypted: Some("d".to_owned()),
            provider: provider.map(str::to_owned),
            ..Reasoning::default()
        })
    };
    let request = said(
        Role::Assistant,
        vec![
            Part::text("said"),
            thought("unsigned", None, None),
            thought("foreign", Some("s"), Some("gemini")),
            thought("own", Some("s"), Some("anthropic")),
            hidden(Some("openai")),
            hidden(None),
        ],
    );
    assert_eq!(
        sent(request)["messages"][0]["content"],
        json!([
            {"type": "thinking", "thinking": "own", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "said"},
        ])
    );
    // A message with nothing left to say is left out, and unsigned thoughts go where the row asks for them.
    let unsigned = || said(Role::Assistant, vec![thought("unsigned", None, None)]).user("hi");
    assert_eq!(sent(unsigned())["messages"], json!([{"role": "user", "content": "hi"}]));
    let quirks = Quirks { replay_reasoning: true, ..Quirks::default() };
    let kept = body(&send(&unsigned(), &To { quirks, ..To::default() }).unwrap());
    assert_eq!(kept["messages"][0]["content"][0]["thinking"], "unsigned");
}

#[test]
fn anthropics_own_thoughts_stay_where_they_stood() {
    let content = json!([
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": "b", "signature": "s"},
        {"type": "thinking", "thinking": "made up for a caller's SDK", "signature": ""},
    ]);
    let asked = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "assistant", "content": content}]});
    let (request, _) = super::super::decode(&RequestHead::default(), asked.to_string().as_bytes()).unwrap();
    let again = sent(request);
    assert_eq!(again["messages"][0]["content"], json!([content[0], content[1]]));
}

#[test]
fn media_go_as_anthropic_takes_them() {
    let media = |kind, source| Part::from(Media::new(kind, source));
    let inline =
        |media_type: &str, data: &str| MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
    let url = || MediaSource::Url { url: "https://example.org/a".to_owned() };
    let mut named = Media::new(MediaKind::Document, inline("application/pdf", "JVBERi0="));
    named.name = Some("a.pdf".to_owned());
    let parts = vec![
        media(MediaKind::Image, inline("image/png", "AA==")),
        media(MediaKind::Image, url()),
        named.into(),
        media(MediaKind::Document, inline("text/plain; charset=utf-8", "aMOp")),
        media(MediaKind::Document, url()),
        media(MediaKind::Document, MediaSource::File { id: "file_1".to_owned() }),
    ];
    let sources: Vec<Value> = sent(said(Role::User, parts))["messages"][0]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| json!([block["type"], block["source"], block["title"]]))
        .collect();
    let at_url = json!({"type": "url", "url": "https://example.org/a"});
    assert_eq!(
        json!(sources),
        json!([
            ["image", {"type": "base64", "media_type": "image/png", "data": "AA=="}, null],
            ["image", at_url, null],
            ["document", {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}, "a.pdf"],
            ["document", {"type": "text", "media_type": "text/plain", "data": "hé"}, null],
            ["document", at_url, null],
            ["document", {"type": "file", "file_id": "file_1"}, null],
        ])
    );
    let mut low = Media::new(MediaKind::Image, url());
    low.detail = Some("low".to_owned());
    for part in [
        media(MediaKind::Audio, inline("audio/wav", "AA==")),
        media(MediaKind::Video, url()),
        media(MediaKind::Document, inline("application/msword", "AA==")),
        media(MediaKind::Document, inline("text/plain", "%")),
    ] {
        let error = refused(said(Role::User, vec![Part::text("x"), part]));
        assert_eq!(error.kind(), ErrorKind::UnsupportedParameter);
        assert!(error.param().unwrap().starts_with("messages[0].content[1]"), "{error}");
    }
    assert_eq!(refused(said(Role::User, vec![Part::text("x"), low.into()])).param(), Some("detail"));
}

#[test]
fn parts_and_tools_of_other_protocols_are_refused_by_name() {
    let foreign = ServerToolCall { kind: "web_search_call".to_owned(), ..ServerToolCall::default() };
    let unknown = Content::Unknown { protocol: Protocol::OpenAiChat, value: json!({"type": "hologram"}) };
    for (part, word) in [(Part::from(foreign), "`web_search_call`"), (Part::from(unknown), "`hologram`")] {
        let error = refused(said(Role::Assistant, vec![part]));
        assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some("messages[0].content[0]")));
        assert!(error.message().contains(word), "{error}");
    }
    let native = Native::new(Protocol::OpenAiChat, Map::new());
    let error = refused(ask().tool(Tool::Provider { native: native.clone() }));
    assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some("tools[0]")));
    let error = refused(ask().tool_choice(ToolChoice::Native(native)));
    assert_eq!(error.param(), Some("tool_choice"));
    let mut speaker = Message::text(Role::User, "x");
    speaker.name = Some("ann".to_owned());
    assert_eq!(refused(ask().message(speaker)).param(), Some("messages[1].name"));
    let narrator = Message::text(Role::Unknown("narrator".to_owned()), "x");
    assert_eq!(refused(ask().message(narrator)).param(), Some("messages[1].role"));
}

#[test]
fn what_anthropic_has_no_member_for_is_refused_or_reported() {
    let mut request = ask().temperature(0.5);
    request.top_p = Some(0.5);
    request.top_k = Some(5);
    request.seed = Some(1);
    request.presence_penalty = Some(0.1);
    request.frequency_penalty = Some(0.1);
    request.n = Some(2);
    request.logprobs = Some(true);
    request.top_logprobs = Some(1);
    request.response_format = Some(ResponseFormat::JsonObject);
    request.metadata = json!({"team": "blue"}).as_object().cloned();
    request.service_tier = Some("flex".to_owned());
    request.unsupported = UnsupportedPolicy::Drop;
    let encoded = send(&request, &To { version: Some(LATEST), ..To::default() }).unwrap();
    let all = [
        "response_format",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "n",
        "logprobs",
        "top_logprobs",
        "metadata",
        "service_tier",
    ];
    assert_eq!(encoded.dropped, all);
    assert_eq!(body(&encoded), sent(ask()));
    // The older version samples as it is told, and is spoken wherever nobody has chosen one.
    let classic = send(&request, &To::default()).unwrap();
    assert_eq!(classic.headers["anthropic-version"], CLASSIC);
    assert_eq!(send(&ask(), &To::default()).unwrap().headers["anthropic-version"], LATEST);
    assert_eq!(body(&classic)["temperature"], 0.5);
    assert_eq!(body(&classic)["top_k"], 5);
    assert!(!classic.dropped.iter().any(|name| name.starts_with("to") && name != "top_logprobs"));
    request.unsupported = UnsupportedPolicy::Refuse;
    assert_eq!(refused(request).param(), Some("response_format"));
    // What asks for nothing is no request.
    let mut nothing = ask();
    nothing.n = Some(1);
    nothing.logprobs = Some(false);
    nothing.presence_penalty = Some(0.0);
    nothing.response_format = Some(ResponseFormat::Text);
    nothing.service_tier = Some("default".to_owned());
    nothing.metadata = json!({"user_id": "u"}).as_object().cloned();
    let body = sent(nothing);
    assert_eq!((&body["service_tier"], &body["metadata"]), (&json!("standard_only"), &json!({"user_id": "u"})));
}

#[test]
fn the_newer_version_refuses_what_the_older_took() {
    let cited = |role| {
        let citation = json!({"type": "char_location", "cited_text": "a"});
        let native = Native::new(Protocol::Anthropic, citation.as_object().unwrap().clone());
        let citations = vec![Citation { native, ..Citation::default() }];
        said(role, vec![Part::from(Content::Text { text: "a".to_owned(), citations })])
    };
    assert_eq!(refused(cited(Role::User)).param(), Some("messages[0].content[0].citations"));
    assert!(sent(cited(Role::Assistant))["messages"][0]["content"][0]["citations"].is_array());
    let classic = To { version: Some(CLASSIC), ..To::default() };
    assert!(send(&cited(Role::User), &classic).is_ok());
    let source = MediaSource::Url { url: "https://example.org".to_owned() };
    let native = Native::new(Protocol::Anthropic, Map::new());
    let document = Part::from(Media::new(MediaKind::Document, source)).with_native(native);
    let request = said(Role::Assistant, vec![document]);
    assert_eq!(refused(request.clone()).param(), Some("messages[0].content[0]"));
    assert!(send(&request, &classic).is_ok());
}

#[test]
fn tools_and_choices() {
    let schema = json!({"type": "object", "properties": {}});
    let mut bare = Tool::function("g", "", json!({"properties": {}}));
    if let Tool::Function { description, strict, cache, .. } = &mut bare {
        *description = None;
        *strict = Some(false);
        *cache = Some(CacheControl { ttl: Some("1h".to_owned()), native: Native::NONE });
    }
    let mut request = ask().tool(Tool::function("f", "does", schema.clone())).tool(bare);
    assert_eq!(
        sent(request.clone())["tools"],
        json!([
            {"name": "f", "description": "does", "input_schema": schema},
            {"name": "g", "input_schema": {"properties": {}, "type": "object"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ])
    );
    let mut choice = |choice, parallel| {
        request.tool_choice = choice;
        request.parallel_tool_calls = parallel;
        sent(request.clone())["tool_choice"].clone()
    };
    assert_eq!(choice(None, None), Value::Null);
    assert_eq!(choice(None, Some(true)), Value::Null);
    assert_eq!(choice(None, Some(false)), json!({"type": "auto", "disable_parallel_tool_use": true}));
    assert_eq!(
        choice(Some(ToolChoice::Required), Some(false)),
        json!({"type": "any", "disable_parallel_tool_use": true})
    );
    assert_eq!(choice(Some(ToolChoice::None), Some(false)), json!({"type": "none"}));
    assert_eq!(choice(Some(ToolChoice::Function("f".to_owned())), None), json!({"type": "tool", "name": "f"}));
    let mut no_tools = ask();
    no_tools.parallel_tool_calls = Some(false);
    assert_eq!(sent(no_tools)["tool_choice"], Value::Null);
}

#[test]
fn thinking_is_asked_for_as_the_model_takes_it() {
    let ask_for = |options: ReasoningOptions, model| {
        let mut request = ask();
        request.reasoning = Some(options);
        send(&request, &To { model, ..To::default() }).map(|encoded| {
            let body = body(&encoded);
            json!([body["thinking"], body["output_config"]["effort"]])
        })
    };
    let effort = |effort| ReasoningOptions { effort: Some(effort), ..ReasoningOptions::default() };
    let budget = |tokens| ReasoningOptions { budget_tokens: Some(tokens), ..ReasoningOptions::default() };
    let enabled = |enabled| ReasoningOptions { enabled: Some(enabled), ..ReasoningOptions::default() };
    let adaptive = json!({"type": "adaptive"});
    assert_eq!(ask_for(effort(Effort::High), "claude-opus-5").unwrap(), json!([adaptive, "high"]));
    assert_eq!(ask_for(effort(Effort::Minimal), "claude-opus-5").unwrap(), json!([adaptive, "low"]));
    assert_eq!(ask_for(effort(Effort::None), "claude-opus-5").unwrap(), json!([{"type": "disabled"}, null]));
    assert_eq!(ask_for(enabled(true), "claude-opus-5").unwrap(), json!([adaptive, null]));
    assert_eq!(ask_for(enabled(false), "claude-opus-5").unwrap(), json!([{"type": "disabled"}, null]));
    let wanted = json!([{"type": "enabled", "budget_tokens": 2000}, null]);
    assert_eq!(ask_for(budget(2000), "claude-haiku-4-5").unwrap(), wanted);
    let error = ask_for(budget(2000), "claude-opus-5").unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some("thinking.budget_tokens")));
}

#[test]
fn models_before_4_6_think_by_a_budget_below_the_bound() {
    let send_to = |request: &ChatRequest, model, max_output| {
        let encoded = send(request, &To { model, max_output, ..To::default() })?;
        let body = body(&encoded);
        Ok::<_, Error>(json!([body["thinking"], body["output_config"]["effort"], body["max_tokens"]]))
    };
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let high = ask().effort(Effort::High);
    for model in ["claude-haiku-4-5", "claude-sonnet-4-5@20250929", "us.anthropic.claude-sonnet-4-20250514-v1:0"] {
        assert_eq!(send_to(&high, model, Some(64_000)).unwrap(), json!([budget(24_576), null, 32_000]), "{model}");
    }
    assert_eq!(send_to(&high, "claude-opus-4-5", None).unwrap(), json!([budget(24_576), "high", 28_672]));
    let bounded = high.clone().max_tokens(4096);
    assert_eq!(send_to(&bounded, "claude-haiku-4-5", Some(64_000)).unwrap(), json!([budget(2048), null, 4096]));
    let mut switch = ask();
    switch.reasoning = Some(ReasoningOptions { enabled: Some(true), ..ReasoningOptions::default() });
    assert_eq!(send_to(&switch, "claude-haiku-4-5", Some(64_000)).unwrap(), json!([budget(8192), null, 32_000]));
    let refused = |request: &ChatRequest, model| send_to(request, model, None).unwrap_err().param().unwrap().to_owned();
    assert_eq!(refused(&high.clone().max_tokens(1000), "claude-haiku-4-5"), "reasoning_effort");
    assert_eq!(refused(&ask().effort(Effort::from("some")), "claude-haiku-4-5"), "reasoning_effort");
    assert_eq!(refused(&high, "claude-3-5-haiku-20241022"), "reasoning_effort");
    let none = ask().effort(Effort::None);
    assert_eq!(send_to(&none, "claude-3-5-haiku-20241022", None).unwrap(), json!([null, null, 4096]));
    // A beta in other clouds.
    let quirks = Quirks { host: llm_core::codec::Host::Vertex, ..Quirks::default() };
    let to = To { model: "claude-opus-4-5@20251101", quirks, ..To::default() };
    assert_eq!(body(&send(&high, &to).unwrap())["output_config"], Value::Null);
}

#[test]
fn a_budget_is_left_out_where_a_turn_goes_on_without_its_thoughts() {
    let thought = Reasoning { text: "Hm.".to_owned(), signature: Some("s".to_owned()), ..Reasoning::default() };
    let turn = |parts: Vec<Part>| {
        let mut request = ask().message(Message::new(Role::Assistant, parts)).tool_result("a", "1").effort(Effort::Low);
        if let Some(options) = &mut request.reasoning {
            options.native = Native::new(Protocol::OpenAiChat, Map::new());
        }
        request
    };
    let to = To { model: "claude-haiku-4-5", ..To::default() };
    let without = send(&turn(vec![call("a", "{}")]), &to).unwrap();
    assert_eq!(body(&without)["thinking"], Value::Null);
    assert_eq!(without.dropped, ["reasoning_effort"]);
    let with = send(&turn(vec![thought.into(), call("a", "{}")]), &to).unwrap();
    assert_eq!(body(&with)["thinking"]["budget_tokens"], 1024);
    assert!(with.dropped.is_empty());
    // Newer models need not see them.
    let newer = send(&turn(vec![call("a", "{}")]), &To { model: "claude-opus-5", ..To::default() }).unwrap();
    assert_eq!(body(&newer)["thinking"], json!({"type": "adaptive"}));
}

#[test]
fn texts_of_blanks_are_left_out() {
    let request = ask().message(Message::new(Role::Assistant, vec![Part::text("\n\n"), call("a", "{}")]));
    assert_eq!(
        sent(request.tool_result("a", " "))["messages"],
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
        ])
    );
}

#[test]
fn a_rows_quirks_are_kept() {
    let quirks = Quirks {
        rename: BTreeMap::from([("max_tokens".to_owned(), "max_output".to_owned())]),
        refuse: std::collections::BTreeSet::from(["metadata".to_owned()]),
        ..Quirks::default()
    };
    let to = To { quirks, ..To::default() };
    assert_eq!(body(&send(&ask(), &to).unwrap())["max_output"], 4096);
    let mut request = ask();
    request.user = Some("u".to_owned());
    assert_eq!(send(&request, &to).unwrap_err().param(), Some("metadata"));
}
