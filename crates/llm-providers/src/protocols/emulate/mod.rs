//! What stands in where a provider lacks something: for structured output a tool or an instruction, for a custom tool a
//! function. The answer says so, whole and streamed.
//!
//! It works on the types that all protocols share, so it wraps the codec of any of them.

mod custom_tools;
mod structured;

use std::borrow::Cow;

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatChunk, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, DecodeContext, Downstream, Emulation, Encoded, ErrorAnswer, Frame, Passthrough, RequestHead,
    ResponseHead, Speaks, StreamDecoder, StreamEncoder, Target, Trailer, Upstream,
};
use llm_core::{Error, Protocol, Result};

use super::foreign;

/// A chat codec that also takes what its provider or its protocol lacks.
#[derive(Debug)]
pub(crate) struct Emulating<C>(pub(crate) C);

impl<C: Speaks<Chat>> Upstream<Chat> for Emulating<C> {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        let mut emulation = Emulation::default();
        let (mut request, left_out) = foreign::adapted(request, self.0.protocol())?;
        if let Some((asked, names)) = custom_tools::emulated(&request, self.0.protocol()) {
            (request, emulation.custom_tools) = (Cow::Owned(asked), names);
        }
        if let Some((asked, format)) = structured::emulated(&request, self.0.protocol(), target.quirks) {
            (request, emulation.format) = (Cow::Owned(asked), Some(format));
        }
        let mut encoded = self.0.encode_request(&request, target)?;
        encoded.context.emulation = emulation;
        encoded.dropped.extend(left_out);
        Ok(encoded)
    }

    fn decode_answer(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        let mut answer = self.0.decode_answer(cx, head, body)?;
        for choice in &mut answer.choices {
            custom_tools::unfold(choice, &cx.emulation.custom_tools);
            if let Some(format) = &cx.emulation.format {
                structured::unfold(choice, format)?;
            }
        }
        answer.emulated_params = cx.emulated_params();
        Ok(answer)
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        let decoder = self.0.decode_stream(cx);
        let Emulation { format, custom_tools, .. } = cx.emulation.clone();
        if format.is_none() && custom_tools.is_empty() {
            return decoder;
        }
        Box::new(Unfolding {
            decoder,
            custom_tools: custom_tools::Unfolding::new(custom_tools),
            format: format.map(structured::Unfolding::new),
            emulated_params: cx.emulated_params(),
        })
    }

    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        self.0.decode_error(cx, head, body)
    }
}

/// A decoder whose answers are made of what stood in for them.
struct Unfolding {
    decoder: Box<dyn StreamDecoder<Chat>>,
    custom_tools: custom_tools::Unfolding,
    format: Option<structured::Unfolding>,
    emulated_params: Vec<String>,
}

impl Unfolding {
    fn unfold(&mut self, chunks: &mut [ChatChunk]) -> Result<()> {
        self.custom_tools.unfold(chunks);
        self.format.as_mut().map_or(Ok(()), |format| format.unfold(chunks))
    }
}

impl StreamDecoder<Chat> for Unfolding {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let before = out.len();
        let decoded = self.decoder.decode(frame, out);
        self.unfold(out.get_mut(before..).unwrap_or_default())?;
        decoded
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<()> {
        let before = out.len();
        self.decoder.finish(out)?;
        self.unfold(out.get_mut(before..).unwrap_or_default())?;
        self.custom_tools.finish(out);
        self.format.as_mut().map_or(Ok(()), |format| format.finish(out))
    }

    fn trailer(&self) -> Trailer {
        Trailer { emulated_params: self.emulated_params.clone(), ..self.decoder.trailer() }
    }
}

impl<C: Speaks<Chat>> Downstream<Chat> for Emulating<C> {
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

impl<C: Speaks<Chat>> Speaks<Chat> for Emulating<C> {
    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        self.0.passthrough()
    }
}
