//! What callers of one protocol ask, on its way to a provider of another.

use std::collections::BTreeMap;

use llm_core::Protocol::{Anthropic, Bedrock, Cohere, Gemini, Mistral, Ollama, OpenAiChat, OpenAiResponses};
use llm_core::codec::{CacheMarkers, Quirks, RequestHead, Target};
use llm_core::{Protocol, Result};
use serde_json::{Value, json};

use super::chat;

const MODEL: &str = "gpt-5.6";

/// The body that says `body` of a caller in `from` to a model in `to`, and what was left out.
fn said(from: Protocol, body: &Value, to: Protocol, model: &str, quirks: &Quirks) -> Result<(Value, Vec<String>)> {
    let path = if from == Gemini { "/v1beta/models/m:generateContent" } else { "/" };
    let head = RequestHead { path: path.to_owned(), ..RequestHead::default() };
    let (request, _) = chat(from).unwrap().decode_request(&head, body.to_string().as_bytes())?;
    let target = Target {
        provider: "p",
        model,
        version: None,
        quirks,
        variables: &BTreeMap::new(),
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    let encoded = chat(to).unwrap().encode_request(&request, &target)?;
    Ok((serde_json::from_slice(&encoded.body).unwrap(), encoded.dropped))
}

fn openai() -> Quirks {
    Quirks { cache_markers: CacheMarkers::Breakpoint, ..Quirks::default() }
}

fn with(mut body: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("an object") };
    body.as_object_mut().unwrap().extend(members);
    body
}

fn of_chat(members: Value) -> Value {
    with(json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}), members)
}

fn of_responses(members: Value) -> Value {
    with(json!({"model": "m", "input": "hi"}), members)
}

fn of_anthropic(members: Value) -> Value {
    with(json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}), members)
}

fn of_gemini(members: Value) -> Value {
    with(json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}), members)
}

#[test]
fn the_end_user_is_named_as_each_protocol_takes_it() {
    let long = format!("{{\"device_id\":\"{}\",\"session_id\":\"{}\"}}", "d".repeat(64), "s".repeat(36));
    let agent = of_anthropic(json!({"metadata": {"user_id": long}}));
    for to in [OpenAiChat, OpenAiResponses] {
        let (body, dropped) = said(Anthropic, &agent, to, MODEL, &openai()).unwrap();
        let user = body["user"].as_str().unwrap();
        assert!(user.len() == 64 && user.bytes().all(|byte| byte.is_ascii_hexdigit()), "{to}: {user}");
        assert!(dropped.is_empty(), "{to}");
    }
    for to in [Gemini, Bedrock, Cohere, Ollama] {
        let (body, dropped) = said(Anthropic, &agent, to, "m", &Quirks::default()).unwrap();
        assert_eq!(dropped, ["user"], "{to}");
        assert!(!body.to_string().contains("device_id"), "{to}");
    }
    let refuses = Quirks { refuse: ["user".to_owned()].into(), ..Quirks::default() };
    for (from, asked, to) in
        [(Anthropic, &agent, OpenAiChat), (Anthropic, &agent, OpenAiResponses), (Anthropic, &agent, Mistral)]
    {
        let (body, dropped) = said(from, asked, to, "m", &refuses).unwrap();
        assert_eq!((&body["user"], dropped), (&Value::Null, vec!["user".to_owned()]), "{from} {to}");
    }
    // Who says it in OpenAI's protocols means it.
    let meant = of_chat(json!({"user": "ann"}));
    for to in [OpenAiChat, Mistral, Gemini, Bedrock, Cohere, Ollama] {
        assert_eq!(said(OpenAiChat, &meant, to, "m", &refuses).unwrap_err().param(), Some("user"), "{to}");
    }
    let newer = json!({"user": "old", "safety_identifier": "new"});
    for (from, asked) in [(OpenAiChat, of_chat(newer.clone())), (OpenAiResponses, of_responses(newer))] {
        let (body, dropped) = said(from, &asked, Anthropic, "m", &Quirks::default()).unwrap();
        assert_eq!((&body["metadata"], dropped.is_empty()), (&json!({"user_id": "new"}), true), "{from}");
        assert_eq!(said(from, &asked, Cohere, "m", &Quirks::default()).unwrap_err().param(), Some("user"), "{from}");
    }
}

