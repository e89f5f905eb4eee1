//! Answers and streams drawn at random, in every protocol in which applications speak to us: what an SDK would read of
//! them is what was said, and every stream obeys its protocol's grammar.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use llm_core::chat::{ChatAccumulator, ChatAnswer, ChatChunk, Content, FinishReason};
use llm_core::codec::{AnswerContext, ChatProtocol, DecodeContext, ResponseHead, Trailer};
use llm_core::{Error, ErrorKind, Protocol};
use llm_providers::protocols;
use llm_tests::generate::{answer, chunks, cuts};
use llm_tests::grammar;
use llm_tests::replay::{Event, events_of};
use proptest::prelude::*;
use serde_json::Value;

const CALLERS: &[Protocol] =
    &[Protocol::OpenAiChat, Protocol::OpenAiResponses, Protocol::Anthropic, Protocol::Gemini, Protocol::Native];

fn callers() -> impl Iterator<Item = &'static dyn ChatProtocol> {
    CALLERS.iter().map(|protocol| protocols::chat(*protocol).unwrap())
}

fn asked(stream: bool, include_usage: bool) -> AnswerContext {
    AnswerContext {
        model: "as-asked".to_owned(),
        stream,
        include_usage,
        version: Some("2023-06-01".to_owned()),
        id_seed: "seed".to_owned(),
        created: 1_700_000_000,
        ..AnswerContext::default()
    }
}

fn reading() -> DecodeContext {
    DecodeContext { provider: "p".to_owned(), id_seed: "seed".to_owned(), ..DecodeContext::default() }
}

/// Writes chunks; `failure` takes the place of the end.
fn write(codec: &dyn ChatProtocol, cx: &AnswerContext, chunks: &[ChatChunk], failure: Option<&Error>) -> Vec<Event> {
    let mut encoder = codec.encode_stream(cx);
    let mut written = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut written).unwrap();
    }
    match failure {
        None => encoder.finish(&Trailer::default(), &mut written),
        Some(error) => encoder.error(error, &mut written),
    }
    events_of(encoder.content_type(), &written, written.len()).unwrap()
}

fn read(codec: &dyn ChatProtocol, events: &[Event]) -> Result<ChatAnswer, Error> {
    let mut decoder = codec.decode_stream(&reading());
    let mut chunks = Vec::new();
    for event in events {
        decoder.decode(&event.frame(), &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    let mut sum = ChatAccumulator::new("p");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    Ok(sum.finish())
}

/// What every protocol can say of an answer.
#[derive(Debug, PartialEq)]
struct Said {
    text: String,
    reasoning: String,
    /// Each call of a tool: its id, the tool's name, the arguments.
    calls: Vec<(String, String, Value)>,
    input: u64,
    output: u64,
}

fn said(answer: &ChatAnswer) -> Said {
    let calls = answer.tool_calls().into_iter().map(|call| {
        let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        (call.id.clone(), call.name.clone(), serde_json::from_str(arguments).unwrap())
    });
    let usage = answer.usage();
    Said {
        calls: calls.collect(),
        text: answer.text(),
        reasoning: answer.reasoning(),
        input: usage.input_tokens(),
        output: usage.output_tokens(),
    }
}

/// The reason as the vocabularies of all protocols have it: what none of them knows is an end like another.
fn why(protocol: Protocol, answer: &ChatAnswer) -> Option<FinishReason> {
    let reason = answer.finish_reason().cloned()?;
    Some(match reason {
        reason if protocol == Protocol::Native => reason,
        FinishReason::ToolCalls | FinishReason::Length => reason,
        // Whose scruples they were, some protocols can't tell.
        FinishReason::ContentFilter | FinishReason::Refusal => FinishReason::Refusal,
        _ => FinishReason::Stop,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_says_the_same_in_every_protocol(answer in answer()) {
        for codec in callers() {
            let name = codec.protocol();
            let body = codec.encode_answer(&asked(false, false), &answer).unwrap();
            let again = codec.decode_answer(&reading(), &ResponseHead::default(), &body).unwrap();
            prop_assert_eq!(said(&again), said(&answer), "{}: {}", name, String::from_utf8_lossy(&body));
            prop_assert_eq!(why(name, &again), why(name, &answer), "{}", name);
        }
    }

    #[test]
    fn a_stream_says_the_same_and_obeys_the_grammar(answer in answer(), cuts in cuts()) {
        let chunks = chunks(&answer, &cuts);
        for codec in callers() {
            let name = codec.protocol();
            let events = write(codec, &asked(true, true), &chunks, None);
            prop_assert_eq!(grammar::check(name, &events), Vec::<String>::new(), "{}", name);
            let again = read(codec, &events).unwrap();
            prop_assert_eq!(said(&again), said(&answer), "{}", name);
            prop_assert_eq!(why(name, &again), why(name, &answer), "{}", name);
        }
    }

    #[test]
    fn calls_of_custom_tools_are_told_as_such(mut answer in answer(), cuts in cuts()) {
        for part in &mut answer.choices[0].message.parts {
            if let Content::ToolCall(call) = &mut part.content {
                call.is_custom = true;
            }
        }
        let is_custom = |answer: &ChatAnswer| answer.tool_calls().iter().all(|call| call.is_custom);
        let chunks = chunks(&answer, &cuts);
        for name in [Protocol::OpenAiChat, Protocol::OpenAiResponses] {
            let codec = protocols::chat(name).unwrap();
            let body = codec.encode_answer(&asked(false, false), &answer).unwrap();
            let whole = codec.decode_answer(&reading(), &ResponseHead::default(), &body).unwrap();
            let events = write(codec, &asked(true, true), &chunks, None);
            prop_assert_eq!(grammar::check(name, &events), Vec::<String>::new(), "{}", name);
            let streamed = read(codec, &events).unwrap();
            for again in [whole, streamed] {
                prop_assert!(is_custom(&again), "{}: {:?}", name, again);
                prop_assert_eq!(said(&again), said(&answer), "{}", name);
            }
        }
    }

    #[test]
    fn usage_that_was_not_asked_for_is_not_sent(answer in answer(), cuts in cuts()) {
        let codec = protocols::chat(Protocol::OpenAiChat).unwrap();
        let events = write(codec, &asked(true, false), &chunks(&answer, &cuts), None);
        prop_assert_eq!(grammar::check(Protocol::OpenAiChat, &events), Vec::<String>::new());
        for event in events {
            prop_assert!(event.value().get("usage").is_none_or(Value::is_null), "{}", event);
            prop_assert!(event.data == b"[DONE]" || event.value()["choices"] != serde_json::json!([]), "{}", event);
        }
    }

    #[test]
    fn a_failure_in_the_middle_never_looks_whole(answer in answer(), cuts in cuts(), place in any::<prop::sample::Index>()) {
        let chunks = chunks(&answer, &cuts);
        let begun = &chunks[..place.index(chunks.len())];
        let failure = Error::cut();
        for codec in callers() {
            let name = codec.protocol();
            let events = write(codec, &asked(true, true), begun, Some(&failure));
            let error = read(codec, &events).expect_err("a stream with an error in it is no whole answer");
            prop_assert!(error.kind() != ErrorKind::InvalidRequest, "{}: {:?}", name, error);
            prop_assert!(!grammar::check(name, &events).is_empty() || name == Protocol::Native, "{}", name);
        }
    }
}
