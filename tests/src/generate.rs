//! Requests and answers in llm-core's own types, drawn at random: what no recording happens to hold.

use llm_core::chat::{
    Change, ChatAnswer, ChatChunk, Choice, ChunkChoice, Content, Delta, FinishReason, Message, Part, Reasoning, Role,
    ToolCall,
};
use llm_core::{Meter, Native, Usage};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

/// Texts with what breaks careless code: quotes, line ends, other scripts, marks of other protocols.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z ]{1,12}",
        2 => "\\PC{1,8}",
        1 => Just("a\n\nb\r\nc".to_owned()),
        1 => Just("data: [DONE]\n\n".to_owned()),
        1 => Just("\"\\ {\"a\":1}".to_owned()),
        1 => Just("<think>".to_owned()),
        1 => Just("日本語 😀 e\u{301}".to_owned()),
    ]
}

/// An object as a tool takes it, as JSON.
fn arguments() -> impl Strategy<Value = String> {
    vec(("[a-z]{1,4}", text()), 0..3).prop_map(|members| {
        let members: serde_json::Map<_, _> = members.into_iter().map(|(name, text)| (name, json!(text))).collect();
        serde_json::Value::Object(members).to_string()
    })
}

fn reason() -> impl Strategy<Value = FinishReason> {
    prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::Length),
        Just(FinishReason::ContentFilter),
        Just(FinishReason::Refusal),
        Just(FinishReason::StopSequence),
        "[a-z_]{3,12}".prop_map(|word: String| FinishReason::from(word.as_str())),
    ]
}

fn usage() -> impl Strategy<Value = Usage> {
    (1u64..1000, 1u64..1000, 0u64..100, 0u64..100).prop_map(|(input, output, read, thought)| {
        Usage::default()
            .with(Meter::Input, input)
            .with(Meter::Output, output)
            .with(Meter::CacheRead, read)
            .with(Meter::Reasoning, thought)
    })
}

/// An answer of one choice: perhaps thoughts, then texts and calls in any order.
pub fn answer() -> impl Strategy<Value = ChatAnswer> {
    let said = prop_oneof![
        2 => text().prop_map(Part::text),
        2 => ("[a-z_]{1,8}", arguments()).prop_map(|(name, arguments)| {
            Part::from(ToolCall::new("", name, arguments))
        }),
    ];
    let parts = (option::of(text()), vec(said, 1..5)).prop_map(|(thoughts, mut parts)| {
        for (place, part) in parts.iter_mut().enumerate() {
            if let Content::ToolCall(call) = &mut part.content {
                call.id = format!("call_{place}");
            }
        }
        if let Some(text) = thoughts {
            parts.insert(0, Part::from(Reasoning { text, ..Reasoning::default() }));
        }
        parts
    });
    (parts, reason(), usage()).prop_map(|(parts, reason, usage)| {
        let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
        let finish_reason = Some(if calls { FinishReason::ToolCalls } else { reason });
        let message = Message::new(Role::Assistant, parts);
        ChatAnswer {
            id: "answer-1".to_owned(),
            model: "m-1".to_owned(),
            provider: "p".to_owned(),
            created: Some(1_700_000_000),
            choices: vec![Choice { index: 0, message, finish_reason, logprobs: None, native: Native::NONE }],
            usage: Some(usage),
            ..ChatAnswer::default()
        }
    })
}

/// How an answer is cut into chunks: where its texts are cut, whose turn it is, and what is said of the ends of parts.
#[derive(Clone, Debug)]
pub struct Cuts {
    turns: Vec<Index>,
    step: usize,
    says_stop: bool,
    usage_with_the_end: bool,
}

/// Any way to cut.
pub fn cuts() -> impl Strategy<Value = Cuts> {
    (vec(any::<Index>(), 64), 1usize..6, any::<bool>(), any::<bool>())
        .prop_map(|(turns, step, says_stop, usage_with_the_end)| Cuts { turns, step, says_stop, usage_with_the_end })
}

/// The answer in pieces. Parts begin in order; parallel tool calls grow in turns.
pub fn chunks(answer: &ChatAnswer, cuts: &Cuts) -> Vec<ChatChunk> {
    let choice = &answer.choices[0];
    let one =
        |deltas| ChatChunk { choices: vec![ChunkChoice { deltas, ..ChunkChoice::default() }], ..ChatChunk::default() };
    let mut chunks = vec![ChatChunk {
        id: Some(answer.id.clone()),
        model: Some(answer.model.clone()),
        created: answer.created,
        choices: vec![ChunkChoice { role: Some(Role::Assistant), ..ChunkChoice::default() }],
        ..ChatChunk::default()
    }];
    let mut turns = cuts.turns.iter().cycle();
    let mut parts = (0_u32..).zip(&choice.message.parts).peekable();
    while let Some((number, part)) = parts.next() {
        // Calls that stand side by side are made in parallel.
        let mut together = vec![(number, part)];
        let is_call = |part: &Part| matches!(part.content, Content::ToolCall(_));
        if is_call(part) {
            together.extend(std::iter::from_fn(|| parts.next_if(|(_, next)| is_call(next))));
        }
        let mut queues: Vec<Vec<Delta>> = together
            .iter()
            .map(|(number, part)| {
                let mut deltas = pieces(*number, part, cuts.step);
                if cuts.says_stop {
                    deltas.push(Delta::new(*number, Change::Stop));
                }
                deltas.reverse();
                deltas
            })
            .collect();
        // They begin in order.
        for queue in &mut queues {
            chunks.extend(queue.pop().map(|delta| one(vec![delta])));
        }
        while queues.iter().any(|queue| !queue.is_empty()) {
            queues.retain(|queue| !queue.is_empty());
            let turn = turns.next().map_or(0, |turn| turn.index(queues.len()));
            chunks.extend(queues[turn].pop().map(|delta| one(vec![delta])));
        }
    }
    let mut end = ChatChunk {
        choices: vec![ChunkChoice { finish_reason: choice.finish_reason.clone(), ..ChunkChoice::default() }],
        ..ChatChunk::default()
    };
    if cuts.usage_with_the_end {
        end.usage.clone_from(&answer.usage);
        chunks.push(end);
    } else {
        chunks.push(end);
        chunks.push(ChatChunk { usage: answer.usage.clone(), ..ChatChunk::default() });
    }
    chunks
}

fn pieces(number: u32, part: &Part, step: usize) -> Vec<Delta> {
    let mut empty = part.clone();
    let (text, change): (String, fn(String) -> Change) = match &mut empty.content {
        Content::Text { text, .. } => (std::mem::take(text), Change::Text),
        Content::Reasoning(reasoning) => (std::mem::take(&mut reasoning.text), Change::Reasoning),
        Content::ToolCall(call) => (std::mem::take(&mut call.arguments), Change::Arguments),
        _ => return vec![Delta::new(number, Change::Start(empty))],
    };
    let letters: Vec<char> = text.chars().collect();
    std::iter::once(Change::Start(empty))
        .chain(letters.chunks(step).map(|piece| change(piece.iter().collect())))
        .map(|change| Delta::new(number, change))
        .collect()
}