#[test]
fn what_both_of_openais_protocols_know_is_said_in_both() {
    let hints = json!({
        "prompt_cache_key": "k", "prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "explicit"},
        "safety_identifier": "ann",
    });
    let chat = of_chat(with(hints.clone(), json!({"verbosity": "low", "modalities": ["text"]})));
    let responses = of_responses(with(hints.clone(), json!({"text": {"verbosity": "low"}})));
    let (body, dropped) = said(OpenAiChat, &chat, OpenAiResponses, MODEL, &openai()).unwrap();
    assert_eq!((&body["text"], dropped), (&json!({"verbosity": "low"}), vec!["modalities".to_owned()]));
    let (back, dropped) = said(OpenAiResponses, &responses, OpenAiChat, MODEL, &openai()).unwrap();
    assert_eq!((&back["verbosity"], dropped.is_empty()), (&json!("low"), true));
    for (name, value) in hints.as_object().unwrap() {
        assert_eq!((&body[name], &back[name]), (value, value), "{name}");
    }
    // Beside a form of the answer.
    let form = json!({"text": {"verbosity": "high", "format": {"type": "json_object"}}});
    let (body, _) = said(OpenAiResponses, &of_responses(form.clone()), OpenAiChat, MODEL, &openai()).unwrap();
    assert_eq!((&body["verbosity"], &body["response_format"]), (&json!("high"), &json!({"type": "json_object"})));
    let form = of_chat(json!({"verbosity": "high", "response_format": {"type": "json_object"}}));
    let (body, _) = said(OpenAiChat, &form, OpenAiResponses, MODEL, &openai()).unwrap();
    assert_eq!(body["text"], json!({"verbosity": "high", "format": {"type": "json_object"}}));
    // A host that caches in its own way.
    let other = Quirks { cache_markers: CacheMarkers::None, ..Quirks::default() };
    let (body, dropped) = said(OpenAiResponses, &responses, OpenAiChat, "m", &other).unwrap();
    assert_eq!((&body["user"], &body["safety_identifier"]), (&json!("ann"), &Value::Null));
    assert_eq!(dropped.len(), 3, "{dropped:?}");
    let unknown = of_responses(json!({"text": {"verbosity": "low", "tone": "dry"}}));
    assert_eq!(said(OpenAiResponses, &unknown, OpenAiChat, "m", &openai()).unwrap_err().param(), Some("text"));
}

#[test]
fn what_changes_no_answer_is_left_out_and_told() {
    let hints = json!({"prompt_cache_key": "k", "prompt_cache_retention": "24h", "modalities": ["text"]});
    for to in [Anthropic, Gemini, Bedrock, Cohere, Ollama] {
        let (_, mut dropped) = said(OpenAiChat, &of_chat(hints.clone()), to, "m", &Quirks::default()).unwrap();
        dropped.sort();
        assert_eq!(dropped, ["modalities", "prompt_cache_key", "prompt_cache_retention"], "{to}");
        let aloud = of_chat(json!({"modalities": ["text", "audio"]}));
        assert_eq!(said(OpenAiChat, &aloud, to, "m", &Quirks::default()).unwrap_err().param(), Some("modalities"));
    }
}

/// A tool that answered with a picture, and what the user says next.
fn of_a_camera() -> Value {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
    let call = |id| json!({"type": "tool_use", "id": id, "name": "shoot", "input": {}});
    json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [call("a"), call("b")]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "done"}, image]},
            {"type": "tool_result", "tool_use_id": "b", "content": [image]},
            {"type": "text", "text": "well?"},
        ]},
    ]})
}

