use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_util::{Stream, stream};
use proptest::prelude::*;
use sse_stream::SseByteStream;

use super::SseFramer;
use crate::framing::Framer;
use crate::framing::tests::{Got, frames, frames_of_any_cut, pieces};

/// The events of `body` as `name:data`, equal for every cut.
fn events(body: &[u8]) -> Vec<String> {
    let got = frames_of_any_cut(body, SseFramer::default);
    got.into_iter().map(|frame| format!("{}:{}", frame.event, frame.data.escape_ascii())).collect()
}

#[test]
fn line_ends() {
    assert_eq!(events(b"data: 1\n\ndata: 2\n\n"), [":1", ":2"]);
    assert_eq!(events(b"data: 1\r\n\r\ndata: 2\r\n\r\n"), [":1", ":2"]);
    assert_eq!(events(b"data: 1\r\rdata: 2\r\r"), [":1", ":2"]);
    assert_eq!(events(b"data: 1\r\n\ndata: 2\n\r\ndata: 3\r\r\ndata: 4\n\r"), [":1", ":2", ":3", ":4"]);
    assert_eq!(events(b"data: 1\n\n\n\r\n\r\rdata: 2\n\n"), [":1", ":2"]);
}

/// Errors often come as plain JSON with the `content-type` of a stream, and lines of JSON are no fields.
#[test]
fn a_body_that_is_json_is_one_whole() {
    assert_eq!(events(b"{\"error\":\n\n {}}\n"), ["whole\n:{\\\"error\\\":\\n\\n {}}\\n"]);
    assert_eq!(events(b"\xEF\xBB\xBF{}"), ["whole\n:{}"]);
    assert_eq!(events(b"\n{}\n\ndata: x\n\n"), [":x"]);
}

#[test]
fn fields() {
    assert_eq!(events(b"event: ping\ndata: {}\n\n"), ["ping:{}"]);
    assert_eq!(events(b"data:no space\n\ndata:  two\n\n"), [":no space", ": two"]);
    assert_eq!(events(b"data: a\ndata: b\ndata:\ndata\n\n"), [r":a\nb\n\n"]);
    assert_eq!(events(b"id: 7\nretry: 10\nwhatever: x\ndata: a:b\n\n"), [":a:b"]);
    assert_eq!(events(b"event: first\nevent: last\ndata: x\n\n"), ["last:x"]);
    assert_eq!(events(b"event: a\ndata: x\n\ndata: y\n\n"), ["a:x", ":y"]);
    assert_eq!(events(b" data: not a field\ndatabase: nor this\ndata: x\n\n"), [":x"]);
    assert_eq!(events(b"event: nothing said\n\ndata: x\n\n"), ["nothing said:", ":x"]);
}

