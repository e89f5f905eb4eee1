//! The three traits of an operation in a protocol, from the functions that differ.

/// Declares that a codec speaks an operation. `errors` is the module that reads and writes the protocol's errors.
///
/// `decode_stream`, `encode_stream`, `content_type` and `passthrough` may be left out: answers then always come whole, are
/// written whole and as JSON, and never pass as they are.
macro_rules! speaks {
    (
        $codec:ty: $operation:ty, $protocol:expr, errors $error:ident,
        encode_request($request:ident, $target:ident) $encode_request:expr,
        decode_answer($cx:ident, $head:ident, $body:ident) $decode_answer:expr,
        $(decode_stream($decoder_cx:ident) $decode_stream:expr,)?
        decode_request($request_head:ident, $request_body:ident) $decode_request:expr,
        encode_answer($answer_cx:ident, $answer:ident) $encode_answer:expr,
        $(encode_stream($encoder_cx:ident) $encode_stream:expr,)?
        $(content_type($type_cx:ident, $type_answer:ident) $content_type:expr,)?
        $(passthrough $passthrough:expr,)?
    ) => {
        impl llm_core::codec::Upstream<$operation> for $codec {
            fn encode_request(
                &self,
                $request: &<$operation as llm_core::Operation>::Request,
                $target: &llm_core::codec::Target<'_>,
            ) -> llm_core::Result<llm_core::codec::Encoded> {
                $encode_request
            }
            fn decode_answer(
                &self,
                $cx: &llm_core::codec::DecodeContext,
                $head: &llm_core::codec::ResponseHead,
                $body: &[u8],
            ) -> llm_core::Result<<$operation as llm_core::Operation>::Answer> {
                $decode_answer
            }
            $(
                fn decode_stream(
                    &self,
                    $decoder_cx: &llm_core::codec::DecodeContext,
                ) -> Box<dyn llm_core::codec::StreamDecoder<$operation>> {
                    Box::new($decode_stream)
                }
            )?
            fn decode_error(
                &self,
                cx: &llm_core::codec::DecodeContext,
                head: &llm_core::codec::ResponseHead,
                body: &[u8],
            ) -> llm_core::Error {
                $error::decode(cx, head, body)
            }
        }

        impl llm_core::codec::Downstream<$operation> for $codec {
            fn decode_request(
                &self,
                $request_head: &llm_core::codec::RequestHead,
                $request_body: &[u8],
            ) -> llm_core::Result<(<$operation as llm_core::Operation>::Request, llm_core::codec::AnswerContext)> {
                $decode_request
            }
            fn encode_answer(
                &self,
                $answer_cx: &llm_core::codec::AnswerContext,
                $answer: &<$operation as llm_core::Operation>::Answer,
            ) -> llm_core::Result<bytes::Bytes> {
                $encode_answer
            }
            $(
                fn encode_stream(
                    &self,
                    $encoder_cx: &llm_core::codec::AnswerContext,
                ) -> Box<dyn llm_core::codec::StreamEncoder<$operation>> {
                    Box::new($encode_stream)
                }
            )?
            $(
                fn content_type(
                    &self,
                    $type_cx: &llm_core::codec::AnswerContext,
                    $type_answer: &<$operation as llm_core::Operation>::Answer,
                ) -> std::borrow::Cow<'static, str> {
                    $content_type
                }
            )?
            fn encode_error(&self, error: &llm_core::Error) -> llm_core::codec::ErrorAnswer {
                $error::encode(error)
            }
        }

        impl llm_core::codec::Speaks<$operation> for $codec {
            fn protocol(&self) -> llm_core::Protocol {
                $protocol
            }
            fn passthrough(&self) -> Option<&dyn llm_core::codec::Passthrough> {
                $crate::protocols::speaks::passes!($($passthrough)?)
            }
        }
    };
}
pub(crate) use speaks;

/// What passes as it is, if anything does.
macro_rules! passes {
    () => {
        None
    };
    ($passthrough:expr) => {
        Some($passthrough)
    };
}
pub(crate) use passes;
