use std::collections::BTreeMap;

use llm_core::ErrorKind;
use llm_core::chat::{
    CacheControl, ChatRequest, Content, Effort, Media, MediaKind, MediaSource, Message, Part, Reasoning,
    ReasoningOptions, ResponseFormat, Role, Tool, ToolCall, ToolChoice, UnsupportedPolicy,
};
use llm_core::codec::{Encoded, Quirks, RequestHead, Target, Upstream};
use llm_core::{Native, Protocol, Result};
use serde_json::{Value, json};

use super::super::Bedrock;

const CLAUDE: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

fn encode_to(request: &ChatRequest, model: &str, stream: bool) -> Result<Encoded> {
    let target = Target {
        provider: "bedrock",
        model,
        version: None,
        quirks: &Quirks::default(),
        variables: &BTreeMap::new(),
        stream,
        max_output: None,
        id_seed: "seed",
    };
    Bedrock.encode_request(request, &target)
}

fn body_for(request: &ChatRequest, model: &str) -> Value {
    serde_json::from_slice(&encode_to(request, model, false).unwrap().body).unwrap()
}

fn body(request: &ChatRequest) -> Value {
    body_for(request, CLAUDE)
}

fn refused(request: &ChatRequest, model: &str) -> String {
    let error = encode_to(request, model, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedParameter, "{error}");
    error.param().unwrap_or_default().to_owned()
}

fn hello() -> ChatRequest {
    ChatRequest::new("x").user("Hello")
}

#[test]
fn the_model_stands_in_the_path_and_nowhere_else() {
    let encoded = encode_to(&hello(), CLAUDE, true).unwrap();
    assert_eq!(encoded.path, "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream");
    assert_eq!(body(&hello()), json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}));
    let (request, cx) =
        super::decode(&RequestHead { path: encoded.path, ..RequestHead::default() }, &encoded.body).unwrap();
    assert_eq!((request.model.as_str(), cx.stream), (CLAUDE, true));
}

#[test]
fn roles_alternate() {
    let call = |id: &str| Part::from(ToolCall::new(id, "tide", ""));
    let request = ChatRequest::new("x")
        .system("Be brief.")
        .user("One.")
        .user("Two.")
        .message(Message::new(Role::Assistant, vec![call("call:1"), call("call_2")]))
        .tool_result("call:1", "high")
        .tool_result("call_2", r#"{"metres":2}"#)
        .user("Go on.");
    let want = json!({
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "One."}, {"text": "Two."}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "call_1", "name": "tide", "input": {}}},
                {"toolUse": {"toolUseId": "call_2", "name": "tide", "input": {}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "call_1", "content": [{"text": "high"}]}},
                {"toolResult": {"toolUseId": "call_2", "content": [{"json": {"metres": 2}}]}},
                {"text": "Go on."},
            ]},
        ],
    });
    assert_eq!(body(&request), want);
}

#[test]
fn what_says_nothing_is_left_out() {
    let request = ChatRequest::new("x").system("").user(" ").assistant("").user("Hello");
    assert_eq!(body(&request), body(&hello()));
}

#[test]
fn arguments_that_are_no_object_are_an_error() {
    let call = ToolCall::new("c", "tide", "[1]");
    let request = hello().message(Message::new(Role::Assistant, vec![call.into()]));
    let error = encode_to(&request, CLAUDE, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.param(), Some("messages[1].content[0].arguments"));
}

