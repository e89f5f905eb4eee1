use llm_core::ErrorKind;
use proptest::prelude::*;

use super::{AwsEventStreamFramer, AwsMessage, write_aws_message};
use crate::framing::tests::{Got, frames, frames_of_any_cut, pieces};

/// A header's name, type and value as on the wire.
type Header<'a> = (&'a str, u8, Vec<u8>);

fn text<'a>(name: &'a str, value: &str) -> Header<'a> {
    let length = u16::try_from(value.len()).unwrap();
    (name, 7, [&length.to_be_bytes()[..], value.as_bytes()].concat())
}

fn message(headers: &[Header<'_>], payload: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (name, kind, value) in headers {
        encoded.push(u8::try_from(name.len()).unwrap());
        encoded.extend_from_slice(name.as_bytes());
        encoded.push(*kind);
        encoded.extend_from_slice(value);
    }
    let total = u32::try_from(16 + encoded.len() + payload.len()).unwrap();
    let mut message = total.to_be_bytes().to_vec();
    message.extend_from_slice(&u32::try_from(encoded.len()).unwrap().to_be_bytes());
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(&encoded);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message
}

fn event(name: &str, payload: &[u8]) -> Vec<u8> {
    message(
        &[text(":event-type", name), text(":content-type", "application/json"), text(":message-type", "event")],
        payload,
    )
}

fn got(event: &str, data: &[u8], is_error: bool) -> Got {
    Got { event: event.into(), data: data.to_vec(), is_error }
}

#[test]
fn messages_are_cut_out_whole() {
    let body = [event("messageStart", b"{}"), event("contentBlockDelta", b"{\"x\":1}"), event("done", b"")].concat();
    assert_eq!(
        frames_of_any_cut(&body, AwsEventStreamFramer::default),
        [got("messageStart", b"{}", false), got("contentBlockDelta", b"{\"x\":1}", false), got("done", b"", false)]
    );
}

#[test]
fn messages_are_written_as_they_are_read() {
    let mut body = Vec::new();
    write_aws_message(AwsMessage::Event, "messageStart", b"{\"role\":\"assistant\"}", &mut body);
    assert_eq!(body, event("messageStart", b"{\"role\":\"assistant\"}"));
    write_aws_message(AwsMessage::Exception, "throttlingException", b"{}", &mut body);
    let want = [got("messageStart", b"{\"role\":\"assistant\"}", false), got("throttlingException", b"{}", true)];
    assert_eq!(frames_of_any_cut(&body, AwsEventStreamFramer::default), want);
}

/// The checksums of this message were not computed by us.
#[test]
fn a_recorded_prelude_is_right() {
    let start = b"\x00\x00\x00\x91\x00\x00\x00R\x0c!\xe1\x11\x0b:event-type\x07\x00\x0cmessageStart\r:content-type\x07\x00\x10application/json\r:message-type\x07\x00\x05event{\"p\":\"abcdefghijklmnopqrst\",\"role\":\"assistant\"}\xbf\x0f\x96H";
    let found = frames(&mut AwsEventStreamFramer::default(), [&start[..]]).unwrap();
    assert_eq!(found, [got("messageStart", br#"{"p":"abcdefghijklmnopqrst","role":"assistant"}"#, false)]);
}

#[test]
fn exceptions_and_errors_say_so() {
    let exception = message(
        &[text(":exception-type", "throttlingException"), text(":message-type", "exception")],
        b"{\"message\":\"slow down\"}",
    );
    let error = message(
        &[text(":message-type", "error"), text(":error-code", "InternalError"), text(":error-message", "oh")],
        b"",
    );
    assert_eq!(
        frames_of_any_cut(&[exception, error].concat(), AwsEventStreamFramer::default),
        [got("throttlingException", b"{\"message\":\"slow down\"}", true), got("InternalError", b"oh", true)]
    );
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let headers = [
        ("true", 0, vec![]),
        ("false", 1, vec![]),
        ("byte", 2, vec![1]),
        ("short", 3, vec![1; 2]),
        ("int", 4, vec![1; 4]),
        ("long", 5, vec![1; 8]),
        ("bytes", 6, vec![0, 3, 1, 2, 3]),
        ("time", 8, vec![1; 8]),
        ("uuid", 9, vec![1; 16]),
        (":event-type", 4, vec![1; 4]),
        text(":event-type", "e"),
    ];
    assert_eq!(frames_of_any_cut(&message(&headers, b"x"), AwsEventStreamFramer::default), [got("e", b"x", false)]);
    for broken in [
        ("odd", 10, vec![]),
        ("long", 5, vec![1; 7]),
        ("text", 7, vec![0, 9, b'x']),
        (":event-type", 7, vec![0, 1, 0xFF]),
    ] {
        assert!(frames(&mut AwsEventStreamFramer::default(), [&message(&[broken], b"")[..]]).is_err());
    }
}

#[test]
fn a_body_that_ends_inside_a_message_is_cut() {
    let body = event("e", b"{}");
    for cut in 1..body.len() {
        let error = frames(&mut AwsEventStreamFramer::default(), [&body[..cut]]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cut, "cut at {cut}");
    }
}

#[test]
fn a_message_past_its_bound_is_refused_by_its_prelude() {
    let body = event("e", &[b'x'; 200]);
    let error = frames(&mut AwsEventStreamFramer::new(100), [&body[..12]]).unwrap_err();
    assert!(error.message().contains("more than 100 bytes"), "{error}");
}

#[test]
fn lengths_that_contradict_each_other_are_an_error() {
    for (total, headers) in [(0u32, 0u32), (15, 0), (16, 1), (40, 25), (40, u32::MAX)] {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
        prelude.extend_from_slice(&[0; 64]);
        let error = frames(&mut AwsEventStreamFramer::default(), [&prelude[..]]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderError, "{total} {headers}");
    }
}

proptest! {
    #[test]
    fn any_delivery_gives_the_same_messages(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 0..8),
        sizes in proptest::collection::vec(0usize..40, 0..40),
    ) {
        let body: Vec<u8> = payloads.iter().flat_map(|payload| event("e", payload)).collect();
        let wanted: Vec<Got> = payloads.iter().map(|payload| got("e", payload, false)).collect();
        prop_assert_eq!(&frames_of_any_cut(&body, AwsEventStreamFramer::default), &wanted);
        prop_assert_eq!(frames(&mut AwsEventStreamFramer::default(), pieces(&body, &sizes)).unwrap(), wanted);
    }

    #[test]
    fn a_changed_byte_never_passes(payload in proptest::collection::vec(any::<u8>(), 0..40), place in any::<prop::sample::Index>(), change in 1u8..) {
        let mut body = event("e", &payload);
        let place = place.index(body.len());
        body[place] ^= change;
        prop_assert!(frames(&mut AwsEventStreamFramer::default(), [&body[..]]).is_err());
    }

    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = frames(&mut AwsEventStreamFramer::default(), [&body[..]]);
    }
}
