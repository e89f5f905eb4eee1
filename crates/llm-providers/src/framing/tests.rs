//! What every framer's tests share, and the chooser.

use super::*;

/// A frame of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Got {
    pub(super) event: String,
    pub(super) data: Vec<u8>,
    pub(super) is_error: bool,
}

/// Delivers `pieces` to `framer` and gives the frames with data or name; panics where the raw bytes don't add up.
pub(super) fn frames<'a>(framer: &mut dyn Framer, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Got>> {
    let mut body = Vec::new();
    let mut raw = Vec::new();
    let mut got = Vec::new();
    let mut take = |found: RawFrame<'_>| {
        assert!(!found.raw.is_empty(), "an empty frame could be handed out for ever");
        raw.extend_from_slice(found.raw);
        let Frame { event, data, is_error } = found.frame;
        if !(event.is_empty() && data.is_empty()) {
            got.push(Got { event: event.to_owned(), data: data.to_vec(), is_error });
        }
    };
    for piece in pieces {
        body.extend_from_slice(piece);
        framer.push(piece);
        while let Some(found) = framer.next_frame()? {
            take(found);
        }
    }
    while let Some(found) = framer.finish()? {
        take(found);
    }
    assert_eq!(raw.escape_ascii().to_string(), body.escape_ascii().to_string());
    Ok(got)
}

/// The frames of `body`, which must be the same for every way to deliver it in two pieces, and byte by byte.
pub(super) fn frames_of_any_cut<F: Framer>(body: &[u8], make: impl Fn() -> F) -> Vec<Got> {
    let whole = frames(&mut make(), [body]).unwrap();
    assert_eq!(frames(&mut make(), body.chunks(1)).unwrap(), whole, "byte by byte");
    for cut in 0..=body.len() {
        let (head, tail) = body.split_at(cut);
        assert_eq!(frames(&mut make(), [head, tail]).unwrap(), whole, "cut at {cut}");
    }
    whole
}

/// `body` in pieces of the given sizes, the rest in one.
pub(super) fn pieces<'a>(mut body: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes {
        let (head, tail) = body.split_at(size.min(body.len()));
        pieces.push(head);
        body = tail;
    }
    pieces.push(body);
    pieces
}

#[test]
fn the_content_type_chooses_the_framing() {
    let data = |content_type: &str, body: &[u8]| {
        let mut framer = for_content_type(Some(content_type))?;
        Some(frames(&mut *framer, [body]).unwrap().remove(0).data)
    };
    for sse in ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream;charset=UTF-8"] {
        assert_eq!(data(sse, b"data: {}\n\n").as_deref(), Some(&b"{}"[..]), "{sse}");
    }
    for lines in ["application/x-ndjson", "application/jsonl", "application/stream+json ; q=1", "APPLICATION/NDJSON"] {
        assert_eq!(data(lines, b"{}\n").as_deref(), Some(&b"{}"[..]), "{lines}");
    }
    for whole in
        [None, Some("application/json"), Some("text/html; charset=utf-8"), Some(""), Some("text/event-streams")]
    {
        assert!(for_content_type(whole).is_none(), "{whole:?}");
    }
}

#[test]
fn a_payload_that_was_cut_off_is_a_cut_stream_and_a_provider_s_error_stays_one() {
    let kind_at_the_end_of = |body: &str| {
        let mut framer = for_content_type(Some("text/event-stream")).unwrap();
        framer.push(body.as_bytes());
        drain(framer.as_mut(), |_| Err(Error::bad_answer("the decoder's own word"))).unwrap_err().kind()
    };
    assert_eq!(kind_at_the_end_of("data: {\"a\":"), llm_core::ErrorKind::Cut);
    assert_eq!(kind_at_the_end_of("data: {\"error\":\"busy\"}"), llm_core::ErrorKind::ProviderError);
}

#[test]
fn every_frame_that_is_left_is_drained() {
    let mut framer = for_content_type(Some("application/x-ndjson")).unwrap();
    framer.push(b"1\n2\n3");
    let mut seen = Vec::new();
    drain(framer.as_mut(), |raw| {
        seen.push(raw.frame.data.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, [b"1", b"2", b"3"]);
}