#[test]
fn pictures_that_tools_answer_with_are_the_users() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    for to in [OpenAiChat, Cohere] {
        let (body, dropped) = said(Anthropic, &of_a_camera(), to, "m", &Quirks::default()).unwrap();
        let messages = body["messages"].as_array().unwrap();
        let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "tool", "user", "user"], "{to}");
        assert!(dropped.is_empty(), "{to}");
        assert_eq!(messages[2]["content"], "done", "{to}");
        assert_eq!(
            messages[4]["content"],
            json!([
                {"type": "text", "text": "The result of tool call `a`:"}, picture,
                {"type": "text", "text": "The result of tool call `b`:"}, picture,
            ]),
            "{to}"
        );
        assert_eq!(messages[5]["content"], "well?", "{to}");
        assert!(!messages[3].to_string().contains("image_url"), "{to}");
    }
    // Mistral's results hold pictures, and a Chat caller's stay where they stood.
    let (body, _) = said(Anthropic, &of_a_camera(), Mistral, "m", &Quirks::default()).unwrap();
    assert!(body["messages"][2].to_string().contains("image_url"));
    let own = json!({"model": "m", "messages": [
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "done"}, picture]},
    ]});
    assert_eq!(said(OpenAiChat, &own, OpenAiChat, "m", &Quirks::default()).unwrap().0["messages"], own["messages"]);
}

/// Markers wherever an agent of Anthropic's puts them.
fn of_an_agent() -> Value {
    let marker = json!({"type": "ephemeral"});
    json!({
        "model": "m", "max_tokens": 9,
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": marker}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": marker}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "well", "cache_control": marker},
                {"type": "tool_use", "id": "c", "name": "f", "input": {}, "cache_control": marker},
            ]},
            {"role": "user", "content":
                [{"type": "tool_result", "tool_use_id": "c", "content": "done", "cache_control": marker}]},
        ],
    })
}

#[test]
fn breakpoints_stand_on_what_is_said_to_the_model_and_nowhere_else() {
    let marker = json!({"mode": "explicit"});
    let (body, dropped) = said(Anthropic, &of_an_agent(), OpenAiChat, MODEL, &openai()).unwrap();
    assert_eq!(dropped, ["cache_control"]);
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "go", "prompt_cache_breakpoint": marker}]},
            {"role": "assistant", "content": "well", "tool_calls":
                [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content":
                [{"type": "text", "text": "done", "prompt_cache_breakpoint": marker}]},
        ])
    );
    assert!(!body["tools"].to_string().contains("cache"));
    let (body, dropped) = said(Anthropic, &of_an_agent(), OpenAiResponses, MODEL, &openai()).unwrap();
    assert_eq!(dropped, ["cache_control"]);
    assert_eq!(
        body["input"],
        json!([
            {"role": "user", "content": [{"type": "input_text", "text": "go", "prompt_cache_breakpoint": marker}]},
            {"role": "assistant", "content": "well"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output":
                [{"type": "input_text", "text": "done", "prompt_cache_breakpoint": marker}]},
        ])
    );
    assert!(!body["tools"].to_string().contains("cache"));
    // Models before 5.6 take none.
    for to in [OpenAiChat, OpenAiResponses] {
        let (body, dropped) = said(Anthropic, &of_an_agent(), to, "gpt-4.1-mini", &openai()).unwrap();
        assert_eq!(
            (body.to_string().contains("breakpoint"), dropped),
            (false, vec!["cache_control".to_owned()]),
            "{to}"
        );
    }
    // They last for half an hour.
    for (ttl, left_out) in [("5m", 0), ("1h", 1)] {
        let marker = json!({"type": "ephemeral", "ttl": ttl});
        let asked = of_anthropic(json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "go", "cache_control": marker}, {"type": "text", "text": "on"},
        ]}]}));
        for to in [OpenAiChat, OpenAiResponses] {
            let (body, dropped) = said(Anthropic, &asked, to, MODEL, &openai()).unwrap();
            assert!(body.to_string().contains("breakpoint"), "{to}");
            assert_eq!(dropped, vec!["cache_control.ttl"; left_out], "{to}");
        }
    }
    // OpenRouter's are Anthropic's, on parts.
    let control = Quirks { cache_markers: CacheMarkers::CacheControl, ..Quirks::default() };
    let (body, dropped) = said(Anthropic, &of_an_agent(), OpenAiChat, "m", &control).unwrap();
    assert_eq!(body["messages"][2]["content"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!((&body["messages"][2]["cache_control"], dropped), (&Value::Null, vec!["cache_control".to_owned()]));
}

#[test]
fn not_to_think_is_said_to_models_that_can_stop() {
    let none = Quirks::default();
    let asked = [
        (Anthropic, of_anthropic(json!({"thinking": {"type": "disabled"}}))),
        (Gemini, of_gemini(json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}))),
    ];
    for (from, asked) in &asked {
        for (model, effort, left_out) in
            [("gpt-5.2", json!("none"), 0), ("gpt-4o", Value::Null, 0), ("o4-mini", Value::Null, 1)]
        {
            let (body, dropped) = said(*from, asked, OpenAiChat, model, &none).unwrap();
            assert_eq!((&body["reasoning_effort"], dropped.len()), (&effort, left_out), "{from} {model}");
            let (body, dropped) = said(*from, asked, OpenAiResponses, model, &none).unwrap();
            assert_eq!((&body["reasoning"]["effort"], dropped.len()), (&effort, left_out), "{from} {model}");
        }
    }
}

