use super::*;

fn asked(uri: &str) -> (String, Option<String>) {
    let request = as_openai(Request::builder().uri(uri).body(()).unwrap());
    let model = request.extensions().get::<Named>().map(|Named(model)| model.clone());
    (request.uri().to_string(), model)
}

#[test]
fn azures_paths_are_openais() {
    let named = |path: &str, model: &str| (path.to_owned(), Some(model.to_owned()));
    let plain = |path: &str| (path.to_owned(), None);
    assert_eq!(
        asked("/openai/deployments/gpt-5/chat/completions?api-version=2024-12-01-preview"),
        named("/v1/chat/completions", "gpt-5")
    );
    assert_eq!(asked("/openai/deployments/groq%3Allama%2F3/embeddings"), named("/v1/embeddings", "groq:llama/3"));
    assert_eq!(asked("/openai/deployments/groq:llama/3/images/edits"), named("/v1/images/edits", "groq:llama/3"));
    assert_eq!(asked("/openai/v1/responses/r1?api-version=preview&stream=true"), plain("/v1/responses/r1?stream=true"));
    assert_eq!(asked("/openai/files?limit=2&api-version=1"), plain("/v1/files?limit=2"));
    assert_eq!(asked("http://h/openai/models"), plain("http://h/v1/models"));
    assert_eq!(asked("/openai/deployments//embeddings"), plain("/v1/deployments//embeddings"));
    for other in ["/v1/chat/completions?api-version=1", "/openai", "/openaix/v1/models", "/"] {
        assert_eq!(asked(other), plain(other));
    }
}

#[test]
fn the_paths_model_counts_and_every_other_byte_stays() {
    let with = |kind: &str, body: &str| {
        let request =
            Request::builder().uri("/openai/deployments/a%20b/embeddings").header("content-type", kind).body(());
        let (head, ()) = as_openai(request.unwrap()).into_parts();
        with_model(&head, Bytes::from(body.to_owned())).map(|body| String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(with("application/json", r#"{"n":1e400}"#).unwrap(), r#"{"n":1e400,"model":"a b"}"#);
    assert_eq!(with("application/json", r#"{ "model":"x", "n" : 1}"#).unwrap(), r#"{ "model":"a b", "n" : 1}"#);
    assert_eq!(with("multipart/form-data; boundary=x", "--x").unwrap(), "--x");
    assert_eq!(with("application/json", "[]").unwrap_err().to_string(), "the request body is not a JSON object");
}
