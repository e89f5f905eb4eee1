//! Requests, both ways: OpenAI's, with what is Mistral's own put in its place.

use std::borrow::Cow;

use llm_core::chat::{ChatRequest, Content, Effort, Part, Reasoning, ReasoningOptions, Relabel};
use llm_core::codec::{
    AnswerContext, CacheMarkers, DocumentForm, Downstream, Encoded, Quirks, RequestHead, Target, Unsupported,
};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::{INNER, MISTRAL, OpenAiChat, fit};
use crate::protocols::effort;
use crate::protocols::openai_chat::{self, Dialect};

const CHOICE: &str = "tool_choice";
/// What OpenAI calls `any`.
const REQUIRED: &str = "required";
/// OpenAI's names, and Mistral's.
const NAMES: [(&str, &str); 2] = [("seed", "random_seed"), ("max_completion_tokens", "max_tokens")];

pub(super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let is_own = request.native.is_from(MISTRAL);
    let dialect = Dialect { is_foreign: request.native.is_foreign_to(MISTRAL), results_hold_media: true };
    let mut unsupported = Unsupported::new(request.unsupported, target.provider);
    if !is_own {
        fit::refuse(request, &mut unsupported)?;
    }
    let request = as_inner(request, target.provider);
    let said_required = request.native.get(INNER, CHOICE) == Some(&json!(REQUIRED));
    // Usage comes unasked; who asked in this protocol's own words is heard.
    let asks = request.native.get(INNER, "stream_options").is_some() && is_own;
    let quirks = Quirks {
        documents: DocumentForm::DocumentUrl,
        bare_audio: true,
        system_only: true,
        no_stream_options: !asks,
        cache_markers: CacheMarkers::None,
        ..target.quirks.clone()
    };
    let target = Target { quirks: &quirks, ..*target };
    let mut encoded = openai_chat::encode_with(&request, &target, dialect, |out| {
        for (theirs, ours) in NAMES {
            if let Some(value) = out.remove(theirs) {
                out.insert(ours.to_owned(), value);
            }
        }
        if !said_required && out.get(CHOICE) == Some(&json!(REQUIRED)) {
            out.insert(CHOICE.to_owned(), json!("any"));
        }
        if !is_own {
            fit::fit(out);
        }
    })?;
    encoded.dropped.extend(unsupported.into_dropped());
    Ok(encoded)
}

/// The request as the inner codec writes it: what was kept for this protocol is its own, and thoughts of earlier turns
/// stand in the content.
fn as_inner<'r>(request: &'r ChatRequest, provider: &str) -> Cow<'r, ChatRequest> {
    let thinks = |part: &Part| matches!(part.content, Content::Reasoning(_));
    let switched = |options: &ReasoningOptions| options.enabled.is_some() || !options.native.is_none();
    let changes = request.native.is_from(MISTRAL)
        || request.reasoning.as_ref().is_some_and(switched)
        || request.messages.iter().any(|message| {
            message.native.is_from(MISTRAL)
                || message.parts.iter().any(|part| thinks(part) || part.native.is_from(MISTRAL))
        });
    if !changes {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    request.relabel(MISTRAL, INNER);
    if let Some(options) = &mut request.reasoning {
        // Thinking has levels only: a bare switch is the highest or none.
        let switch = options.enabled.filter(|_| options.budget_tokens.is_none());
        let level = switch.map(|on| if on { Effort::High } else { Effort::None });
        let stand_in = effort::standing_in(options, options.native.is_foreign_to(MISTRAL));
        options.effort = options.effort.take().or(level).or(stand_in);
        options.enabled = None;
        options.native = Native::NONE;
    }
    for message in &mut request.messages {
        // Thoughts that are hidden have no words to send.
        message.parts.retain(|part| match &part.content {
            Content::Reasoning(thought) => !thought.text.is_empty() || part.native.get(INNER, "type").is_some(),
            _ => true,
        });
        for part in message.parts.iter_mut().filter(|part| thinks(part)) {
            let Content::Reasoning(thought) = &part.content else { continue };
            let mut shape = Map::from_iter([("type".to_owned(), json!("thinking"))]);
            if let Some(members) = part.native.members(INNER).filter(|members| members.contains_key("type")) {
                shape = members.clone();
            }
            shape.remove("signature");
            if let Some(signature) = thought.signature.as_ref().filter(|_| proves_to(part, thought, provider)) {
                shape.insert("signature".to_owned(), json!(signature));
            }
            let value = openai_chat::write_thought(&thought.text, shape);
            *part = Content::Unknown { protocol: INNER, value }.into();
        }
    }
    Cow::Owned(request)
}

/// Whether `provider` made the proof of a thought, or may have: what a caller of this protocol wrote has a type.
fn proves_to(part: &Part, thought: &Reasoning, provider: &str) -> bool {
    let own = thought.provider.is_some() || part.native.is_none() || part.native.get(INNER, "type").is_some();
    own && part.proves_to(provider, INNER)
}

pub(super) fn decode(head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let seed = fields.want_i64("random_seed")?;
    let stated = fields.text(CHOICE).map(str::to_owned);
    if stated.as_deref() == Some("any") {
        fields.put(CHOICE, json!(REQUIRED));
    }
    let body = Value::Object(fields.into_members()).to_string();
    let (mut request, cx) = OpenAiChat.decode_request(head, body.as_bytes())?;
    request.seed = seed.or(request.seed);
    if stated.as_deref() == Some(REQUIRED) {
        request.native.insert(INNER, CHOICE, json!(REQUIRED));
    }
    request.relabel(INNER, MISTRAL);
    // The last event of every stream holds it.
    Ok((request, AnswerContext { include_usage: true, ..cx }))
}
