use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode, header};
use llm_core::audio::{AudioFile, Speak, SpeakRequest, Transcribe, TranscribeRequest, TranscriptForm};
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Encoded, Quirks, RequestHead, ResponseHead, Target, Upstream,
};
use llm_core::{ErrorKind, Meter, Operation, Result};
use serde_json::{Value, json};

use super::ElevenLabs;

fn sent<O: Operation>(request: &O::Request, stream: bool) -> Result<Encoded>
where
    ElevenLabs: Upstream<O>,
{
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "elevenlabs",
        model: "eleven_flash_v2_5",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream,
        max_output: None,
        id_seed: "s",
    };
    Upstream::<O>::encode_request(&ElevenLabs, request, &target)
}

#[test]
fn a_voice_stands_in_the_path_and_the_format_in_the_query() {
    let mut request = SpeakRequest::new("m", "JBFq/nX", "Ahoy!").format("mp3");
    request.speed = Some(1.1);
    let encoded = sent::<Speak>(&request, true).expect("sent");
    assert_eq!(encoded.path, "/text-to-speech/JBFq%2FnX/stream");
    assert_eq!(encoded.query, [("output_format".to_owned(), "mp3_44100_128".to_owned())]);
    assert_eq!(
        serde_json::from_slice::<Value>(&encoded.body).expect("JSON"),
        json!({"text": "Ahoy!", "model_id": "eleven_flash_v2_5", "voice_settings": {"speed": 1.1}})
    );
    let nameless = sent::<Speak>(&SpeakRequest::new("m", "", "Ahoy!"), false).expect_err("refused");
    assert_eq!((nameless.kind(), nameless.param()), (ErrorKind::InvalidRequest, Some("voice")));
}

#[test]
fn a_request_of_this_protocol_is_written_as_it_was() {
    let head = RequestHead {
        path: "/v1/text-to-speech/abc/stream".to_owned(),
        query: Some("output_format=pcm_16000".to_owned()),
        ..RequestHead::default()
    };
    let body = json!({"text": "Ahoy!", "model_id": "eleven_flash_v2_5", "seed": 7,
        "voice_settings": {"stability": 0.5, "speed": 0.9}});
    let read = Downstream::<Speak>::decode_request(&ElevenLabs, &head, body.to_string().as_bytes());
    let (request, cx) = read.expect("read");
    assert!(cx.stream);
    let again = sent::<Speak>(&request, cx.stream).expect("sent");
    assert_eq!(serde_json::from_slice::<Value>(&again.body).expect("JSON"), body);
    assert_eq!(again.path, "/text-to-speech/abc/stream");
    assert_eq!(again.query, [("output_format".to_owned(), "pcm_16000".to_owned())]);
}

#[test]
fn sound_goes_as_a_form() {
    let mut request = TranscribeRequest::new("m", AudioFile::new("ahoy.mp3", &b"ID3"[..]));
    request.language = Some("de".to_owned());
    request.form = Some(TranscriptForm::Diarized);
    let encoded = sent::<Transcribe>(&request, false).expect("sent");
    assert_eq!(encoded.path, "/speech-to-text");
    let text = String::from_utf8(encoded.body.to_vec()).expect("text");
    for part in [
        "name=\"model_id\"\r\n\r\neleven_flash_v2_5\r\n",
        "name=\"language_code\"\r\n\r\nde\r\n",
        "name=\"diarize\"\r\n\r\ntrue\r\n",
        "name=\"file\"; filename=\"ahoy.mp3\"\r\n\r\nID3\r\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let kind = encoded.headers[header::CONTENT_TYPE].clone();
    let head = RequestHead { headers: HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), ..RequestHead::default() };
    let (read, cx) = Downstream::<Transcribe>::decode_request(&ElevenLabs, &head, &encoded.body).expect("read");
    assert_eq!(
        (cx.model.as_str(), &read.file, read.language.as_deref()),
        ("eleven_flash_v2_5", &request.file, Some("de"))
    );
    // A form is the same in any order of its texts.
    assert_eq!(sent::<Transcribe>(&read, false).expect("sent").body.len(), encoded.body.len());
}

#[test]
fn what_was_said_is_told_by_speaker() {
    let word = |text: &str, start: f64, end: f64, speaker: &str| json!({"text": text, "start": start, "end": end, "type": "word", "speaker_id": speaker, "logprob": -0.1});
    let space = json!({"text": " ", "start": 0.5, "end": 0.6, "type": "spacing", "speaker_id": "speaker_0"});
    let mut body = json!({
        "language_code": "deu", "language_probability": 0.98, "text": "Ahoi du ja",
        "words": [word("Ahoi", 0.1, 0.5, "speaker_0"), space, word("du", 0.6, 0.9, "speaker_0"), word("ja", 1.0, 1.5, "speaker_1")],
    });
    let (cx, head) = (DecodeContext::default(), ResponseHead::default());
    let read = |body: &Value| {
        let answer = Upstream::<Transcribe>::decode_answer(&ElevenLabs, &cx, &head, body.to_string().as_bytes());
        answer.expect("an answer")
    };
    let answer = read(&body);
    let told = answer.segments.iter().map(|segment| (segment.speaker.as_deref().unwrap_or_default(), &*segment.text));
    assert_eq!(told.collect::<Vec<_>>(), [("speaker_0", "Ahoi du"), ("speaker_1", "ja")]);
    assert_eq!(answer.words.len(), 3);
    assert_eq!(answer.usage().get(Meter::Second), 2, "until the last word");
    let written = Downstream::<Transcribe>::encode_answer(&ElevenLabs, &AnswerContext::default(), &answer);
    assert_eq!(serde_json::from_slice::<Value>(&written.expect("written")).expect("JSON"), body);
    body["audio_duration_secs"] = json!(7.2);
    assert_eq!(read(&body).usage().get(Meter::Second), 8, "as the provider says");
}

#[test]
fn errors_say_what_elevenlabs_says() {
    for (status, body, kind, message) in [
        (
            401,
            json!({"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}),
            ErrorKind::ProviderAuth,
            "Invalid API key",
        ),
        (
            401,
            json!({"detail": {"status": "quota_exceeded", "message": "No credits are left"}}),
            ErrorKind::QuotaExceeded,
            "No credits are left",
        ),
        (
            422,
            json!({"detail": [{"loc": ["body", "text"], "msg": "field required", "type": "missing"}]}),
            ErrorKind::InvalidRequest,
            "body.text: field required",
        ),
    ] {
        let head = ResponseHead { status: StatusCode::from_u16(status).expect("a status"), ..ResponseHead::default() };
        let cx = DecodeContext::default();
        let error = Upstream::<Speak>::decode_error(&ElevenLabs, &cx, &head, body.to_string().as_bytes());
        assert_eq!((error.kind(), error.message()), (kind, message));
    }
}
