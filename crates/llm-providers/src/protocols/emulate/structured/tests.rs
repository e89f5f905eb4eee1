use llm_core::chat::{ChatAccumulator, ChatAnswer, ChatRequest, Content, FinishReason, ResponseFormat, Tool};
use llm_core::codec::{Encoded, Frame, Quirks, ResponseHead, Target};
use llm_core::{ErrorKind, Native, Protocol, Result};
use serde_json::{Value, json};

use super::fence::{Stripper, strip};
use crate::protocols;

const WITHOUT_SCHEMAS: [&str; 1] = ["response_format.json_schema"];
const WITHOUT_FORMATS: [&str; 1] = ["response_format"];

fn schema() -> Value {
    json!({
        "type": "object", "required": ["city", "people"], "additionalProperties": false,
        "properties": {"city": {"type": "string"}, "people": {"$ref": "#/$defs/count"}},
        "$defs": {"count": {"type": "integer"}}
    })
}

fn ask() -> ChatRequest {
    let format = ResponseFormat::JsonSchema {
        name: "town".to_owned(),
        description: None,
        schema: schema(),
        strict: Some(true),
        native: Native::NONE,
    };
    ChatRequest::new("m").system("Be brief.").user("Which is the largest?").response_format(format)
}

fn send(request: &ChatRequest, refuse: &[&str], stream: bool) -> Encoded {
    let quirks = Quirks { refuse: refuse.iter().map(|name| (*name).to_owned()).collect(), ..Quirks::default() };
    let target = Target {
        provider: "p",
        model: "m",
        version: None,
        quirks: &quirks,
        variables: &Default::default(),
        stream,
        max_output: None,
        id_seed: "seed",
    };
    protocols::chat(Protocol::OpenAiChat).unwrap().encode_request(request, &target).unwrap()
}

fn body(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

fn answered(encoded: &Encoded, message: Value, finish: &str) -> Result<ChatAnswer> {
    let answer =
        json!({"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}]});
    let codec = protocols::chat(Protocol::OpenAiChat).unwrap();
    codec.decode_answer(&encoded.context, &ResponseHead::default(), answer.to_string().as_bytes())
}

/// The deltas of one choice, then its finish reason.
fn streamed(encoded: &Encoded, deltas: &[Value], finish: &str) -> Result<ChatAnswer> {
    let mut decoder = protocols::chat(Protocol::OpenAiChat).unwrap().decode_stream(&encoded.context);
    let mut chunks = Vec::new();
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]});
    let events = deltas.iter().map(|delta| json!({"id": "1", "choices": [{"index": 0, "delta": delta}]})).chain([last]);
    for event in events.map(|event| event.to_string()).chain(["[DONE]".to_owned()]) {
        decoder.decode(&Frame::data(event.as_bytes()), &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    assert_eq!(decoder.trailer().emulated_params, ["response_format"]);
    let mut whole = ChatAccumulator::default();
    chunks.iter().for_each(|chunk| whole.push(chunk));
    Ok(whole.finish())
}

fn call(arguments: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "town", "arguments": arguments}}
    ]})
}

#[test]
fn a_provider_with_structured_output_is_asked_for_it() {
    let encoded = send(&ask(), &["seed"], false);
    assert_eq!(body(&encoded)["response_format"]["type"], "json_schema");
    assert_eq!(encoded.context.emulation.format, None);
}

#[test]
fn a_mode_for_any_json_is_used_with_the_schema_in_words() {
    let encoded = send(&ask(), &WITHOUT_SCHEMAS, false);
    let sent = body(&encoded);
    assert_eq!(sent["response_format"], json!({"type": "json_object"}));
    assert_eq!(sent["messages"][0]["content"], "Be brief.");
    assert!(sent["messages"][1]["content"].as_str().unwrap().contains(&schema().to_string()));
    assert_eq!(sent["messages"][2]["role"], "user");
    let answer = answered(&encoded, json!({"content": "```json\n{\"city\": \"Oslo\", \"people\": 7}\n```"}), "stop");
    let answer = answer.unwrap();
    assert_eq!(answer.text(), "{\"city\": \"Oslo\", \"people\": 7}");
    assert_eq!(answer.emulated_params, ["response_format"]);
}