#[test]
fn a_byte_order_mark_is_stripped_once() {
    assert_eq!(events(b"\xEF\xBB\xBFdata: 1\n\ndata: 2\n\n"), [":1", ":2"]);
    assert_eq!(events(b"\xEF\xBB\xBF: hello\r\n\r\ndata: 1\r\n\r\n"), [":1"]);
    assert_eq!(events(b"data: 1\n\n\xEF\xBB\xBFdata: 2\n\n"), [":1"]);
    assert_eq!(events(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: 1\n\ndata: 2\n\n"), [":2"]);
    assert_eq!(events(b"\xEF\xBB"), [""; 0]);
    assert_eq!(events(b"\xEF\xBB\xBF"), [""; 0]);
}

#[test]
fn bytes_that_are_not_text() {
    assert_eq!(events("data: ä→😀\n\n".as_bytes()), [format!(":{}", "ä→😀".as_bytes().escape_ascii())]);
    assert_eq!(events(b"data: \xFF\xFE\n\ndata: x\n\n"), [r":\xff\xfe", ":x"]);
    assert_eq!(events(b"event: \xFF\ndata: x\n\n"), ["\u{FFFD}:x"]);
}

#[test]
fn the_last_event_needs_no_blank_line() {
    assert_eq!(events(b"data: 1\n\ndata: 2"), [":1", ":2"]);
    assert_eq!(events(b"data: 1\n\nevent: e\ndata: 2\n"), [":1", "e:2"]);
    assert_eq!(events(b"data: 1\r\n\r\ndata: 2\r"), [":1", ":2"]);
    assert_eq!(events(b"data: 1\n\n: bye"), [":1"]);
    assert_eq!(events(b"[\"not SSE\"]"), [""; 0]);
}

/// What can be handed out after each push, as `data|raw`.
fn stepwise(pushes: &[&str]) -> Vec<Vec<String>> {
    let mut framer = SseFramer::default();
    let step = |bytes: &&str| {
        framer.push(bytes.as_bytes());
        let mut out = Vec::new();
        while let Some(found) = framer.next_frame().unwrap() {
            out.push(format!("{}|{}", found.frame.data.escape_ascii(), found.raw.escape_ascii()));
        }
        out
    };
    pushes.iter().map(step).collect()
}

#[test]
fn keep_alives_come_out_at_once() {
    assert_eq!(stepwise(&[": ping\n", "\n", "\n"]), [vec![r"|: ping\n"], vec![r"|\n"], vec![r"|\n"]]);
    assert_eq!(stepwise(&[": a\n: b\n\ndata: x\n\n"]), [vec![r"|: a\n", r"|: b\n", r"|\n", r"x|data: x\n\n"]]);
    assert_eq!(stepwise(&[": ping\r", "\n\r\n"]), [vec![r"|: ping\r"], vec![r"|\n", r"|\r\n"]]);
}

#[test]
fn a_comment_inside_an_event_is_part_of_it() {
    assert_eq!(stepwise(&["event: e\n: why\ndata: x\n\n"]), [vec![r"x|event: e\n: why\ndata: x\n\n"]]);
}

#[test]
fn an_event_does_not_wait_for_the_line_feed_behind_its_carriage_return() {
    assert_eq!(stepwise(&["data: 1\r\r", "data: 2\r\r"]), [vec![r"1|data: 1\r\r"], vec![r"2|data: 2\r\r"]]);
    assert_eq!(
        stepwise(&["data: 1\r\n\r", "\ndata: 2\r\n\r\n"]),
        [vec![r"1|data: 1\r\n\r"], vec![r"|\n", r"2|data: 2\r\n\r\n"]]
    );
}

#[test]
fn an_event_past_its_bound_is_an_error() {
    let with_bound = |bytes: &'static str| frames(&mut SseFramer::new(16), [bytes.as_bytes()]);
    assert_eq!(with_bound("data: 678901234\n\ndata: 1\n\n").unwrap().len(), 2);
    for body in ["data: 6789012345\n\n", "data: 678901234567", "data: 1\ndata: 2\ndata: 3\n\n", ": 3456789012345678\n"]
    {
        let error = with_bound(body).unwrap_err();
        assert!(error.message().contains("more than 16 bytes"), "{error}");
    }
    let mut framer = SseFramer::new(4);
    framer.push(b"data: 1\n\ndata: 2\n\n");
    assert!(framer.next_frame().is_err() && framer.next_frame().is_err() && framer.finish().is_err());
}

#[test]
fn frames_left_over_come_out_at_the_end() {
    let mut framer = SseFramer::default();
    framer.push(b"data: 1\n\ndata: 2\n\ndata: 3");
    let mut left = Vec::new();
    while let Some(found) = framer.finish().unwrap() {
        left.push(found.frame.data.to_vec());
    }
    assert_eq!(left, [b"1", b"2", b"3"]);
}

#[test]
fn one_line_of_data_is_not_copied() {
    let mut framer = SseFramer::default();
    framer.push(b"data: hello\n\n");
    let found = framer.next_frame().unwrap().unwrap();
    assert!(found.raw.as_ptr_range().contains(&found.frame.data.as_ptr()));
}

/// Quadratic work would take minutes here.
#[test]
fn long_lines_in_small_reads_take_linear_time() {
    let line = [b"data: ".as_slice(), &vec![b'x'; 2 << 20], b"\n\n"].concat();
    for read in [1, 16 << 10] {
        let got = frames(&mut SseFramer::default(), line.chunks(read)).unwrap();
        assert_eq!(got[0].data.len(), 2 << 20);
    }
}

/// What `sse-stream` makes of the same body.
fn oracle(body: &[u8]) -> Vec<Got> {
    let mut events = pin!(SseByteStream::new(stream::iter([Ok::<_, Infallible>(body)])));
    let mut got = Vec::new();
    while let Poll::Ready(Some(event)) = events.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
        let event = event.unwrap();
        let frame = Got {
            event: event.event.unwrap_or_default(),
            data: event.data.unwrap_or_default().into_bytes(),
            is_error: false,
        };
        if !(frame.event.is_empty() && frame.data.is_empty()) {
            got.push(frame);
        }
    }
    got
}

/// Bodies made of what matters to a parser of SSE.
fn body() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        4 => Just("data: "),
        2 => Just("data:"),
        2 => Just("event: "),
        1 => Just("id: 1"),
        2 => Just(":"),
        1 => Just("data"),
        3 => Just("{\"text\":\"ä😀\"}"),
        4 => Just("\n"),
        3 => Just("\r\n"),
        2 => Just("\r"),
        1 => Just(" "),
        1 => Just("\u{FEFF}"),
        3 => Just("\n\n"),
    ];
    proptest::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_delivery_gives_the_same_events(body in body(), sizes in proptest::collection::vec(0usize..30, 0..30)) {
        let whole = frames(&mut SseFramer::default(), [body.as_bytes()]).unwrap();
        prop_assert_eq!(frames(&mut SseFramer::default(), pieces(body.as_bytes(), &sizes)).unwrap(), whole);
    }

    #[test]
    fn any_bytes_add_up(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        frames_of_any_cut(&body, SseFramer::default);
    }

    /// The oracle drops a last event without its blank line, so every body here ends in one. It takes a byte-order
    /// mark for text where a comment stands behind it, so no comment does; and it knows of no whole bodies.
    #[test]
    fn the_oracle_agrees(body in body().prop_filter("odd beginning", |body| {
        !body.starts_with("\u{FEFF}:") && !body.trim_start_matches('\u{FEFF}').starts_with('{')
    })) {
        let body = format!("{body}\n\n\n");
        let ours = frames(&mut SseFramer::default(), [body.as_bytes()]).unwrap();
        prop_assert_eq!(ours, oracle(body.as_bytes()));
    }
}
