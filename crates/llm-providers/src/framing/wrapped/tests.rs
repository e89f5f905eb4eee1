use llm_core::ErrorKind;

use super::super::{AwsMessage, write_aws_message};
use super::*;

/// A body in pieces, one of them empty, with an event that nobody knows between them.
fn wrapped(pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        write_aws_message(AwsMessage::Event, PIECE, piece, &mut bytes);
        write_aws_message(AwsMessage::Event, "Other", b"{}", &mut bytes);
    }
    bytes
}

#[test]
fn the_body_is_the_same_wherever_its_messages_are_cut() {
    let bytes = wrapped(&[b"data: {\"a\"", b"", b": 1}\n\nda", b"ta: [DONE]\n\n"]);
    for at in 0..bytes.len() {
        let (mut unwrapper, mut out) = (Unwrapper::default(), Vec::new());
        let (first, second) = bytes.split_at(at);
        unwrapper.push(first, &mut out).unwrap();
        unwrapper.push(second, &mut out).unwrap();
        unwrapper.finish().unwrap();
        assert_eq!(out, b"data: {\"a\": 1}\n\ndata: [DONE]\n\n", "cut at {at}");
    }
}

#[test]
fn a_message_that_is_not_whole_is_a_cut() {
    let bytes = wrapped(&[b"data: 1\n\n"]);
    for at in 1..bytes.len() {
        let (mut unwrapper, mut out) = (Unwrapper::default(), Vec::new());
        unwrapper.push(&bytes[..at], &mut out).unwrap();
        let ended = unwrapper.finish();
        let is_between = at == bytes.len() - wrapped(&[]).len() || is_boundary(&bytes, at);
        assert_eq!(ended.is_ok(), is_between, "cut at {at}");
    }
}

/// Whether a message begins at `at`.
fn is_boundary(bytes: &[u8], at: usize) -> bool {
    let mut place = 0;
    while place < at {
        place += u32::from_be_bytes(bytes[place..place + 4].try_into().unwrap()) as usize;
    }
    place == at
}

#[test]
fn an_exception_is_an_error_behind_what_came() {
    let mut bytes = wrapped(&[b"data: 1\n\n"]);
    let said = br#"{"Message": "the model did not answer in time", "ErrorCode": "ModelInvocationTimeExceeded"}"#;
    write_aws_message(AwsMessage::Exception, "ModelStreamError", said, &mut bytes);
    let (mut unwrapper, mut out) = (Unwrapper::default(), Vec::new());
    let error = unwrapper.push(&bytes, &mut out).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::ProviderError, Some("ModelStreamError")));
    assert_eq!(error.message(), "the model did not answer in time");
    assert_eq!(out, b"data: 1\n\n");
}
