use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use llm_core::audio::{AudioFile, Speak, SpeakRequest, Transcribe, TranscribeRequest, TranscriptForm};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Encoded, Quirks, RequestHead, ResponseHead, Target, Upstream,
};
use llm_core::model_list::Models;
use llm_core::{ErrorKind, Meter, Operation, Result};
use serde_json::{Value, json};

use super::Deepgram;

fn sent<O: Operation>(request: &O::Request, model: &str) -> Result<Encoded>
where
    Deepgram: Upstream<O>,
{
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "deepgram",
        model,
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    Upstream::<O>::encode_request(&Deepgram, request, &target)
}

fn query(encoded: &Encoded) -> String {
    encoded.query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn transcript() -> Value {
    json!({
        "metadata": {"request_id": "r", "duration": 2.1, "channels": 1, "models": ["m"]},
        "results": {
            "channels": [{"detected_language": "de", "alternatives": [{"transcript": "Ahoi. Ja.", "confidence": 0.9,
                "words": [
                    {"word": "ahoi", "start": 0.1, "end": 0.5, "confidence": 0.9, "punctuated_word": "Ahoi."},
                    {"word": "ja", "start": 0.8, "end": 1, "confidence": 0.9}]}]}],
            "utterances": [{"start": 0.1, "end": 1, "transcript": "Ahoi. Ja.", "speaker": 0, "id": "u"}],
        },
    })
}

#[test]
fn sound_goes_as_it_is_and_options_stand_in_the_query() {
    let file = AudioFile::new("ahoy.wav", &b"RIFF"[..]);
    let mut request = TranscribeRequest::new("deepgram:nova-3", file);
    request.language = Some("de".to_owned());
    request.form = Some(TranscriptForm::Diarized);
    let encoded = sent::<Transcribe>(&request, "nova-3").expect("sent");
    assert_eq!(encoded.path, "/listen");
    assert_eq!(query(&encoded), "model=nova-3&language=de&smart_format=true&diarize=true&utterances=true");
    assert_eq!(encoded.headers[header::CONTENT_TYPE], "audio/wav");
    assert_eq!(encoded.body, &b"RIFF"[..]);
}

#[test]
fn what_is_not_understood_of_a_request_is_written_back() {
    let head = |kind: &'static str| RequestHead {
        method: http::Method::POST,
        path: "/v1/listen".to_owned(),
        query: Some("model=nova-3&keyterm=Ahoi&keyterm=Kiel%20am%20Meer&punctuate=true&language=de".to_owned()),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]),
    };
    for (kind, body) in [("audio/flac", &b"fLaC"[..]), ("application/json", br#"{"url":"https://example.com/a.mp3"}"#)]
    {
        let (request, cx) = Downstream::<Transcribe>::decode_request(&Deepgram, &head(kind), body).expect("read");
        assert_eq!(cx.model, "nova-3");
        let again = sent::<Transcribe>(&request, "nova-3").expect("sent");
        assert_eq!(again.body, body);
        assert_eq!(again.headers[header::CONTENT_TYPE], kind);
        let mut pairs = again.query.clone();
        pairs.sort();
        let want = [("keyterm", "Ahoi"), ("keyterm", "Kiel am Meer"), ("language", "de"), ("model", "nova-3")];
        let want = want.into_iter().chain([("punctuate", "true")]);
        assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>());
    }
}