#[test]
fn a_cache_point_follows_what_it_closes() {
    let hour = CacheControl { ttl: Some("1h".into()), native: Native::NONE };
    let result = Part { cache: Some(hour), ..Part::tool_result("c", "x") };
    let mut tool = Tool::function("tide", "", json!({}));
    if let Tool::Function { cache, .. } = &mut tool {
        *cache = Some(CacheControl::default());
    }
    let request = ChatRequest::new("x")
        .user_parts(vec![Part::text("Long.").cached(), Part::text("Short.")])
        .message(Message::new(Role::Tool, vec![result]))
        .tool(tool);
    let body = body(&request);
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(body["messages"][0]["content"][1], point);
    assert_eq!(body["messages"][0]["content"][4], json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    let spec = json!({"toolSpec": {"name": "tide", "inputSchema": {"json": {"type": "object"}}}});
    assert_eq!(body["toolConfig"]["tools"], json!([spec, point]));
}

fn document(name: Option<&str>, source: MediaSource) -> Part {
    Media { name: name.map(str::to_owned), ..Media::new(MediaKind::Document, source) }.into()
}

#[test]
fn documents_have_names_of_their_own_without_full_stops() {
    let pdf = || MediaSource::Base64 { media_type: "application/pdf".into(), data: "JVBERi0=".into() };
    let text = MediaSource::Text { media_type: "text/plain".into(), text: "Hello".into() };
    let request = ChatRequest::new("x").user_parts(vec![
        document(Some("report.2026_v1.pdf"), pdf()),
        document(Some("report 2026  v1"), pdf()),
        document(None, pdf()),
        document(Some("éé.txt"), text),
        Media::new(MediaKind::Video, MediaSource::Url { url: "s3://acme/film.3GP".into() }).into(),
    ]);
    let want = json!([
        {"document": {"format": "pdf", "name": "report 2026 v1", "source": {"bytes": "JVBERi0="}}},
        {"document": {"format": "pdf", "name": "report 2026 v1-2", "source": {"bytes": "JVBERi0="}}},
        {"document": {"format": "pdf", "name": "document", "source": {"bytes": "JVBERi0="}}},
        {"document": {"format": "txt", "name": "document-2", "source": {"bytes": "SGVsbG8="}}},
        {"video": {"format": "three_gp", "source": {"s3Location": {"uri": "s3://acme/film.3GP"}}}},
    ]);
    assert_eq!(body(&request)["messages"][0]["content"], want);
}

#[test]
fn media_that_it_does_not_take_is_refused_by_name() {
    let sources = [
        Part::image_url("https://example.com/cat.png"),
        Part::image_url("data:image/tiff;base64,AAAA"),
        document(None, MediaSource::Base64 { media_type: "application/zip".into(), data: "AAAA".into() }),
        document(None, MediaSource::File { id: "file_1".into() }),
        Media::new(MediaKind::Audio, MediaSource::Base64 { media_type: "audio/wav".into(), data: "AA".into() }).into(),
        document(None, MediaSource::Url { url: "s3://acme/nameless".into() }),
    ];
    for part in sources {
        let request = ChatRequest::new("x").user_parts(vec![Part::text("See:"), part.clone()]);
        assert_eq!(refused(&request, CLAUDE), "messages[0].content[1]", "{part:?}");
        // Leniency says what it leaves out.
        let lenient = ChatRequest { unsupported: UnsupportedPolicy::Drop, ..request };
        assert_eq!(encode_to(&lenient, CLAUDE, false).unwrap().dropped, ["messages[0].content[1]"]);
    }
}

#[test]
fn what_converse_lacks_is_refused_by_name() {
    let tool = || hello().tool(Tool::function("tide", "", json!({})));
    let provider_tool = Tool::Provider {
        native: Native::new(Protocol::Anthropic, json!({"type": "web_search"}).as_object().unwrap().clone()),
    };
    let cases = [
        ("seed", ChatRequest { seed: Some(1), ..hello() }),
        ("presence_penalty", ChatRequest { presence_penalty: Some(0.5), ..hello() }),
        ("frequency_penalty", ChatRequest { frequency_penalty: Some(0.5), ..hello() }),
        ("n", ChatRequest { n: Some(2), ..hello() }),
        ("logprobs", ChatRequest { logprobs: Some(true), ..hello() }),
        ("user", ChatRequest { user: Some("u".into()), ..hello() }),
        ("parallel_tool_calls", ChatRequest { parallel_tool_calls: Some(false), ..tool() }),
        ("tool_choice", tool().tool_choice(ToolChoice::None)),
        ("response_format", hello().response_format(ResponseFormat::JsonObject)),
        ("service_tier", ChatRequest { service_tier: Some("turbo".into()), ..hello() }),
        ("tools[0]", hello().tool(provider_tool)),
        ("metadata", ChatRequest { metadata: json!({"a": 1}).as_object().cloned(), ..hello() }),
    ];
    for (name, request) in cases {
        assert_eq!(refused(&request, CLAUDE), name);
    }
    // What asks for nothing is no request.
    let idle = ChatRequest { n: Some(1), presence_penalty: Some(0.0), logprobs: Some(false), ..hello() };
    assert_eq!(body(&idle), body(&hello()));
}

#[test]
fn what_only_a_family_knows_stands_aside() {
    let asked = ChatRequest { top_k: Some(5), ..hello() };
    assert_eq!(body(&asked)["additionalModelRequestFields"], json!({"top_k": 5}));
    let nova = "us.amazon.nova-2-lite-v1:0";
    assert_eq!(body_for(&asked, nova)["additionalModelRequestFields"], json!({"inferenceConfig": {"topK": 5}}));
    assert_eq!(refused(&asked, "meta.llama3-1-8b-instruct-v1:0"), "top_k");
}

#[test]
fn effort_is_said_as_each_family_takes_it() {
    let more = |request: &ChatRequest, model: &str| body_for(request, model)["additionalModelRequestFields"].clone();
    let high = hello().effort(Effort::XHigh);
    let opus = "us.anthropic.claude-opus-4-8";
    assert_eq!(more(&high, opus), json!({"thinking": {"type": "adaptive"}}));
    assert_eq!(body_for(&high, opus)["outputConfig"], json!({"effort": "xhigh"}));
    // Before 4.6 by a budget, which the bound of the answer must hold.
    assert_eq!(more(&high, CLAUDE), json!({"thinking": {"type": "enabled", "budget_tokens": 32_000}}));
    assert_eq!(body(&high)["outputConfig"], Value::Null);
    let bounded = high.clone().max_tokens(2000);
    assert_eq!(more(&bounded, CLAUDE), json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}));
    assert_eq!(refused(&high.clone().max_tokens(1024), CLAUDE), "reasoning_effort");
    assert_eq!(refused(&high, "anthropic.claude-3-5-sonnet-20240620-v1:0"), "reasoning_effort");
    assert_eq!(more(&high, "openai.gpt-oss-120b-1:0"), json!({"reasoning_effort": "high"}));
    let nova = "amazon.nova-2-lite-v1:0";
    assert_eq!(more(&high, nova), json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}));
    assert_eq!(refused(&high, "deepseek.r1-v1:0"), "reasoning_effort");
    let none = hello().effort(Effort::None);
    assert_eq!(more(&none, CLAUDE), json!({"thinking": {"type": "disabled"}}));
    assert_eq!(more(&none, nova), json!({"reasoningConfig": {"type": "disabled"}}));
    assert_eq!(refused(&none, "openai.gpt-oss-120b-1:0"), "reasoning_effort");

    let budget = ReasoningOptions { budget_tokens: Some(2048), enabled: Some(true), ..ReasoningOptions::default() };
    let budget = ChatRequest { reasoning: Some(budget), ..hello() };
    assert_eq!(more(&budget, CLAUDE), json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}));
    assert_eq!(refused(&budget, "us.anthropic.claude-opus-4-8"), "thinking.budget_tokens");
    let lenient = ChatRequest { unsupported: UnsupportedPolicy::Drop, ..budget };
    assert_eq!(more(&lenient, "us.anthropic.claude-opus-4-8"), Value::Null);
}

