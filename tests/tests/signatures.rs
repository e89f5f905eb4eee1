//! Proofs of thoughts (signatures, encrypted thoughts) go back to who thought, through callers in any protocol, and to
//! nobody else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

use std::collections::BTreeMap;

use llm_core::Protocol;
use llm_core::chat::{ChatAnswer, ChatRequest, Content, Message, Role, UnsupportedPolicy};
use llm_core::codec::{AnswerContext, ChatProtocol, DecodeContext, Quirks, RequestHead, ResponseHead, Target};
use llm_providers::protocols;
use serde_json::{Value, json};

/// What every proof begins with, and what a proof that is shown to callers begins with, plain and in base64.
const PROOF: &str = "UHJvb2Y";
const SEALS: [&str; 3] = ["llm:s:", "llm:e:", "bGxtLXJlYXNvbmlu"];
const SIGNATURE: &str = "UHJvb2YtMQ==";
const HIDDEN: &str = "UHJvb2YtMg==";

fn codec(protocol: Protocol) -> &'static dyn ChatProtocol {
    protocols::chat(protocol).unwrap_or_else(|| panic!("`{protocol}` is not built"))
}

/// An answer with thoughts and proofs of them, as each protocol that has proofs spells it.
fn makers() -> Vec<(Protocol, Value)> {
    vec![
        (
            Protocol::Anthropic,
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE},
                {"type": "redacted_thinking", "data": HIDDEN},
                {"type": "text", "text": "Yes."},
            ], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}),
        ),
        (
            Protocol::Bedrock,
            json!({"output": {"message": {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": SIGNATURE}}},
                {"reasoningContent": {"redactedContent": HIDDEN}},
                {"text": "Yes."},
            ]}}, "stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}),
        ),
        (
            Protocol::Gemini,
            json!({"candidates": [{"content": {"role": "model", "parts": [
                {"text": "Hm.", "thought": true, "thoughtSignature": SIGNATURE},
                {"text": "Yes."},
            ]}, "finishReason": "STOP", "index": 0}]}),
        ),
        (
            Protocol::OpenAiResponses,
            json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [
                {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}],
                 "encrypted_content": HIDDEN},
                {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                 "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]},
            ]}),
        ),
        (
            Protocol::OpenAiChat,
            json!({"id": "c_1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes.", "reasoning": "Hm.",
                 "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": SIGNATURE, "index": 0}]}},
            ]}),
        ),
    ]
}

fn answer(protocol: Protocol, body: &Value) -> ChatAnswer {
    let cx = DecodeContext { provider: "maker".into(), id_seed: "seed".into(), ..DecodeContext::default() };
    codec(protocol).decode_answer(&cx, &ResponseHead::default(), body.to_string().as_bytes()).unwrap()
}

/// The next request of a caller who was given `answer` in `protocol`, and sends it back as the protocol's SDK does.
fn through(protocol: Protocol, answer: &ChatAnswer) -> ChatRequest {
    let cx = AnswerContext { id_seed: "seed".into(), ..AnswerContext::default() };
    let shown: Value = serde_json::from_slice(&codec(protocol).encode_answer(&cx, answer).unwrap()).unwrap();
    let mut head = RequestHead::default();
    let body = match protocol {
        Protocol::OpenAiChat => json!({"model": "m", "messages": [
            {"role": "user", "content": "Well?"}, shown["choices"][0]["message"], {"role": "user", "content": "Sure?"}]}),
        Protocol::Anthropic => json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": "Well?"}, {"role": "assistant", "content": shown["content"]},
            {"role": "user", "content": "Sure?"}]}),
        Protocol::OpenAiResponses => {
            let mut input = vec![json!({"role": "user", "content": "Well?"})];
            input.extend(shown["output"].as_array().unwrap().iter().cloned());
            input.push(json!({"role": "user", "content": "Sure?"}));
            json!({"model": "m", "input": input})
        }
        Protocol::Gemini => {
            head.path = "/v1beta/models/m:generateContent".to_owned();
            let user = |text: &str| json!({"role": "user", "parts": [{"text": text}]});
            json!({"contents": [user("Well?"), shown["candidates"][0]["content"], user("Sure?")]})
        }
        other => panic!("nobody calls in `{other}`"),
    };
    codec(protocol).decode_request(&head, body.to_string().as_bytes()).unwrap().0
}

/// What is sent to `provider`, which speaks `protocol`; none where the request can't be said there.
fn sent(protocol: Protocol, provider: &str, request: &ChatRequest) -> Option<String> {
    let quirks = Quirks { reasoning_details: protocol == Protocol::OpenAiChat, ..Quirks::default() };
    let target = Target {
        provider,
        model: "claude-haiku-4-5",
        version: None,
        quirks: &quirks,
        variables: &BTreeMap::new(),
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    let request = ChatRequest { unsupported: UnsupportedPolicy::Drop, ..request.clone() };
    let encoded = codec(protocol).encode_request(&request, &target).ok()?;
    Some(String::from_utf8(encoded.body.to_vec()).unwrap())
}

const TARGETS: [Protocol; 9] = [
    Protocol::OpenAiChat,
    Protocol::OpenAiResponses,
    Protocol::Anthropic,
    Protocol::Gemini,
    Protocol::Bedrock,
    Protocol::Cohere,
    Protocol::Mistral,
    Protocol::Ollama,
    Protocol::Native,
];

const CALLERS: [Protocol; 4] = [Protocol::OpenAiChat, Protocol::Anthropic, Protocol::OpenAiResponses, Protocol::Gemini];

/// Checks one conversation: back to its maker with every proof, to others with none.
fn check(name: &str, maker: Protocol, caller: Option<Protocol>, request: &ChatRequest, wrong: &mut Vec<String>) {
    let proofs = |text: &str| text.matches(PROOF).count();
    let back = sent(maker, "maker", request).unwrap_or_default();
    if proofs(&back) == 0 {
        wrong.push(format!("{name}: the maker does not get its proofs back: {back}"));
    }
    if SEALS.iter().any(|seal| back.contains(seal)) {
        wrong.push(format!("{name}: the maker gets its proofs sealed: {back}"));
    }
    for target in TARGETS {
        // What a caller says in the maker's own protocol names nobody, so that it stays within that protocol. What goes
        // to a gateway in the native protocol says whose the proofs are.
        if (caller == Some(maker) && target == maker) || target == Protocol::Native {
            continue;
        }
        let Some(text) = sent(target, "other", request) else { continue };
        if proofs(&text) > 0 || SEALS.iter().any(|seal| text.contains(seal)) {
            wrong.push(format!("{name}: `{target}` at another provider is shown a proof: {text}"));
        }
        if !text.contains("Yes.") {
            wrong.push(format!("{name}: `{target}` is not told what was said: {text}"));
        }
    }
}

#[test]
fn proofs_go_back_to_who_thought_and_to_nobody_else() {
    let mut wrong = Vec::new();
    for (maker, body) in makers() {
        let answer = answer(maker, &body);
        let message = answer.message().unwrap().clone();
        assert!(message.parts.iter().any(|part| matches!(part.content, Content::Reasoning(_))), "{maker}");
        let turns = [Message::text(Role::User, "Well?"), message, Message::text(Role::User, "Sure?")];
        let direct = turns.into_iter().fold(ChatRequest::new("m"), ChatRequest::message);
        check(&format!("{maker} in process"), maker, None, &direct, &mut wrong);
        for caller in CALLERS {
            let request = through(caller, &answer);
            check(&format!("{maker} through {caller}"), maker, Some(caller), &request, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
