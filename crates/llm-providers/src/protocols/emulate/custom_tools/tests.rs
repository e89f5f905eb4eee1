use llm_core::Protocol;
use llm_core::chat::{ChatAccumulator, ChatRequest, Tool, ToolChoice};
use llm_core::codec::{AnswerContext, Encoded, Frame, Quirks, RequestHead, ResponseHead, Target, Trailer};
use serde_json::{Value, json};

use super::input::Input;
use super::input_of;
use crate::protocols;

const PATCH: &str = "*** Begin \"Patch\"\n+\té 😀 \\ end";

/// A request with a custom tool that must be called, a call of it and the result, in one of OpenAI's protocols.
fn asked(protocol: Protocol) -> ChatRequest {
    let body = match protocol {
        Protocol::OpenAiResponses => json!({
            "model": "m",
            "input": [
                {"role": "user", "content": "Mend it."},
                {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "patch", "input": PATCH},
                {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done."},
            ],
            "tools": [{"type": "custom", "name": "patch", "description": "Edits files.",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}}],
            "tool_choice": {"type": "custom", "name": "patch"},
        }),
        _ => json!({
            "model": "m",
            "messages": [
                {"role": "user", "content": "Mend it."},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": PATCH}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "Done."},
            ],
            "tools": [{"type": "custom", "custom": {"name": "patch", "description": "Edits files.",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}}}}],
            "tool_choice": {"type": "custom", "custom": {"name": "patch"}},
        }),
    };
    let codec = protocols::chat(protocol).unwrap();
    codec.decode_request(&RequestHead::default(), body.to_string().as_bytes()).unwrap().0
}

fn sent(request: &ChatRequest, protocol: Protocol) -> (Encoded, Value) {
    let target = Target {
        provider: "p",
        model: "m",
        version: None,
        quirks: &Quirks::default(),
        variables: &Default::default(),
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    let encoded = protocols::chat(protocol).unwrap().encode_request(request, &target).unwrap();
    let body = serde_json::from_slice(&encoded.body).unwrap();
    (encoded, body)
}

const OPENAIS: [Protocol; 2] = [Protocol::OpenAiChat, Protocol::OpenAiResponses];

#[test]
fn a_function_of_one_text_stands_in_for_a_custom_tool() {
    for from in OPENAIS {
        let (encoded, body) = sent(&asked(from), Protocol::Anthropic);
        assert_eq!(encoded.context.emulated_params(), ["tools.custom"]);
        assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "patch"}));
        let tool = &body["tools"][0];
        assert_eq!(tool["input_schema"]["properties"]["input"]["type"], "string");
        let purpose = tool["description"].as_str().unwrap();
        assert!(purpose.starts_with("Edits files.") && purpose.ends_with("start: /.+/"), "{purpose}");
        let call = &body["messages"][1]["content"][0];
        assert_eq!((&call["name"], &call["input"]), (&json!("patch"), &json!({"input": PATCH})));
        assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "c1");
    }
}

#[test]
fn each_of_openais_protocols_takes_its_own_and_no_other_needs_to() {
    for from in OPENAIS {
        for to in OPENAIS {
            let (encoded, body) = sent(&asked(from), to);
            let is_own = from == to;
            assert_eq!(encoded.context.emulated_params().is_empty(), is_own, "{from} to {to}");
            let kind = if is_own { "custom" } else { "function" };
            assert_eq!((&body["tools"][0]["type"], &body["tool_choice"]["type"]), (&json!(kind), &json!(kind)));
        }
        for to in [Protocol::Gemini, Protocol::Bedrock, Protocol::Mistral, Protocol::Ollama] {
            let mut request = asked(from);
            request.tool_choice = None;
            let (encoded, body) = sent(&request, to);
            assert_eq!(encoded.context.emulated_params(), ["tools.custom"], "{body}");
        }
    }
}

#[test]
fn one_that_was_made_by_hand_is_sent_in_the_words_of_either() {
    let grammar = llm_core::chat::Grammar { syntax: "regex".to_owned(), definition: "a+".to_owned() };
    let tool = Tool::Custom {
        name: "patch".to_owned(),
        description: None,
        grammar: Some(grammar),
        native: llm_core::Native::NONE,
    };
    let request = ChatRequest::new("m").user("Go.").tool(tool).tool_choice(ToolChoice::Custom("patch".to_owned()));
    let (_, body) = sent(&request, Protocol::OpenAiChat);
    assert_eq!(
        body["tools"][0],
        json!({"type": "custom", "custom": {"name": "patch",
            "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}}})
    );
    assert_eq!(body["tool_choice"], json!({"type": "custom", "custom": {"name": "patch"}}));
    let (_, body) = sent(&request, Protocol::OpenAiResponses);
    assert_eq!(
        body["tools"][0],
        json!({"type": "custom", "name": "patch",
            "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}})
    );
    assert_eq!(body["tool_choice"], json!({"type": "custom", "name": "patch"}));
}

#[test]
fn the_caller_gets_calls_of_its_tool() {
    let answer = json!({
        "id": "a", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": "t1", "name": "patch", "input": {"input": PATCH}}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    for from in OPENAIS {
        let (encoded, _) = sent(&asked(from), Protocol::Anthropic);
        let upstream = protocols::chat(Protocol::Anthropic).unwrap();
        let answer =
            upstream.decode_answer(&encoded.context, &ResponseHead::default(), answer.to_string().as_bytes()).unwrap();
        assert_eq!(answer.emulated_params, ["tools.custom"]);
        let cx = AnswerContext { id_seed: "s".to_owned(), ..AnswerContext::default() };
        let body = protocols::chat(from).unwrap().encode_answer(&cx, &answer).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        match from {
            Protocol::OpenAiChat => assert_eq!(
                body["choices"][0]["message"]["tool_calls"][0],
                json!({"id": "t1", "type": "custom", "custom": {"name": "patch", "input": PATCH}})
            ),
            _ => assert_eq!(
                body["output"][0],
                json!({"id": "ctc_s_0", "type": "custom_tool_call", "status": "completed", "call_id": "t1",
                    "name": "patch", "input": PATCH})
            ),
        }
    }
}

/// The events in which Anthropic says a call whose arguments are `pieces`.
fn said(pieces: &[&str]) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "a", "type": "message", "role": "assistant", "model": "m",
            "content": [], "stop_reason": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "tool_use", "id": "t1", "name": "patch", "input": {}}}),
    ];
    events.extend(pieces.iter().map(|piece| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}})
    }));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}));
    events.push(json!({"type": "message_stop"}));
    events
}