#[test]
fn a_schema_is_a_text() {
    let schema = json!({"type": "object"});
    let format = ResponseFormat::JsonSchema {
        name: String::new(),
        description: None,
        schema: schema.clone(),
        strict: Some(true),
        native: Native::NONE,
    };
    let body = body(&hello().response_format(format));
    let written = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"];
    assert_eq!(written["name"], "answer");
    assert_eq!(serde_json::from_str::<Value>(written["schema"].as_str().unwrap()).unwrap(), schema);
}

#[test]
fn tiers_of_other_protocols() {
    let tier = |tier: &str| body(&ChatRequest { service_tier: Some(tier.into()), ..hello() })["serviceTier"].clone();
    assert_eq!(tier("priority"), json!({"type": "priority"}));
    assert_eq!(tier("standard_only"), json!({"type": "default"}));
    assert_eq!(tier("auto"), Value::Null);
}

#[test]
fn thoughts_go_back_to_whom_they_belong() {
    let thought = |provider: &str, signature: Option<&str>| {
        let reasoning = Reasoning {
            text: "Hm.".into(),
            signature: signature.map(str::to_owned),
            encrypted: None,
            id: None,
            provider: Some(provider.to_owned()),
        };
        let said = vec![Part::text("Yes."), Part::from(reasoning)];
        body(&hello().message(Message::new(Role::Assistant, said)))["messages"][1]["content"].clone()
    };
    let replayed = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"text": "Yes."},
    ]);
    assert_eq!(thought("bedrock", Some("c2ln")), replayed);
    assert_eq!(thought("anthropic", Some("c2ln")), json!([{"text": "Yes."}]));
    assert_eq!(thought("bedrock", None), json!([{"text": "Yes."}]));
}

