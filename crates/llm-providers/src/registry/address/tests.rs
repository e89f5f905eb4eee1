use bytes::Bytes;
use llm_core::Protocol;
use llm_core::codec::{DecodeContext, Encoded};

use crate::registry::ProviderRow;

fn row() -> ProviderRow {
    let mut row = ProviderRow::new("Host", Protocol::OpenAiChat, "https://{account}.example.com");
    row.variables.insert("account".to_owned(), "acme".to_owned());
    row
}

fn encoded(path: &str, stream: bool) -> Encoded {
    let context = DecodeContext { model: "a/b".to_owned(), stream, ..DecodeContext::default() };
    Encoded::post(path, Bytes::new(), context)
}

#[test]
fn a_row_without_paths_takes_the_protocols() {
    let (path, query) = row().locate("/v1/", &encoded("/chat/completions", false)).expect("located");
    assert_eq!((path.as_str(), query.len()), ("/v1/chat/completions", 0));
    assert_eq!(row().place(), Some(Ok("https://acme.example.com".to_owned())));
}

#[test]
fn a_path_of_its_own_stands_in_the_place_of_the_protocols() {
    let mut row = row();
    row.paths.insert("/chat/completions".to_owned(), "/{account}/{model}/chat".to_owned());
    row.stream_paths.insert("/chat/completions".to_owned(), "/chat_stream".to_owned());
    row.query.insert("version".to_owned(), "{account}-1".to_owned());
    let (path, query) = row.locate("", &encoded("/chat/completions", false)).expect("located");
    assert_eq!(path, "/acme/a%2Fb/chat");
    assert_eq!(query, [("version".to_owned(), "acme-1".to_owned())]);
    let (path, _) = row.locate("", &encoded("/chat/completions", true)).expect("located");
    assert_eq!(path, "/chat_stream");
    let (path, _) = row.locate("", &encoded("/models", false)).expect("located");
    assert_eq!(path, "/models");
}

#[test]
fn a_base_url_with_a_path_is_the_whole_place() {
    let mut row = row();
    row.paths.insert("*".to_owned(), "/deployments/{model}{path}".to_owned());
    let (path, _) = row.locate("", &encoded("/chat/completions", false)).expect("located");
    assert_eq!(path, "/deployments/a%2Fb/chat/completions");
    let (path, _) = row.locate("/models", &encoded("/chat/completions", false)).expect("located");
    assert_eq!(path, "/models/chat/completions");
    row.stream_paths.insert("*".to_owned(), "/streams/{model}".to_owned());
    let (path, _) = row.locate("", &encoded("/chat/completions", true)).expect("located");
    assert_eq!(path, "/streams/a%2Fb");
}

#[test]
fn what_is_missing_is_named() {
    let mut row = row();
    row.query.insert("version".to_owned(), "{date}".to_owned());
    row.variables_env.insert("date".to_owned(), vec!["HOST_DATE".to_owned()]);
    assert_eq!(row.missing_variables(), ["date"]);
    let error = row.locate("", &encoded("/models", false)).expect_err("refused");
    assert_eq!(error.hint(), Some("set `HOST_DATE`"));
}
