//! The three traits of an operation in a protocol, from the four functions that differ.

/// Declares that a codec speaks an operation whose answers to callers always come whole. `errors` is the module that reads and
/// writes the protocol's errors.
macro_rules! speaks {
    (
        $codec:ty: $operation:ty, $protocol:expr, errors $error:ident,
        encode_request($request:ident, $target:ident) $encode_request:expr,
        decode_answer($cx:ident, $head:ident, $body:ident) $decode_answer:expr,
        $(decode_stream($stream_cx:ident) -> $decoder:ty $decode_stream:block,)?
        decode_request($request_head:ident, $request_body:ident) $decode_request:expr,
        encode_answer($answer_cx:ident, $answer:ident) $encode_answer:expr $(,)?
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
                fn decode_stream(&self, $stream_cx: &llm_core::codec::DecodeContext) -> $decoder {
                    $decode_stream
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
            fn encode_error(&self, error: &llm_core::Error) -> llm_core::codec::ErrorAnswer {
                $error::encode(error)
            }
        }

        impl llm_core::codec::Speaks<$operation> for $codec {
            fn protocol(&self) -> llm_core::Protocol {
                $protocol
            }
            fn passthrough(&self) -> Option<&dyn llm_core::codec::Passthrough> {
                None
            }
        }
    };
}
pub(crate) use speaks;
