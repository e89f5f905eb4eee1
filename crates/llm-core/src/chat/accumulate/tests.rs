use serde_json::json;

use super::*;
use crate::chat::{Delta, FinishReason, ToolCall};
use crate::{Meter, Protocol, Usage};

fn chunk(index: u32, deltas: Vec<Delta>) -> ChatChunk {
    ChatChunk { choices: vec![ChunkChoice { index, deltas, ..ChunkChoice::default() }], ..ChatChunk::default() }
}

fn together(chunks: &[ChatChunk]) -> ChatAnswer {
    let mut all = ChatAccumulator::new("mock");
    chunks.iter().for_each(|chunk| all.push(chunk));
    all.finish()
}

fn call(id: &str) -> Part {
    Part::from(ToolCall { id: id.to_owned(), name: "f".to_owned(), ..ToolCall::default() })
}

#[test]
fn pieces_of_a_text_become_one_part() {
    let answer = together(&[
        chunk(0, vec![Delta::new(0, Change::Start(Part::text("Hel")))]),
        chunk(0, vec![Delta::new(0, Change::Text("lo".to_owned())), Delta::new(0, Change::Stop)]),
    ]);
    assert_eq!((answer.text().as_str(), answer.provider.as_str()), ("Hello", "mock"));
    assert_eq!(answer.message().unwrap().parts.len(), 1);
}

#[test]
fn parallel_calls_stay_apart_however_their_pieces_are_mixed() {
    let piece = |part, text: &str| chunk(0, vec![Delta::new(part, Change::Arguments(text.to_owned()))]);
    let answer = together(&[
        chunk(0, vec![Delta::new(0, Change::Start(call("a"))), Delta::new(1, Change::Start(call("b")))]),
        piece(1, "{\"y\""),
        piece(0, "{\"x\":1"),
        piece(1, ":2}"),
        piece(0, "}"),
    ]);
    let calls: Vec<_> = answer.tool_calls().iter().map(|call| (call.id.clone(), call.arguments.clone())).collect();
    assert_eq!(calls, [("a".to_owned(), "{\"x\":1}".to_owned()), ("b".to_owned(), "{\"y\":2}".to_owned())]);
}

#[test]
fn choices_are_kept_in_their_order_and_later_words_win() {
    let mut last = chunk(1, Vec::new());
    last.choices[0].finish_reason = Some(FinishReason::Unknown("new_reason".to_owned()));
    last.usage = Some(Usage::default().with(Meter::Output, 2));
    last.native.insert(Protocol::OpenAiChat, "x", json!(2));
    let mut first = chunk(1, vec![Delta::new(0, Change::Start(Part::text("b")))]);
    first.usage = Some(Usage::default().with(Meter::Output, 1));
    first.native.insert(Protocol::OpenAiChat, "x", json!(1));
    let answer = together(&[first, chunk(0, vec![Delta::new(0, Change::Start(Part::text("a")))]), last]);
    assert_eq!(answer.choices.iter().map(|choice| choice.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(answer.choices[1].finish_reason, Some(FinishReason::Unknown("new_reason".to_owned())));
    assert_eq!(answer.usage().output_tokens(), 2);
    assert_eq!(answer.native.get(Protocol::OpenAiChat, "x"), Some(&json!(2)));
}

#[test]
fn what_fits_no_part_is_left_out() {
    let answer = together(&[
        chunk(0, vec![Delta::new(7, Change::Text("nowhere".to_owned()))]),
        chunk(
            0,
            vec![Delta::new(0, Change::Start(Part::text("a"))), Delta::new(0, Change::Arguments("{}".to_owned()))],
        ),
    ]);
    assert_eq!(answer.text(), "a");
}

#[test]
fn log_probabilities_are_appended() {
    let with = |logprobs| {
        let mut chunk = chunk(0, Vec::new());
        chunk.choices[0].logprobs = Some(logprobs);
        chunk
    };
    let answer = together(&[with(json!({"content": [1], "refusal": null})), with(json!({"content": [2, 3]}))]);
    assert_eq!(answer.choices[0].logprobs, Some(json!({"content": [1, 2, 3], "refusal": null})));
}
