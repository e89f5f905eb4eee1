use super::*;

#[test]
fn every_row_is_complete() {
    for (id, row) in rows() {
        assert!(row.base_url.is_some() || !row.base_url_env.is_empty(), "{id} has no place");
        let needs_key = !row.key_optional && !matches!(row.auth, Auth::None | Auth::Aws(_) | Auth::Google);
        assert!(!needs_key || !row.key_env.is_empty(), "{id} has no key variable");
        let mut row = row.clone();
        for name in row.variables_env.keys() {
            row.variables.entry(name.clone()).or_insert_with(|| "somewhere".to_owned());
        }
        if let Some(url) = row.place() {
            let url = url.unwrap_or_else(|name| panic!("{id}: nothing can say its `{name}`"));
            assert!(url::Url::parse(&url).is_ok(), "{id}: {url}");
            assert!(!url.ends_with('/'), "{id}: paths begin with a slash");
        }
    }
}

#[test]
fn variables_fill_the_base_url() {
    let mut row = ProviderRow::new("Boats", Protocol::OpenAiChat, "https://{harbour}.example.com/{pier}/v1");
    assert_eq!(row.place(), Some(Err("harbour")));
    row.variables.insert("harbour".to_owned(), "brest".to_owned());
    assert_eq!(row.place(), Some(Err("pier")));
    row.variables.insert("pier".to_owned(), "7".to_owned());
    assert_eq!(row.place(), Some(Ok("https://brest.example.com/7/v1".to_owned())));
    row.base_url = Some("https://example.com/{".to_owned());
    assert_eq!(row.place(), Some(Ok("https://example.com/{".to_owned())));
    row.base_url = None;
    assert_eq!(row.place(), None);
}

#[test]
fn a_slip_finds_its_provider() {
    assert_eq!(nearest("opnai", ["anthropic", "openai", "groq"]), Some("openai"));
    assert_eq!(nearest("zzz", ["anthropic", "openai", "groq"]), None);
}

fn two_tongues() -> ProviderRow {
    toml::from_str(
        r#"
        name = "Two"
        protocol = "openai-chat"
        base_url = "https://two.example/v1"
        quirks.refuse = ["seed"]
        [also.openai-responses]
        quirks.refuse = ["background"]
        [also.anthropic]
        base_url = "/anthropic"
        auth = { header = "x-api-key" }
        [also.gemini]
        base_url = "https://elsewhere.example"
        "#,
    )
    .unwrap()
}

#[test]
fn a_row_speaks_several_protocols() {
    let row = two_tongues();
    let all: Vec<_> = row.protocols().collect();
    assert_eq!(all, [Protocol::OpenAiChat, Protocol::OpenAiResponses, Protocol::Anthropic, Protocol::Gemini]);
    let place = |protocol| {
        let row = row.speaking(protocol)?;
        Some((row.base_url?, row.auth, row.quirks.refuse.into_iter().next()))
    };
    let (v1, bearer) = ("https://two.example/v1".to_owned(), Auth::Bearer);
    assert_eq!(place(Protocol::OpenAiChat), Some((v1.clone(), bearer.clone(), Some("seed".to_owned()))));
    assert_eq!(place(Protocol::OpenAiResponses), Some((v1, bearer, Some("background".to_owned()))));
    let at_anthropic = ("https://two.example/anthropic".to_owned(), Auth::Header("x-api-key".to_owned()), None);
    assert_eq!(place(Protocol::Anthropic), Some(at_anthropic));
    assert_eq!(place(Protocol::Cohere), None);
}

#[test]
fn another_protocol_can_be_the_main_one() {
    let mut row = two_tongues();
    row.speak_mainly(Protocol::Anthropic);
    assert_eq!((row.protocol, row.base_url.as_deref()), (Protocol::Anthropic, Some("https://two.example/anthropic")));
    let chat = row.speaking(Protocol::OpenAiChat).unwrap();
    assert_eq!((chat.base_url.as_deref(), &chat.auth), (Some("https://two.example/v1"), &Auth::Bearer));
    assert!(chat.quirks.refuse.contains("seed"));
    row.speak_mainly(Protocol::Cohere);
    assert_eq!((row.protocol, row.base_url.as_deref()), (Protocol::Cohere, Some("https://two.example/anthropic")));
}

#[test]
fn a_row_that_moved_sends_nothing_to_where_it_was() {
    let mut row = two_tongues();
    row.move_to("http://proxy.example:8080/two/");
    let places: Vec<_> =
        row.protocols().filter_map(|protocol| row.speaking(protocol).and_then(|row| row.base_url)).collect();
    assert_eq!(
        places,
        ["http://proxy.example:8080/two", "http://proxy.example:8080/two", "http://proxy.example:8080/anthropic"]
    );
    assert_eq!(row.speaking(Protocol::Gemini), None);
}