#[test]
fn a_callers_mistakes_are_named() {
    let wrong = |body: Value| {
        let error = super::decode(&RequestHead::default(), body.to_string().as_bytes()).unwrap_err();
        (error.kind() == ErrorKind::InvalidRequest).then(|| error.param().unwrap_or_default().to_owned()).unwrap()
    };
    let user = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    assert_eq!(wrong(json!({})), "messages");
    assert_eq!(wrong(json!({"messages": [{"role": "tool", "content": []}]})), "messages[0].role");
    assert_eq!(wrong(json!({"messages": [{"role": "user"}]})), "messages[0].content");
    assert_eq!(wrong(user(json!("text"))), "messages[0].content[0]");
    assert_eq!(wrong(user(json!({"text": 1}))), "messages[0].content[0].text");
    assert_eq!(wrong(user(json!({"toolUse": {"name": "x"}}))), "messages[0].content[0].toolUse.toolUseId");
    let odd = json!({"toolResult": {"toolUseId": "x", "content": "text"}});
    assert_eq!(wrong(user(odd)), "messages[0].content[0].toolResult.content");
    assert_eq!(
        wrong(json!({"messages": [], "inferenceConfig": {"stopSequences": [1]}})),
        "inferenceConfig.stopSequences[0]"
    );
    assert_eq!(
        wrong(json!({"messages": [], "toolConfig": {"tools": [{"toolSpec": {}}]}})),
        "toolConfig.tools[0].toolSpec.name"
    );
}

#[test]
fn a_result_that_holds_json_is_its_text() {
    let block = json!({"toolResult": {"toolUseId": "x", "content": [{"json": {"metres": 2}}]}});
    let body = json!({"messages": [{"role": "user", "content": [block]}]});
    let (request, _) = super::decode(&RequestHead::default(), body.to_string().as_bytes()).unwrap();
    assert_eq!(request.messages[0].role, Role::Tool);
    let Content::ToolResult(result) = &request.messages[0].parts[0].content else { panic!("no result") };
    assert_eq!(result.content[0].as_text(), Some(r#"{"metres":2}"#));
}

/// What a caller of Anthropic's asks, as it is asked of a model here.
fn asked_in_anthropic(content: Value) -> Result<Value> {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
    let codec = crate::protocols::chat(Protocol::Anthropic).unwrap();
    let (request, _) = codec.decode_request(&RequestHead::default(), body.to_string().as_bytes())?;
    let encoded = encode_to(&request, CLAUDE, false)?;
    Ok(serde_json::from_slice::<Value>(&encoded.body).unwrap()["messages"][0]["content"].take())
}

#[test]
fn documents_are_cited_as_anthropics_callers_ask() {
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="});
    let asked =
        json!([{"type": "document", "source": source, "title": "t", "context": "c", "citations": {"enabled": true}}]);
    let want = json!([{"document": {
        "format": "pdf", "name": "t", "source": {"bytes": "JVBERi0="}, "context": "c", "citations": {"enabled": true}
    }}]);
    assert_eq!(asked_in_anthropic(asked).unwrap(), want);
}

#[test]
fn search_results_go_in_as_bedrock_spells_them() {
    let result = json!({"type": "search_result", "source": "https://a", "title": "A", "content": [{"type": "text", "text": "x"}]});
    let want = json!({"searchResult": {"source": "https://a", "title": "A", "content": [{"text": "x"}]}});
    let mut cached = result.clone();
    cached["cache_control"] = json!({"type": "ephemeral"});
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(asked_in_anthropic(json!([result, cached])).unwrap(), json!([want, want, point]));
    let odd = asked_in_anthropic(json!([{"type": "search_result", "source": 5}])).unwrap_err();
    assert_eq!((odd.kind(), odd.param()), (ErrorKind::UnsupportedParameter, Some("messages[0].content[0]")));
}