#[test]
fn efforts_beyond_ollamas_levels_are_the_nearest() {
    for (effort, level) in [("minimal", "low"), ("medium", "medium"), ("xhigh", "high"), ("max", "high")] {
        let (body, _) =
            said(OpenAiChat, &of_chat(json!({"reasoning_effort": effort})), Ollama, "m", &Quirks::default()).unwrap();
        assert_eq!(body["think"], level, "{effort}");
    }
}

#[test]
fn words_for_the_standard_tier_ask_for_nothing_else() {
    let asked = [
        (OpenAiChat, of_chat(json!({"service_tier": "default"}))),
        (Anthropic, of_anthropic(json!({"service_tier": "standard_only"}))),
        (Gemini, of_gemini(json!({"serviceTier": "standard"}))),
    ];
    for (from, asked) in asked {
        for (to, word, at) in [
            (OpenAiChat, "default", "/service_tier"),
            (OpenAiResponses, "default", "/service_tier"),
            (Anthropic, "standard_only", "/service_tier"),
            (Bedrock, "default", "/serviceTier/type"),
        ] {
            let (body, _) = said(from, &asked, to, "m", &Quirks::default()).unwrap();
            assert_eq!(body.pointer(at), Some(&json!(word)), "{from} {to}");
        }
        for to in [Cohere, Ollama] {
            let (body, dropped) = said(from, &asked, to, "m", &Quirks::default()).unwrap();
            assert_eq!((body.to_string().contains("tier"), dropped.is_empty()), (false, true), "{from} {to}");
        }
    }
}

