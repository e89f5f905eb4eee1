//! Proofs of thoughts on their way through callers of another protocol, and back to their maker.

use llm_core::chat::{ChatAnswer, Choice, Content, Message, Part, Reasoning, Role};
use llm_core::codec::{AnswerContext, RequestHead, ResponseHead};
use llm_core::{Native, Protocol};
use llm_providers::protocols;
use serde_json::{Value, json};

use super::cx;

/// The first line is the provider's name, the rest its proof: whatever both are, the caller is shown something that comes
/// back as what it was.
pub(crate) fn seal(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (provider, proof) = text.split_once('\n').unwrap_or(("fuzz", text));
    // Ids of providers are words.
    if provider.is_empty()
        || proof.is_empty()
        || !provider.chars().all(|char| char.is_alphanumeric() || "-_.".contains(char))
    {
        return;
    }
    let thought = |signature: Option<&str>, encrypted: Option<&str>| Reasoning {
        text: if signature.is_some() { "hm".to_owned() } else { String::new() },
        signature: signature.map(str::to_owned),
        encrypted: encrypted.map(str::to_owned),
        provider: Some(provider.to_owned()),
        id: None,
    };
    for thought in [thought(Some(proof), None), thought(None, Some(proof))] {
        through_anthropic(&thought);
    }
}

/// As Anthropic's callers get the thoughts, and send them back.
fn through_anthropic(thought: &Reasoning) {
    let Some(codec) = protocols::chat(Protocol::Anthropic) else { return };
    let message = Message::new(Role::Assistant, vec![Part::from(thought.clone())]);
    let choice = Choice { index: 0, message, finish_reason: None, logprobs: None, native: Native::NONE };
    let answer = ChatAnswer { choices: vec![choice], ..ChatAnswer::default() };
    let shown = codec.encode_answer(&AnswerContext::default(), &answer).expect("thoughts can be shown");
    codec.decode_answer(&cx(), &ResponseHead::default(), &shown).expect("what was written can be read");
    let shown: Value = serde_json::from_slice(&shown).expect("an answer is JSON");
    let body = json!({
        "model": "m", "max_tokens": 1,
        "messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": shown["content"]}],
    });
    let (request, _) = codec
        .decode_request(&RequestHead::default(), body.to_string().as_bytes())
        .expect("what a caller was shown can be sent back");
    let back = request.messages.iter().flat_map(|message| &message.parts).find_map(|part| match &part.content {
        Content::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    });
    let back = back.expect("thoughts come back");
    assert_eq!(
        (&back.signature, &back.encrypted, &back.provider),
        (&thought.signature, &thought.encrypted, &thought.provider)
    );
}
