//! Chunks of other protocols, written as Ollama's lines.

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Delta, FinishReason, Part, Reasoning, ToolCall};
use llm_core::codec::{AnswerContext, StreamEncoder as _};
use llm_core::{Error, ErrorKind, Meter, Usage};
use serde_json::{Value, json};

use super::Encoder;

fn chunk(deltas: Vec<(u32, Change)>, finish_reason: Option<FinishReason>) -> ChatChunk {
    let deltas = deltas.into_iter().map(|(part, change)| Delta::new(part, change)).collect();
    ChatChunk { choices: vec![ChunkChoice { deltas, finish_reason, ..ChunkChoice::default() }], ..ChatChunk::default() }
}

fn call(id: &str) -> Change {
    Change::Start(ToolCall::new(id, "tide", "").into())
}

fn lines(chunks: &[ChatChunk]) -> Vec<Value> {
    let cx = AnswerContext { model: "asked".into(), created: 0, ..AnswerContext::default() };
    let mut encoder = Encoder::new(&cx);
    let mut out = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut out).unwrap();
    }
    encoder.finish(&Default::default(), &mut out);
    let text = String::from_utf8(out).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        assert_eq!(line.shift_remove("created_at"), Some(json!("1970-01-01T00:00:00Z")));
        assert_eq!(line.shift_remove("model"), Some(json!("asked")));
    }
    lines
}

#[test]
fn pieces_of_parallel_calls_are_gathered_whole() {
    let arguments = |part, text: &str| (part, Change::Arguments(text.into()));
    let chunks = [
        chunk(vec![(0, Change::Start(Reasoning::default().into())), (0, Change::Reasoning("Hm".into()))], None),
        chunk(vec![(0, Change::Signature("opaque".into()))], None),
        chunk(vec![(1, Change::Start(Part::text(""))), (1, Change::Text("Wait".into()))], None),
        chunk(vec![(2, call("a")), (3, call("b"))], None),
        chunk(vec![arguments(3, "{\"port\":"), arguments(2, "{}")], None),
        chunk(vec![arguments(3, "\"Brest\"}")], None),
        chunk(vec![], Some(FinishReason::ToolCalls)),
        ChatChunk {
            usage: Some(Usage::default().with(Meter::Input, 3).with(Meter::Output, 4)),
            ..ChatChunk::default()
        },
    ];
    let calls = json!([
        {"id": "a", "function": {"name": "tide", "arguments": {}}},
        {"id": "b", "function": {"name": "tide", "arguments": {"port": "Brest"}}},
    ]);
    assert_eq!(
        lines(&chunks),
        [
            json!({"message": {"role": "assistant", "content": "", "thinking": "Hm"}, "done": false}),
            json!({"message": {"role": "assistant", "content": "Wait"}, "done": false}),
            json!({"message": {"role": "assistant", "content": "", "tool_calls": calls}, "done": false}),
            json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop",
                "prompt_eval_count": 3, "eval_count": 4}),
        ]
    );
}

#[test]
fn a_call_that_is_said_to_be_whole_leaves_at_once() {
    let chunks = [chunk(vec![(0, call("a"))], None), chunk(vec![(0, Change::Stop)], None)];
    assert_eq!(lines(&chunks).len(), 2);
    assert_eq!(lines(&chunks)[0]["message"]["tool_calls"][0]["id"], "a");
}

#[test]
fn an_error_is_the_last_line_and_not_a_whole_end() {
    let mut out = Vec::new();
    Encoder::new(&AnswerContext::default()).error(&Error::new(ErrorKind::Overloaded, "too much to do"), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "{\"error\":\"too much to do\"}\n");
}
