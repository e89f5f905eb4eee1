use proptest::prelude::*;

use super::NdjsonFramer;
use crate::framing::Framer;
use crate::framing::tests::{frames, frames_of_any_cut, pieces};

fn lines(body: &[u8]) -> Vec<String> {
    let got = frames_of_any_cut(body, NdjsonFramer::default);
    got.into_iter().map(|frame| String::from_utf8(frame.data).unwrap()).collect()
}

#[test]
fn one_value_a_line() {
    assert_eq!(lines(b"{\"a\":1}\n{\"b\":2}\n"), [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(lines(b"{\"a\":1}\r\n\r\n\n  \n{\"b\":2}\r\n"), [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(lines(b"{\"a\":1}\n{\"last\":true}"), [r#"{"a":1}"#, r#"{"last":true}"#]);
    assert_eq!(lines("\u{FEFF}{\"ä\":\"→\"}\n\u{FEFF}\n".as_bytes()), ["{\"ä\":\"→\"}", "\u{FEFF}"]);
    assert_eq!(lines(b""), [""; 0]);
}

#[test]
fn blank_lines_come_out_at_once() {
    let mut framer = NdjsonFramer::default();
    framer.push(b"\n");
    let found = framer.next_frame().unwrap().unwrap();
    assert_eq!((found.frame.data, found.raw), (&b""[..], &b"\n"[..]));
}

#[test]
fn a_line_past_its_bound_is_an_error() {
    assert!(frames(&mut NdjsonFramer::new(4), [&b"1234\n1234"[..]]).is_ok());
    for body in [&b"1\n12345"[..], b"12345\n"] {
        let error = frames(&mut NdjsonFramer::new(4), [body]).unwrap_err();
        assert!(error.message().contains("more than 4 bytes"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_delivery_gives_the_same_lines(
        body in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'x'), any::<u8>()], 0..200),
        sizes in proptest::collection::vec(0usize..20, 0..20),
    ) {
        let whole = frames(&mut NdjsonFramer::default(), [&body[..]]).unwrap();
        prop_assert_eq!(frames(&mut NdjsonFramer::default(), pieces(&body, &sizes)).unwrap(), whole);
    }
}
