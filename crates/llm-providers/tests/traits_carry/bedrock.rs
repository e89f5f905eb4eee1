//! What Bedrock's events say, told without the codec.

use llm_core::chat::ChatAnswer;
use llm_providers::framing::Framer;
use serde_json::Value;

/// Panics where `answer` is not what the events say, told without the codec.
pub(crate) fn agrees(answer: &ChatAnswer, mut framer: Box<dyn Framer>, body: &[u8], name: &str) {
    framer.push(body);
    let (mut text, mut thoughts, mut calls, mut input, mut total) =
        (String::new(), String::new(), 0, String::new(), None);
    while let Some(found) = framer.next_frame().unwrap() {
        let event: Value = serde_json::from_slice(found.frame.data).unwrap();
        text += event.pointer("/delta/text").and_then(Value::as_str).unwrap_or_default();
        thoughts += event.pointer("/delta/reasoningContent/text").and_then(Value::as_str).unwrap_or_default();
        input += event.pointer("/delta/toolUse/input").and_then(Value::as_str).unwrap_or_default();
        calls += usize::from(event.pointer("/start/toolUse").is_some());
        total = event.pointer("/usage/totalTokens").and_then(Value::as_u64).or(total);
    }
    assert_eq!((answer.text(), answer.reasoning()), (text, thoughts), "{name}");
    let arguments: String = answer.tool_calls().iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!((answer.tool_calls().len(), arguments), (calls, input), "{name}");
    assert_eq!(Some(answer.usage().total()), total, "{name}");
}
