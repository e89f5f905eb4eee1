//! Our own small exchanges, replayed through every promise, as they are and as they may look tomorrow.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

use std::path::Path;

use llm_core::{OperationKind, Protocol};
use llm_providers::protocols;
use llm_tests::exchange::{Answered, Exchange, files_below};
use llm_tests::mutate::{changed, enum_places, reordered, with_unknown_members, with_unknown_value};
use llm_tests::replay::{Outcome, Promise, Spoken, mutate, operation, quirks_of, replay, spoken};

/// What an exchange is in: chat or another operation, and the protocol.
type Dialect = (OperationKind, Protocol);

/// Every exchange that the repository carries, with its dialect.
fn exchanges() -> Vec<(String, Dialect, Exchange)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [tests.join("fixtures"), tests.join("../crates/llm-providers/tests/fixtures")];
    let mut found = Vec::new();
    for path in folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| files_below(folder).unwrap()) {
        let exchange = Exchange::read(&path).unwrap();
        let dialect = match spoken(&exchange.provider, &exchange.api) {
            Spoken::Chat(protocol) => (OperationKind::Chat, protocol),
            Spoken::Operation(kind, protocol) => (kind, protocol),
            Spoken::Other(_) => panic!("{}: speaks nothing that is known", path.display()),
        };
        let name = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect::<Vec<_>>();
        found.push((format!("{}/{}", name[1], name[0]), dialect, exchange));
    }
    found
}

fn chats() -> Vec<(String, Dialect, Exchange)> {
    exchanges().into_iter().filter(|(_, (kind, _), _)| *kind == OperationKind::Chat).collect()
}

fn run((kind, protocol): Dialect, exchange: &Exchange) -> Outcome {
    if kind != OperationKind::Chat {
        return operation::replay(exchange, kind, protocol).unwrap_or_else(|reason| panic!("{reason}"));
    }
    let codec = protocols::chat(protocol).unwrap_or_else(|| panic!("`{protocol}` is not built"));
    replay(exchange, codec, quirks_of(&exchange.provider))
}

fn report(shortfalls: &[String]) {
    assert!(shortfalls.is_empty(), "{} shortfalls:\n{}", shortfalls.len(), shortfalls.join("\n"));
}

fn shortfalls(name: &str, outcome: &Outcome, promises: impl Fn(Promise) -> bool) -> Vec<String> {
    // A stream that was cut on purpose must fall short by being called cut, and by nothing else.
    let is_cut_on_purpose = name.contains("_cut");
    let is_expected = |promise: Promise, found: &[String]| {
        is_cut_on_purpose && promise == Promise::Stream && found.len() == 1 && found[0].contains("kind: Cut")
    };
    if is_cut_on_purpose && outcome.holds(Promise::Stream) == Some(true) {
        return vec![format!("{name}: a cut stream looks whole")];
    }
    outcome
        .shortfalls()
        .filter(|(promise, found)| promises(*promise) && !is_expected(*promise, found))
        .map(|(promise, found)| format!("{name} {}: {}", promise.as_str(), found.join("\n    ")))
        .collect()
}

#[test]
fn every_exchange_keeps_every_promise() {
    let mut short = Vec::new();
    let exchanges = exchanges();
    for (name, protocol, exchange) in &exchanges {
        short.extend(shortfalls(name, &run(*protocol, exchange), |_| true));
    }
    report(&short);
    for protocol in [
        Protocol::OpenAiChat,
        Protocol::OpenAiResponses,
        Protocol::Anthropic,
        Protocol::Bedrock,
        Protocol::Gemini,
        Protocol::Ollama,
    ] {
        let count = exchanges.iter().filter(|(_, spoken, _)| *spoken == (OperationKind::Chat, protocol)).count();
        assert!(count >= 8, "only {count} exchanges for `{protocol}`");
    }
    for kind in OperationKind::ALL {
        let count = exchanges.iter().filter(|(_, (spoken, _), _)| spoken == kind).count();
        assert!(count >= 3, "only {count} exchanges for `{kind}`");
    }
}

#[test]
fn members_that_nobody_knows_cost_nothing() {
    let mut short = Vec::new();
    for (name, protocol, exchange) in exchanges() {
        let changed = changed(&exchange, &with_unknown_members);
        short.extend(shortfalls(&name, &run(protocol, &changed), |_| true));
    }
    report(&short);
}