#[test]
fn what_was_said_is_found_and_nothing_of_it_lost() {
    let (cx, head) = (DecodeContext::default(), ResponseHead::default());
    let body = transcript();
    let answer = Upstream::<Transcribe>::decode_answer(&Deepgram, &cx, &head, body.to_string().as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!((answer.text.as_str(), answer.language.as_deref()), ("Ahoi. Ja.", Some("de")));
    assert_eq!(answer.words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>(), ["Ahoi.", "ja"]);
    assert_eq!(answer.segments[0].speaker.as_deref(), Some("0"));
    assert_eq!(answer.usage().get(Meter::Second), 3, "begun seconds count");
    let written = Downstream::<Transcribe>::encode_answer(&Deepgram, &AnswerContext::default(), &answer);
    assert_eq!(serde_json::from_slice::<Value>(&written.expect("written")).expect("JSON"), body);
}

#[test]
fn each_channel_that_is_listened_to_is_charged() {
    let mut body = transcript();
    let channel = body["results"]["channels"][0].clone();
    body["results"]["channels"] = json!([channel.clone(), channel]);
    let (cx, head) = (DecodeContext::default(), ResponseHead::default());
    let answer = Upstream::<Transcribe>::decode_answer(&Deepgram, &cx, &head, body.to_string().as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!(answer.text, "Ahoi. Ja.\nAhoi. Ja.");
    assert_eq!(answer.usage().get(Meter::Second), 5);
}

#[test]
fn a_text_is_spoken_by_the_voice_that_is_named() {
    for (model, voice, want) in [
        ("aura-2-thalia-en", "", Some("aura-2-thalia-en")),
        ("aura-2-thalia-en", "thalia", Some("aura-2-thalia-en")),
        ("aura-2", "thalia", Some("aura-2-thalia-en")),
        ("aura-2", "celeste-es", Some("aura-2-celeste-es")),
        ("aura", "aura-asteria-en", Some("aura-asteria-en")),
        ("aura-2-thalia-en", "alloy", None),
    ] {
        let request = SpeakRequest::new("m", voice, "Ahoy!").format("wav");
        match (sent::<Speak>(&request, model), want) {
            (Ok(encoded), Some(want)) => {
                assert_eq!(query(&encoded), format!("model={want}&encoding=linear16&container=wav"));
                assert_eq!(encoded.body, &br#"{"text":"Ahoy!"}"#[..]);
            }
            (Err(error), None) => assert_eq!(error.param(), Some("voice")),
            (other, _) => panic!("{model} {voice}: {other:?}"),
        }
        let lenient = SpeakRequest { unsupported: UnsupportedPolicy::Drop, ..request };
        assert!(sent::<Speak>(&lenient, model).is_ok());
    }
}

#[test]
fn characters_are_counted_as_the_provider_counts_them() {
    let headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("audio/mpeg")),
        (header::HeaderName::from_static("dg-char-count"), HeaderValue::from_static("5")),
    ]);
    let head = ResponseHead { status: StatusCode::OK, headers };
    let answer = Upstream::<Speak>::decode_answer(&Deepgram, &DecodeContext::default(), &head, b"ID3").expect("sound");
    assert_eq!((answer.usage().get(Meter::Character), answer.audio), (5, Bytes::from_static(b"ID3")));
}

#[test]
fn errors_say_what_deepgram_says() {
    for (status, body, kind, message, code) in [
        (
            401,
            json!({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials.", "request_id": "r"}),
            ErrorKind::ProviderAuth,
            "Invalid credentials.",
            "INVALID_AUTH",
        ),
        (
            400,
            json!({"category": "INVALID_JSON", "message": "Bad body.", "details": "d", "request_id": "r"}),
            ErrorKind::InvalidRequest,
            "Bad body.",
            "INVALID_JSON",
        ),
        (
            402,
            json!({"err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "Not enough credits.", "request_id": "r"}),
            ErrorKind::QuotaExceeded,
            "Not enough credits.",
            "ASR_PAYMENT_REQUIRED",
        ),
    ] {
        let head = ResponseHead { status: StatusCode::from_u16(status).expect("a status"), ..ResponseHead::default() };
        let cx = DecodeContext::default();
        let error = Upstream::<Speak>::decode_error(&Deepgram, &cx, &head, body.to_string().as_bytes());
        assert_eq!((error.kind(), error.message(), error.code()), (kind, message, Some(code)));
    }
}

#[test]
fn models_of_both_kinds_are_listed_and_stay_where_they_were() {
    let body = json!({
        "stt": [{"name": "nova-3", "canonical_name": "nova-3-general", "languages": ["en"]}],
        "tts": [{"name": "thalia", "canonical_name": "aura-2-thalia-en"}, {"name": "odd"}],
        "x": 1,
    });
    let (cx, head) = (DecodeContext::default(), ResponseHead::default());
    let answer = Upstream::<Models>::decode_answer(&Deepgram, &cx, &head, body.to_string().as_bytes()).expect("models");
    let ids: Vec<&str> = answer.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["nova-3-general", "aura-2-thalia-en", "odd"]);
    let written = Downstream::<Models>::encode_answer(&Deepgram, &AnswerContext::default(), &answer).expect("written");
    assert_eq!(serde_json::from_slice::<Value>(&written).expect("JSON"), body);
}
