use http::{HeaderValue, header};
use proptest::prelude::*;

use super::*;

fn headers(kind: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    headers
}

fn sample() -> Vec<Part> {
    let file = Part {
        name: "file".into(),
        filename: Some("a \"b\".wav".into()),
        content_type: Some("audio/wav".into()),
        data: Bytes::from_static(b"RIFF\r\n--\r\n\0\xFF"),
    };
    vec![Part::text("model", "whisper-1"), file, Part::text("empty", "")]
}

#[test]
fn what_is_written_is_read() {
    let (body, kind) = write(&sample(), "seed");
    assert_eq!(read(&headers(&kind), &body).unwrap(), sample());
}

#[test]
fn a_boundary_is_in_no_part() {
    let parts = [Part::text("a", "--form-seed\r\n--form-seed-")];
    let (body, kind) = write(&parts, "seed");
    assert_eq!(read(&headers(&kind), &body).unwrap(), parts);
}

#[test]
fn one_member_is_replaced_and_nothing_else() {
    let (body, kind) = write(&sample(), "seed");
    let edited = set_field(&body, "model", "gpt-4o-transcribe").unwrap();
    let mut want = sample();
    want[0] = Part::text("model", "gpt-4o-transcribe");
    assert_eq!(read(&headers(&kind), &edited).unwrap(), want);
    assert_eq!(edited.len(), body.len() + "gpt-4o-transcribe".len() - "whisper-1".len());
    let added = set_field(&body, "language", "de").unwrap();
    assert_eq!(read(&headers(&kind), &added).unwrap().len(), 4);
}

/// Only the one header says what a part is called, for who reads it as for who replaces it.
#[test]
fn another_header_names_nothing() {
    let part = |head: &str, text: &str| format!("--b\r\n{head}\r\n\r\n{text}\r\n");
    let first = part("X-Other: a; name=\"model\"\r\nContent-Disposition: form-data; name=\"note\"", "stays");
    let second = part("Content-Disposition: form-data; name=\"model\"", "fast");
    let body = Bytes::from(format!("{first}{second}--b--\r\n"));
    let edited = set_field(&body, "model", "gpt-4o-transcribe").unwrap();
    let parts = read(&headers("multipart/form-data; boundary=b"), &edited).unwrap();
    assert_eq!(parts, [Part::text("note", "stays"), Part::text("model", "gpt-4o-transcribe")]);
}

#[test]
fn other_writers_forms_are_read() {
    let body = "preamble\r\n--x\r\ncontent-disposition: form-data;name=model\r\nX-Odd: 1\r\n\r\nm\r\n--x\r\n\
                Content-Type: audio/mpeg\r\nContent-Disposition: form-data; filename=\"s.mp3\"; name=\"file\"\r\n\r\n\
                --xy\r\n--x--\r\nepilogue";
    let parts = read(&headers("Multipart/Form-Data; charset=utf-8; boundary=\"x\""), body.as_bytes()).unwrap();
    assert_eq!(parts[0], Part::text("model", "m"));
    assert_eq!((parts[1].name.as_str(), parts[1].filename.as_deref()), ("file", Some("s.mp3")));
    assert_eq!(parts[1].data, "--xy");
}

#[test]
fn what_is_no_form_is_said() {
    let (body, kind) = write(&sample(), "seed");
    for cut in 0..body.len() - 4 {
        assert!(read(&headers(&kind), &body[..cut]).is_err(), "cut at {cut}");
    }
    assert!(read(&headers("multipart/form-data"), &body).is_err());
    assert!(read(&headers("application/json"), b"{}").is_err());
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(body: Vec<u8>, name in ".{0,8}") {
        let _ = read(&headers("multipart/form-data; boundary=x"), &body);
        let _ = set_field(&Bytes::from(body), &name, "y");
    }

    #[test]
    fn any_part_survives(name in "[a-z\\[\\]]{1,8}", data: Vec<u8>) {
        let part = Part { name, filename: Some("f".into()), content_type: None, data: data.into() };
        let (body, kind) = write(std::slice::from_ref(&part), "seed");
        prop_assert_eq!(read(&headers(&kind), &body).unwrap(), vec![part]);
    }
}
