//! Counting tokens, for the second look at a call that its byte bound would refuse and for streams that were cut.
//! Never on the request path: the vocabulary takes a quarter of a second to load and counting runs at tens of
//! megabytes a second, so both happen on the runtime's threads for blocking work.

use llm_core::Result;
use llm_core::chat::{ChatAccumulator, ChatAnswer, ChatRequest, Content, MediaSource, Part, Tool};
use llm_core::codec::{DecodeContext, ResponseHead};
use llm_providers::{Provider, framing};

/// Tokens of `text` in the vocabulary of OpenAI's newer models. Other providers' differ by some tens of percent.
pub(crate) fn count(text: &str) -> u64 {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len() as u64
}

/// All text of a request, as it is counted.
pub(crate) fn text_of_request(request: &ChatRequest) -> String {
    let mut text = String::new();
    for message in &request.messages {
        append_parts(&message.parts, &mut text);
    }
    for tool in &request.tools {
        if let Tool::Function { name, description, parameters, .. } = tool {
            append(name, &mut text);
            append(description.as_deref().unwrap_or_default(), &mut text);
            if let Some(parameters) = parameters {
                append(&parameters.to_string(), &mut text);
            }
        }
    }
    text
}

/// All text of an answer of `provider`, as far as it came, as it is counted.
pub(crate) fn text_of_answer(provider: &Provider, content_type: Option<&str>, body: &[u8]) -> String {
    let mut text = String::new();
    for choice in &decode(provider, content_type, body).unwrap_or_default().choices {
        append_parts(&choice.message.parts, &mut text);
    }
    text
}

/// The answer, or as much of it as can be understood.
fn decode(provider: &Provider, content_type: Option<&str>, body: &[u8]) -> Result<ChatAnswer> {
    let codec = provider.chat_codec()?;
    let cx = DecodeContext::new(&provider.target("", true, ""));
    let Some(mut framer) = framing::for_content_type(content_type) else {
        return codec.decode_answer(&cx, &ResponseHead::default(), body);
    };
    let (mut decoder, mut chunks) = (codec.decode_stream(&cx), Vec::new());
    framer.push(body);
    // A stream that was cut ends somewhere in a frame: what came before it counts.
    while let Ok(Some(raw)) = framer.next_frame() {
        if decoder.decode(&raw.frame, &mut chunks).is_err() {
            break;
        }
    }
    let mut answer = ChatAccumulator::default();
    chunks.iter().for_each(|chunk| answer.push(chunk));
    Ok(answer.finish())
}

fn append_parts(parts: &[Part], text: &mut String) {
    for part in parts {
        match &part.content {
            Content::Text { text: more, .. } | Content::Refusal { text: more } => append(more, text),
            Content::Reasoning(reasoning) => append(&reasoning.text, text),
            Content::ToolCall(call) => {
                append(&call.name, text);
                append(&call.arguments, text);
            }
            Content::ToolResult(result) => append_parts(&result.content, text),
            Content::ServerToolCall(call) => append(&call.input, text),
            Content::ServerToolResult(result) => append(&result.content.to_string(), text),
            Content::Media(media) => {
                if let MediaSource::Text { text: more, .. } = &media.source {
                    append(more, text);
                }
            }
            Content::Unknown { value, .. } => append(&value.to_string(), text),
        }
    }
}

fn append(more: &str, text: &mut String) {
    text.push_str(more);
    text.push('\n');
}
