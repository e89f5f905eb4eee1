use std::collections::BTreeMap;

use llm_core::ErrorKind;
use llm_core::codec::{AnswerContext, DecodeContext, Downstream, Encoded, Quirks, ResponseHead, Target, Upstream};
use llm_core::file::{FileAsk, FileUpload, Files, FilesAnswer, FilesRequest};
use serde_json::{Value, json};

use super::super::GeminiApi;

fn encode(ask: FileAsk, project: bool) -> llm_core::Result<Encoded> {
    let quirks = Quirks::default();
    let variables: BTreeMap<_, _> = project.then(|| ("project".to_owned(), "p".to_owned())).into_iter().collect();
    let target = Target {
        provider: "gemini",
        model: "",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    Upstream::<Files>::encode_request(&GeminiApi, &FilesRequest::new("gemini", ask), &target)
}

fn decode(cx: &DecodeContext, body: &Value) -> llm_core::Result<FilesAnswer> {
    Upstream::<Files>::decode_answer(&GeminiApi, cx, &ResponseHead::default(), body.to_string().as_bytes())
}

#[test]
fn a_file_goes_up_with_what_is_said_of_it() {
    let file = FileUpload::new("a.txt", "one llm-seed two").content_type("text/plain");
    let sent = encode(FileAsk::Upload(file.clone()), false).unwrap();
    assert_eq!(sent.path, "/upload/v1beta/files");
    assert_eq!(sent.headers["x-goog-upload-protocol"], "multipart");
    assert_eq!(sent.headers["content-type"], "multipart/related; boundary=llm-seed-");
    let said = "{\"file\":{\"displayName\":\"a.txt\",\"mimeType\":\"text/plain\"}}";
    let want = format!(
        "--llm-seed-\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{said}\r\n\
         --llm-seed-\r\nContent-Type: text/plain\r\n\r\none llm-seed two\r\n--llm-seed---\r\n"
    );
    assert_eq!(sent.body, want);
    assert_eq!(encode(FileAsk::Upload(file), true).unwrap_err().kind(), ErrorKind::NotImplemented);
    let odd = FileUpload::new("a", "x").content_type("text/plain\r\nx: y");
    assert_eq!(encode(FileAsk::Upload(odd), false).unwrap_err().param(), Some("content_type"));
}

#[test]
fn files_survive_and_ids_have_no_slash() {
    let one = json!({"name": "files/f1", "displayName": "a.txt", "sizeBytes": "16", "uri": "u", "x": [1]});
    let cx = DecodeContext::default();
    for body in [json!({ "file": one }), one.clone(), json!({"files": [one], "nextPageToken": "t"})] {
        let answer = decode(&cx, &body).unwrap();
        let file = &answer.files[0];
        assert_eq!((file.id.as_str(), file.filename.as_deref(), file.bytes), ("f1", Some("a.txt"), Some(16)));
        assert_eq!(answer.has_more, body.get("nextPageToken").is_some());
        let again = Downstream::<Files>::encode_answer(&GeminiApi, &AnswerContext::default(), &answer).unwrap();
        assert!(serde_json::from_slice::<Value>(&again).unwrap() == one);
    }
    assert!(decode(&cx, &json!({})).unwrap().files.is_empty());
    assert!(decode(&cx, &json!([])).is_err());
    let gone = encode(FileAsk::Delete("f1".to_owned()), false).unwrap();
    assert_eq!(gone.path, "/v1beta/files/f1");
    assert_eq!(decode(&gone.context, &json!({})).unwrap().deleted.as_deref(), Some("f1"));
    assert_eq!(encode(FileAsk::Get("a/../b".to_owned()), false).unwrap().path, "/v1beta/files/a%2F..%2Fb");
}