#[test]
fn the_order_of_members_costs_nothing() {
    let mut short = Vec::new();
    for (name, protocol, exchange) in exchanges() {
        let changed = changed(&exchange, &reordered);
        short.extend(shortfalls(&name, &run(protocol, &changed), |_| true));
    }
    report(&short);
}

/// A value that nobody knows may change what an answer means, but never loses the answer or its usage.
#[test]
fn a_value_that_nobody_knows_never_loses_an_answer_or_its_usage() {
    let kept = |promise| matches!(promise, Promise::Request | Promise::Answer | Promise::Usage | Promise::Native);
    let mut short = Vec::new();
    for (name, protocol, exchange) in exchanges() {
        // A role says what a message may hold, so a caller's unknown one may be refused by name.
        let is_refusal = |found: &String| found.contains("InvalidRequest") && found.contains("role` must be");
        let asked = exchange.request.as_ref().and_then(|asked| asked.body.as_ref());
        for place in asked.map(enum_places).unwrap_or_default() {
            let mut changed = exchange.clone();
            changed.response = None;
            if let Some(body) = changed.request.as_mut().and_then(|asked| asked.body.as_mut()) {
                *body = with_unknown_value(body, &place);
            }
            let found = shortfalls(&format!("{name} request{place}"), &run(protocol, &changed), kept);
            short.extend(found.into_iter().filter(|found| !is_refusal(found)));
        }
        let answered = exchange.response.as_ref().filter(|answered| answered.status < 400);
        let answered = answered.and_then(|answered| answered.body.as_ref());
        for place in answered.map(enum_places).unwrap_or_default() {
            let mut changed = exchange.clone();
            // What was asked still tells which answer is due, such as a page.
            if let Some(asked) = changed.request.as_mut() {
                asked.body = None;
            }
            if let Some(body) = changed.response.as_mut().and_then(|answered| answered.body.as_mut()) {
                *body = with_unknown_value(body, &place);
            }
            short.extend(shortfalls(&format!("{name} answer{place}"), &run(protocol, &changed), kept));
        }
    }
    report(&short);
}

/// In streams the type of a whole event is grammar; everything below it may grow.
#[test]
fn a_value_that_nobody_knows_never_loses_a_stream_or_its_usage() {
    let kept = |promise| matches!(promise, Promise::Stream | Promise::Cuts | Promise::Usage | Promise::Native);
    let mut short = Vec::new();
    for (name, protocol, exchange) in chats() {
        let Some(stream) =
            exchange.response.as_ref().filter(|answered| answered.status < 400).and_then(Answered::stream)
        else {
            continue;
        };
        for member in [
            "finish_reason",
            "finishReason",
            "modality",
            "stop_reason",
            "stopReason",
            "done_reason",
            "service_tier",
            "role",
            "object",
            "type",
        ] {
            let changed = changed(&exchange, &|event| {
                let mut event = event.clone();
                for place in enum_places(&event) {
                    let is_nested = place.matches('/').count() > 1;
                    if place.ends_with(&format!("/{member}")) && (is_nested || member != "type") {
                        event = with_unknown_value(&event, &place);
                    }
                }
                event
            });
            if changed.response.as_ref().and_then(Answered::stream).as_ref() != Some(&stream) {
                let mut changed = changed;
                changed.request = None;
                short.extend(shortfalls(&format!("{name} {member}"), &run(protocol, &changed), kept));
            }
        }
    }
    report(&short);
}

/// All of it at once, at places drawn from many seeds.
#[test]
fn no_mutation_loses_an_answer_or_its_usage() {
    const SEEDS: std::ops::Range<u64> = 0..12;
    let mut short = Vec::new();
    for (name, (kind, protocol), exchange) in exchanges() {
        let found = match (kind, protocols::chat(protocol)) {
            (OperationKind::Chat, Some(codec)) => mutate(&exchange, codec, &quirks_of(&exchange.provider), SEEDS),
            _ => operation::mutate(&exchange, kind, protocol, SEEDS).unwrap(),
        };
        short.extend(found.into_iter().map(|what| format!("{name} {what}")));
    }
    report(&short);
}
