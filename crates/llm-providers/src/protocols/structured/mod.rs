//! Structured output for providers that have none: a tool that must be called, or an instruction whose answer is
//! checked. The answer says that it came so, whole and streamed.
//!
//! It works on the types that all protocols share, so it wraps the codec of any of them.

mod ask;
mod check;
mod fence;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatRequest, Choice, Content, FinishReason, Part};
use llm_core::codec::{
    AnswerContext, Chat, DecodeContext, Downstream, Emulation, Encoded, ErrorAnswer, Passthrough, RequestHead,
    ResponseHead, Speaks, StreamDecoder, StreamEncoder, Target, Upstream,
};
use llm_core::{Error, Native, Protocol, Result};

/// A chat codec, with structured output wherever the target's row says that its provider lacks it.
#[derive(Debug)]
pub(crate) struct Structured<C>(pub(crate) C);

impl<C: Speaks<Chat>> Upstream<Chat> for Structured<C> {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        let Some((request, emulation)) = ask::emulated(request, target.quirks) else {
            return self.0.encode_request(request, target);
        };
        let mut encoded = self.0.encode_request(&request, target)?;
        encoded.context.emulation = Some(emulation);
        Ok(encoded)
    }

    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        let mut answer = self.0.decode_answer(cx, head, body)?;
        if let Some(emulation) = &cx.emulation {
            for choice in &mut answer.choices {
                unfold(choice, emulation)?;
            }
            answer.emulated_params = cx.emulated_params();
        }
        Ok(answer)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        let decoder = self.0.decode_stream(cx);
        match &cx.emulation {
            Some(emulation) => Box::new(stream::Unfolding::new(decoder, emulation.clone(), cx.emulated_params())),
            None => decoder,
        }
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        self.0.decode_error(cx, head, body)
    }
}

/// Makes the answer of what stood in for it: the arguments of the tool, or the text without its fence.
fn unfold(choice: &mut Choice, Emulation { tool, schema }: &Emulation) -> Result<()> {
    let is_ours = |part: &Part| matches!(&part.content, Content::ToolCall(call) if Some(&call.name) == tool.as_ref());
    let parts = std::mem::take(&mut choice.message.parts);
    let called = parts.iter().find(|part| is_ours(part));
    let text = match called.map(|part| &part.content) {
        Some(Content::ToolCall(call)) => call.arguments.clone(),
        _ => fence::strip(&text_of(&parts)).to_owned(),
    };
    if called.is_some() {
        stopped(&mut choice.finish_reason, &mut choice.native);
    }
    if is_whole(choice.finish_reason.as_ref()) {
        check::check(schema, &text)?;
    }
    choice.message.parts = parts.into_iter().filter(|part| !is_ours(part) && !is_text(part)).collect();
    choice.message.parts.push(Part::text(text));
    Ok(())
}

fn text_of(parts: &[Part]) -> String {
    let text = |part: &Part| match &part.content {
        Content::Text { text, .. } => Some(text.clone()),
        _ => None,
    };
    parts.iter().filter_map(text).collect()
}

fn is_text(part: &Part) -> bool {
    matches!(part.content, Content::Text { .. })
}

/// For the caller there was no tool, so the model was simply done.
fn stopped(reason: &mut Option<FinishReason>, native: &mut Native) {
    if *reason == Some(FinishReason::ToolCalls) {
        *reason = Some(FinishReason::Stop);
        *native = Native::NONE;
    }
}

/// Whether the model was done, so that its answer must be what was asked for. One that was cut short can't be.
fn is_whole(reason: Option<&FinishReason>) -> bool {
    matches!(reason, None | Some(FinishReason::Stop | FinishReason::ToolCalls))
}

impl<C: Speaks<Chat>> Downstream<Chat> for Structured<C> {
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        self.0.decode_request(head, body)
    }

    fn encode_answer(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        self.0.encode_answer(cx, answer)
    }

    fn content_type(&self, cx: &AnswerContext, answer: &ChatAnswer) -> Cow<'static, str> {
        self.0.content_type(cx, answer)
    }

    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        self.0.encode_stream(cx)
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        self.0.encode_error(error)
    }
}

impl<C: Speaks<Chat>> Speaks<Chat> for Structured<C> {
    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        self.0.passthrough()
    }
}