#[test]
fn a_choice_among_some_functions_is_said_where_it_can_be() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let flat = |name: &str| json!({"type": "function", "name": name});
    let nested =
        |mode| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [tool("f"), tool("g")]}});
    let direct = |mode| json!({"type": "allowed_tools", "mode": mode, "tools": [flat("f"), flat("g")]});
    let any = json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}});
    let chat = |mode| of_chat(json!({"tool_choice": nested(mode)}));
    let responses = |mode| of_responses(json!({"tool_choice": direct(mode)}));
    let gemini = of_gemini(json!({"toolConfig": any}));
    let choice = |from, asked: &Value, to| said(from, asked, to, "m", &openai()).map(|(body, _)| body);
    for mode in ["auto", "required"] {
        assert_eq!(choice(OpenAiChat, &chat(mode), OpenAiResponses).unwrap()["tool_choice"], direct(mode));
        assert_eq!(choice(OpenAiResponses, &responses(mode), OpenAiChat).unwrap()["tool_choice"], nested(mode));
        assert_eq!(choice(OpenAiChat, &chat(mode), OpenAiChat).unwrap()["tool_choice"], nested(mode));
    }
    assert_eq!(choice(Gemini, &gemini, OpenAiChat).unwrap()["tool_choice"], nested("required"));
    assert_eq!(choice(Gemini, &gemini, OpenAiResponses).unwrap()["tool_choice"], direct("required"));
    assert_eq!(choice(OpenAiChat, &chat("required"), Gemini).unwrap()["toolConfig"], any);
    assert_eq!(choice(OpenAiChat, &chat("auto"), Gemini).unwrap_err().param(), Some("tool_choice"));
    let hosted = of_responses(json!({"tool_choice":
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}}));
    assert_eq!(choice(OpenAiResponses, &hosted, OpenAiChat).unwrap_err().param(), Some("tool_choice"));
}

#[test]
fn what_every_provider_does_unasked_is_refused_by_no_row() {
    let usual = json!({
        "parallel_tool_calls": true, "n": 1, "logprobs": false, "top_logprobs": 0, "presence_penalty": 0.0,
        "frequency_penalty": 0, "store": false, "modalities": ["text"], "logit_bias": {}, "metadata": {},
        "service_tier": "auto", "seed": null,
    });
    let names: Vec<&String> = usual.as_object().unwrap().keys().collect();
    let refuses = |names: &[&String]| Quirks {
        refuse: names.iter().map(|name| (*name).clone()).chain(["tools.strict".to_owned()]).collect(),
        ..Quirks::default()
    };
    let tool = |strict| json!([{"type": "function", "function": {"name": "f", "strict": strict}}]);
    let asked = with(of_chat(usual.clone()), json!({"tools": tool(false)}));
    let (body, dropped) = said(OpenAiChat, &asked, OpenAiChat, "m", &refuses(&names)).unwrap();
    assert!(dropped.is_empty(), "{dropped:?}");
    let kept = json!({"n": 1, "logprobs": false, "parallel_tool_calls": true});
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f"}}]});
    assert_eq!(body, with(of_chat(kept), tools));
    // Anything else is named.
    let unusual = json!({
        "parallel_tool_calls": false, "n": 2, "logprobs": true, "top_logprobs": 1, "presence_penalty": 0.1,
        "frequency_penalty": -1, "store": true, "modalities": ["audio"], "logit_bias": {"1": 1}, "metadata": {"a": "b"},
        "service_tier": "flex", "seed": 0, "tools": tool(true),
    });
    for (name, value) in unusual.as_object().unwrap() {
        let asked = of_chat(json!({name: value}));
        let error = said(OpenAiChat, &asked, OpenAiChat, "m", &refuses(&[name])).unwrap_err();
        let param = if name == "tools" { "tools.strict" } else { name };
        assert_eq!(error.param(), Some(param));
    }
}

#[test]
fn how_closely_to_look_is_left_out_and_told_where_there_is_no_choice() {
    let image = |detail| json!({"url": "data:image/png;base64,iVBORw0KGgo=", "detail": detail});
    let asked = |detail| {
        of_chat(json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "what?"}, {"type": "image_url", "image_url": image(detail)},
            {"type": "image_url", "image_url": image(detail)},
        ]}]}))
    };
    for to in [Anthropic, Bedrock, Gemini, Ollama] {
        let (low, dropped) = said(OpenAiChat, &asked("low"), to, "m", &Quirks::default()).unwrap();
        assert_eq!(dropped, ["detail"], "{to}");
        let (high, dropped) = said(OpenAiChat, &asked("high"), to, "m", &Quirks::default()).unwrap();
        assert!(dropped.is_empty(), "{to}");
        assert_eq!(low, high, "{to}");
    }
}