#[test]
fn a_provider_without_any_such_mode_is_made_to_call_a_tool() {
    let encoded = send(&ask(), &WITHOUT_FORMATS, false);
    let sent = body(&encoded);
    assert_eq!(sent["tools"][0]["function"]["parameters"], schema());
    assert_eq!(sent["tool_choice"]["function"]["name"], "town");
    assert_eq!(sent.get("response_format"), None);
    let answer = answered(&encoded, call("{\"city\":\"Oslo\",\"people\":7}"), "tool_calls").unwrap();
    assert_eq!(answer.text(), "{\"city\":\"Oslo\",\"people\":7}");
    assert!(answer.tool_calls().is_empty());
    assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop));
    // A model that answers in words all the same is understood.
    let answer = answered(&encoded, json!({"content": "{\"city\":\"Oslo\",\"people\":7}"}), "stop").unwrap();
    assert_eq!(answer.text(), "{\"city\":\"Oslo\",\"people\":7}");
}

#[test]
fn tools_of_the_request_are_left_alone() {
    let mut request = ask();
    request.tools = vec![Tool::function("look", "", json!({"type": "object"}))];
    let encoded = send(&request, &WITHOUT_FORMATS, false);
    let sent = body(&encoded);
    assert_eq!((sent["tools"].as_array().unwrap().len(), sent.get("tool_choice")), (1, None));
    assert!(encoded.context.emulation.format.unwrap().tool.is_none());
}

#[test]
fn an_answer_that_is_not_what_was_asked_for_is_an_error_that_says_where() {
    let encoded = send(&ask(), &WITHOUT_SCHEMAS, false);
    let wrong = [
        ("Oslo.", "not JSON"),
        ("{\"city\":\"Oslo\"}", "`$.people` is missing"),
        ("{\"city\":\"Oslo\",\"people\":\"7\"}", "`$.people` is not of type \"integer\""),
        ("{\"city\":\"Oslo\",\"people\":7,\"x\":1}", "`$.x` must not be there"),
    ];
    for (text, says) in wrong {
        let error = answered(&encoded, json!({"content": text}), "stop").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderError, "{text}");
        assert!(error.to_string().contains(says), "{error}");
        let error = streamed(&encoded, &[json!({"content": text})], "stop").unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    // One that ran out of tokens is handed on, as it is where structured output exists.
    assert_eq!(answered(&encoded, json!({"content": "{\"ci"}), "length").unwrap().text(), "{\"ci");
    assert_eq!(streamed(&encoded, &[json!({"content": "{\"ci"})], "length").unwrap().text(), "{\"ci");
}

#[test]
fn the_call_of_the_tool_is_streamed_as_text() {
    let encoded = send(&ask(), &WITHOUT_FORMATS, true);
    let piece = |arguments: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
    let start = json!({"role": "assistant", "content": "One moment.", "tool_calls": [
        {"index": 0, "id": "c", "type": "function", "function": {"name": "town", "arguments": ""}}
    ]});
    let deltas = [start, piece("{\"city\":\"Os"), piece("lo\",\"people\":7}")];
    let answer = streamed(&encoded, &deltas, "tool_calls").unwrap();
    assert_eq!(answer.text(), "{\"city\":\"Oslo\",\"people\":7}");
    assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop));
    let parts = &answer.choices[0].message.parts;
    assert!(parts.iter().all(|part| matches!(part.content, Content::Text { .. })), "{parts:?}");
    let answer = streamed(&encoded, &[json!({"content": "{\"city\":\"Oslo\",\"people\":7}"})], "stop").unwrap();
    assert_eq!(answer.text(), "{\"city\":\"Oslo\",\"people\":7}");
}

#[test]
fn a_fence_is_taken_off_however_the_text_is_cut() {
    let texts = [
        "```json\n{\"a\": \"`x`\"}\n```\n",
        "  {\"a\": \"`x`\"}",
        "```\n{\"a\": \"`x`\"}\n``` and more",
        "\n``` json\n{\"a\": \"`x`\"}```",
    ];
    for text in texts {
        assert_eq!(strip(text), "{\"a\": \"`x`\"}", "{text}");
        for cut in 0..=text.len() {
            let mut stripper = Stripper::default();
            let (first, second) = text.split_at(cut);
            assert_eq!(stripper.push(first) + &stripper.push(second), "{\"a\": \"`x`\"}", "{text} cut at {cut}");
        }
        let mut stripper = Stripper::default();
        let pieces: String = text.chars().map(|letter| stripper.push(&letter.to_string())).collect();
        assert_eq!(pieces, "{\"a\": \"`x`\"}", "{text}");
    }
}