#[test]
fn the_caller_gets_calls_of_its_tool_as_they_come() {
    let arguments = json!({"input": PATCH}).to_string();
    let (first, second) = arguments.split_at(arguments.find("Patch").unwrap());
    for from in OPENAIS {
        let (encoded, _) = sent(&asked(from), Protocol::Anthropic);
        let mut decoder = protocols::chat(Protocol::Anthropic).unwrap().decode_stream(&encoded.context);
        let cx = AnswerContext { id_seed: "s".to_owned(), stream: true, ..AnswerContext::default() };
        let mut encoder = protocols::chat(from).unwrap().encode_stream(&cx);
        let (mut chunks, mut wire) = (Vec::new(), Vec::new());
        for event in said(&[first, second]) {
            decoder.decode(&Frame::data(event.to_string().as_bytes()), &mut chunks).unwrap();
        }
        decoder.finish(&mut chunks).unwrap();
        assert_eq!(decoder.trailer().emulated_params, ["tools.custom"]);
        chunks.iter().for_each(|chunk| encoder.encode(chunk, &mut wire).unwrap());
        encoder.finish(&Trailer::default(), &mut wire);
        let wire = String::from_utf8(wire).unwrap();
        let events = wire.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        let events: Vec<Value> = events.map(|data| serde_json::from_str(data).unwrap()).collect();
        // The official SDKs make the answer of these events; so does our own decoder.
        let mut reader = protocols::chat(from).unwrap().decode_stream(&sent(&asked(from), from).0.context);
        let (mut read, mut whole) = (Vec::new(), ChatAccumulator::default());
        events.iter().for_each(|event| reader.decode(&Frame::data(event.to_string().as_bytes()), &mut read).unwrap());
        read.iter().for_each(|chunk| whole.push(chunk));
        let answer = whole.finish();
        let [call] = answer.tool_calls()[..] else { panic!("{wire}") };
        assert_eq!((call.is_custom, call.name.as_str(), call.arguments.as_str()), (true, "patch", PATCH), "{wire}");
        let pieces: Vec<&str> = match from {
            Protocol::OpenAiChat => {
                let piece = |event: &Value| event.pointer("/choices/0/delta/tool_calls/0/custom/input").cloned();
                assert!(events.iter().filter_map(piece).filter(|piece| piece != "").count() == 2, "{wire}");
                vec!["\"type\":\"custom\""]
            }
            _ => vec![
                "event: response.custom_tool_call_input.delta",
                "event: response.custom_tool_call_input.done",
                "\"type\":\"custom_tool_call\"",
            ],
        };
        assert!(pieces.iter().all(|piece| wire.contains(piece)), "{wire}");
    }
}

/// The input that comes of `pieces`.
fn joined<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut input = Input::default();
    let mut text: String = pieces.into_iter().map(|piece| input.push(piece)).collect();
    text += &input.end();
    text
}

#[test]
fn the_input_is_the_same_however_the_arguments_are_cut() {
    let all = [
        (json!({"input": PATCH}).to_string(), PATCH),
        (r#" { "input" : "\ud83d\ude00\u00e9\/\b" , "more": 1 } "#.to_owned(), "😀é/\u{8}"),
        (r#"{"input":""}"#.to_owned(), ""),
        // Not what was asked for: told as it came.
        (r#"{"more":{"input":"x"},"input":"y"}"#.to_owned(), "y"),
        (r#"{"text":"x"}"#.to_owned(), r#"{"text":"x"}"#),
        ("\"plain\"".to_owned(), "plain"),
        ("plain".to_owned(), "plain"),
        (String::new(), ""),
    ];
    for (arguments, expected) in all {
        assert_eq!(input_of(arguments.clone()), expected);
        let cuts: Vec<usize> = (0..=arguments.len()).filter(|at| arguments.is_char_boundary(*at)).collect();
        for &at in &cuts {
            let (first, second) = arguments.split_at(at);
            assert_eq!(joined([first, second]), expected, "{arguments} cut at {at}");
        }
        let letters: Vec<&str> = cuts.windows(2).map(|cut| &arguments[cut[0]..cut[1]]).collect();
        assert_eq!(joined(letters), expected, "{arguments}");
    }
}

#[test]
fn odd_escapes_and_cut_arguments_lose_nothing() {
    let within = |text: &str| joined([format!("{{\"input\":\"{text}").as_str()]);
    assert_eq!(within("a\\"), "a\\");
    assert_eq!(within("a\\u12"), "a\\u12");
    assert_eq!(within("a\\uééé\u{20ac}b"), "a\\uééé\u{20ac}b");
    assert_eq!(within("\\ud83d\\n and so on"), "\\ud83d\\n and so on");
    assert_eq!(within("\\x"), "\\x");
    assert_eq!(within("a\nb"), "a\nb");
}