#[test]
fn a_tool_that_answers_nothing_has_answered() {
    let asked = of_chat(json!({"messages": [
        {"role": "user", "content": "ring"},
        {"role": "assistant", "content": null, "tool_calls":
            [{"id": "a", "type": "function", "function": {"name": "ring", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": ""},
    ]}));
    let body = |to| said(OpenAiChat, &asked, to, "m", &Quirks::default()).unwrap().0;
    let response = &body(Gemini)["contents"][2]["parts"][0]["functionResponse"]["response"];
    assert_eq!(*response, json!({"result": ""}));
    assert_eq!(body(Bedrock)["messages"][2]["content"][0]["toolResult"]["content"], json!([{"text": ""}]));
    let of_anthropic = json!({"type": "tool_result", "tool_use_id": "a"});
    assert_eq!(body(Anthropic)["messages"][2]["content"][0], of_anthropic);
}

#[test]
fn gemini_hears_of_mp3_in_its_own_word() {
    let asked = of_chat(json!({"messages": [
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}}]},
    ]}));
    let (body, _) = said(OpenAiChat, &asked, Gemini, "m", &Quirks::default()).unwrap();
    assert_eq!(body["contents"][0]["parts"][0]["inlineData"]["mimeType"], "audio/mp3");
}

#[test]
fn whether_a_conversation_is_kept_is_said_where_it_is_kept_unasked() {
    for keeps in [true, false] {
        let asked = of_chat(json!({"store": keeps}));
        let (body, dropped) = said(OpenAiChat, &asked, OpenAiResponses, MODEL, &openai()).unwrap();
        assert_eq!((&body["store"], dropped.is_empty()), (&json!(keeps), true));
    }
    // Nothing is kept there, so that only the wish for it can't be met.
    assert!(said(OpenAiChat, &of_chat(json!({"store": false})), Anthropic, "m", &Quirks::default()).is_ok());
    let error = said(OpenAiChat, &of_chat(json!({"store": true})), Anthropic, "m", &Quirks::default()).unwrap_err();
    assert_eq!(error.param(), Some("store"));
}

#[test]
fn a_turn_without_words_is_a_turn_of_responses() {
    let asked = of_chat(json!({"messages": [
        {"role": "user", "content": ""}, {"role": "assistant", "content": ""}, {"role": "user", "content": "hi"},
    ]}));
    let (body, _) = said(OpenAiChat, &asked, OpenAiResponses, MODEL, &openai()).unwrap();
    assert_eq!(body["input"], asked["messages"]);
}

#[test]
fn a_file_at_a_url_is_a_file_everywhere() {
    let url = "https://harbour.example/tides.pdf";
    let file = json!({"type": "file", "file": {"filename": "tides.pdf", "file_data": url}});
    let asked = of_chat(json!({"messages": [{"role": "user", "content": [file, {"type": "text", "text": "sum"}]}]}));
    let part = |to: Protocol, quirks: &Quirks| said(OpenAiChat, &asked, to, MODEL, quirks).unwrap().0;
    let none = Quirks::default();
    assert_eq!(part(OpenAiChat, &none)["messages"], asked["messages"]);
    let of_responses = json!({"type": "input_file", "file_url": url, "filename": "tides.pdf"});
    assert_eq!(part(OpenAiResponses, &none)["input"][0]["content"][0], of_responses);
    let of_anthropic = json!({"type": "document", "source": {"type": "url", "url": url}, "title": "tides.pdf"});
    assert_eq!(part(Anthropic, &none)["messages"][0]["content"][0], of_anthropic);
    let of_gemini = json!({"fileData": {"fileUri": url, "mimeType": "application/pdf"}});
    assert_eq!(part(Gemini, &none)["contents"][0]["parts"][0], of_gemini);
    let of_mistral = json!({"type": "document_url", "document_url": url, "document_name": "tides.pdf"});
    assert_eq!(part(Mistral, &none)["messages"][0]["content"][0], of_mistral);
    assert!(said(OpenAiChat, &asked, Bedrock, "m", &none).is_err());
}
