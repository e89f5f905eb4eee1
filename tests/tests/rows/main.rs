//! Every row of the provider table is complete, and what it says is what goes out. Adding a row changes nothing here.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use llm_core::chat::{ChatRequest, Media, MediaKind, MediaSource, Part, ResponseFormat, Tool, ToolChoice};
use llm_core::{Error, ErrorKind, OperationKind, Protocol};
use llm_providers::registry::{self, Auth, ProviderRow};
use llm_providers::{Provider, Secret, Timeouts, protocols};
use llm_tests::live::{Script, Seen, Upstream};
use llm_tests::{configuration_page, providers_page};
use serde_json::{Value, json};
use std::sync::Arc;

mod operations;

const MODEL: &str = "some-model";

/// Something that answers every request with an error, and hands out tokens.
async fn stand_in() -> Upstream {
    Upstream::start(|seen: &Seen| match seen.path.as_str() {
        "/token" => Script::json(200, &json!({"access_token": "a-token", "expires_in": 3600})),
        _ => Script::json(400, &json!({"error": {"message": "seen"}, "message": "seen"})),
    })
    .await
}

/// The provider of a row, with all that its account would say, at the stand-in.
fn placed(id: &str, row: &ProviderRow, upstream: &Upstream) -> Arc<Provider> {
    let mut row = row.clone();
    let missing: Vec<String> = row.missing_variables().into_iter().map(str::to_owned).collect();
    row.variables.extend(missing.into_iter().map(|name| (name.clone(), format!("some-{name}"))));
    row.variables.insert("iam_url".to_owned(), format!("{}/token", upstream.url));
    let place = row.place().map(|place| place.expect("every variable has a value"));
    row.move_to(&format!("{}{}", upstream.url, place.as_deref().map_or("", path_of)));
    let key = (row.auth != Auth::None).then(|| Secret::new("sk-test"));
    Arc::new(Provider::new(id, row, key, Timeouts::default()).expect("a provider"))
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("", |at| rest[at..].trim_end_matches('/'))
}

/// The protocol's own path of chat; none where it holds the model.
fn own_path(protocol: Protocol) -> Option<&'static str> {
    Some(match protocol {
        Protocol::OpenAiChat | Protocol::Mistral => "/chat/completions",
        Protocol::OpenAiResponses => "/responses",
        Protocol::Anthropic => "/v1/messages",
        Protocol::Cohere => "/v2/chat",
        Protocol::Ollama => "/api/chat",
        _ => return None,
    })
}

/// What the row says of the path of a request, read anew.
fn expected_path(row: &ProviderRow, stream: bool) -> Option<String> {
    let own = own_path(row.protocol).filter(|_| row.quirks.host == Default::default())?;
    let base = row.place().and_then(Result::ok).as_deref().map_or(String::new(), |place| path_of(place).to_owned());
    let streamed = stream.then_some(&row.stream_paths);
    let stated = |path: &str| streamed.and_then(|paths| paths.get(path)).or_else(|| row.paths.get(path));
    let template = stated(own).or_else(|| stated("*").filter(|_| base.is_empty()));
    let path = template.map_or(own, String::as_str).replace("{path}", own).replace("{model}", MODEL);
    let path = row.variables.iter().fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    Some(format!("{base}{path}"))
}

fn check_head(id: &str, row: &ProviderRow, seen: &Seen, stream: bool) {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    match expected_path(row, stream) {
        Some(expected) => assert_eq!(path, expected, "{id}"),
        None => assert!(path.contains(MODEL), "{id}: {path}"),
    }
    check_proof(id, row, seen, query);
}

/// What every request of a row carries: its query, its proof of who calls, its headers.
fn check_proof(id: &str, row: &ProviderRow, seen: &Seen, query: &str) {
    for name in row.query.keys() {
        assert!(query.split('&').any(|pair| pair.starts_with(&format!("{name}="))), "{id}: {query} lacks {name}");
    }
    let (header, value) = match &row.auth {
        Auth::None => return assert!(!seen.headers.contains_key("authorization"), "{id}"),
        Auth::Ibm => ("authorization", "Bearer a-token".to_owned()),
        Auth::Scheme(scheme) => ("authorization", format!("{scheme} sk-test")),
        Auth::Header(name) => (name.as_str(), "sk-test".to_owned()),
        Auth::Azure(name) if name != "authorization" => (name.as_str(), "sk-test".to_owned()),
        Auth::Bearer | Auth::Aws(_) | Auth::Google | Auth::Azure(_) => ("authorization", "Bearer sk-test".to_owned()),
    };
    assert_eq!(seen.headers.get(header).and_then(|value| value.to_str().ok()), Some(value.as_str()), "{id}");
    for (name, value) in &row.headers {
        assert_eq!(seen.headers.get(name).and_then(|value| value.to_str().ok()), Some(value.as_str()), "{id}");
    }
}

fn check_body(id: &str, row: &ProviderRow, body: &Value) {
    let members = body.as_object().unwrap_or_else(|| panic!("{id}: {body}"));
    for (ours, theirs) in &row.quirks.rename {
        assert!(!members.contains_key(ours), "{id}: {body}");
        let value = members.get(theirs);
        match ours.as_str() {
            "max_completion_tokens" => assert_eq!(value, Some(&json!(7)), "{id}: {body}"),
            "model" => assert_eq!(value, Some(&json!(MODEL)), "{id}: {body}"),
            other => panic!("{id}: say here what `{other}` holds"),
        }
    }
    for name in row.quirks.members.keys() {
        assert!(members.get(name).is_some_and(Value::is_string), "{id}: {body} lacks {name}");
    }
    if row.protocol == Protocol::OpenAiChat {
        let role = if row.quirks.system_only { "system" } else { "developer" };
        assert_eq!(body["messages"][0]["role"], role, "{id}");
    }
}

fn question() -> ChatRequest {
    let instructions = llm_core::Message::text(llm_core::chat::Role::Developer, "be brief");
    ChatRequest::new(MODEL).message(instructions).user("Hello").max_tokens(7)
}

#[tokio::test]
async fn a_call_of_every_row_goes_where_the_row_says() {
    let upstream = stand_in().await;
    for (id, row) in registry::rows() {
        let provider = placed(id, row, &upstream);
        for protocol in row.protocols().filter(|protocol| protocols::chat(*protocol).is_some()) {
            let spoken = provider.speaking(protocol).unwrap_or_else(|| panic!("{id} does not speak `{protocol}`"));
            if row.without.contains(&OperationKind::Chat) {
                let seen = upstream.seen().len();
                let error = spoken.chat(&question(), MODEL).await.expect_err("refused");
                assert_eq!((error.kind(), upstream.seen().len()), (ErrorKind::NotImplemented, seen), "{id}");
                continue;
            }
            let error = spoken.chat(&question(), MODEL).await.expect_err("it answers with an error");
            assert_eq!(error.message(), "seen", "{id} in `{protocol}`: {error:?}");
            let seen = upstream.last();
            check_head(id, spoken.row(), &seen, false);
            check_body(id, spoken.row(), &seen.json());
            let error = spoken.chat_stream(&question(), MODEL).await.map(|_| ()).expect_err("it answers with an error");
            assert_eq!(error.message(), "seen", "{id} in `{protocol}`: {error:?}");
            check_head(id, spoken.row(), &upstream.last(), true);
        }
    }
}

/// A request that sets what a row may refuse, by the name of the quirk.
fn setting(name: &str) -> Option<ChatRequest> {
    let mut request = question();
    let media = |kind, media_type: &str| {
        let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: "AAAA".to_owned() };
        question().user_parts(vec![Part::text("look"), Media::new(kind, source).into()])
    };
    match name {
        "seed" => request.seed = Some(1),
        "n" => request.n = Some(2),
        "user" => request.user = Some("someone".to_owned()),
        "stop" => request.stop = vec!["END".to_owned()],
        "top_k" => request.top_k = Some(3),
        "logprobs" => request.logprobs = Some(true),
        "metadata" => request.metadata = json!({"a": "b"}).as_object().cloned(),
        "service_tier" => request.service_tier = Some("flex".to_owned()),
        "presence_penalty" => request.presence_penalty = Some(0.5),
        "frequency_penalty" => request.frequency_penalty = Some(0.5),
        "parallel_tool_calls" => request.parallel_tool_calls = Some(false),
        "tools" => request.tools = vec![Tool::function("f", "does", json!({"type": "object"}))],
        "tool_choice" => request.tool_choice = Some(ToolChoice::Required),
        "image_url" => request = media(MediaKind::Image, "image/png"),
        "input_audio" => request = media(MediaKind::Audio, "audio/wav"),
        "file" => request = media(MediaKind::Document, "application/pdf"),
        "response_format" | "response_format.json_object" => {
            request.response_format = Some(ResponseFormat::JsonObject);
        }
        // Something stands in for a schema.
        _ => return None,
    }
    Some(request)
}

#[tokio::test]
async fn what_a_row_refuses_is_refused_by_name_before_a_byte_is_sent() {
    let upstream = stand_in().await;
    let mut checked = 0;
    for (id, row) in registry::rows().iter().filter(|(_, row)| !row.without.contains(&OperationKind::Chat)) {
        let provider = placed(id, row, &upstream);
        for (name, request) in row.quirks.refuse.iter().filter_map(|name| Some((name, setting(name)?))) {
            let error = provider.chat(&request, MODEL).await.expect_err("refused");
            let told = |error: &Error| error.param().unwrap_or_default().to_owned();
            assert_eq!(error.kind(), ErrorKind::UnsupportedParameter, "{id} {name}: {error:?}");
            let part = told(&error).starts_with("messages[") || *name == told(&error);
            assert!(part || name.starts_with(&told(&error)), "{id}: {name} is told as {}", told(&error));
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
    assert!(upstream.seen().iter().all(|seen| seen.path == "/token"));
}

#[test]
fn every_row_says_all_that_a_person_needs() {
    let rows = registry::rows();
    assert!(rows.len() >= 70, "{}", rows.len());
    for (id, row) in rows {
        assert!(row.docs.as_deref().is_some_and(|url| url.starts_with("https://")), "{id} has no documentation");
        assert!(!row.base_url_env.is_empty() || id.starts_with("bedrock"), "{id} can't be moved");
        let has_proof = !row.key_env.is_empty() || !matches!(row.auth, Auth::Bearer | Auth::Header(_));
        assert!(has_proof || row.key_optional, "{id} has no variable for its key");
        for name in row.missing_variables() {
            let by_environment = row.variables_env.get(name).is_some_and(|names| !names.is_empty());
            assert!(by_environment, "{id}: nothing says its `{name}`");
        }
        // Without a key nobody asked for it, so it is never the one that is used unasked.
        assert!(!row.key_optional || row.default_model.is_none(), "{id} would be used unasked");
        let known = |name: &String| {
            name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
        };
        let variables = row.key_env.iter().chain(&row.token_env).chain(&row.base_url_env);
        assert!(variables.chain(row.variables_env.values().flatten()).all(known), "{id}");
    }
}

#[test]
fn names_are_unique_and_places_shared_for_a_reason() {
    let rows = registry::rows();
    let mut names = BTreeSet::new();
    for name in rows.iter().flat_map(|(id, row)| std::iter::once(id).chain(&row.aliases)) {
        assert!(names.insert(name), "`{name}` names two providers");
    }
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, row) in rows {
        if let Some(url) = &row.base_url {
            places.entry(url).or_default().push(id);
        }
    }
    for (place, ids) in places.iter().filter(|(_, ids)| ids.len() > 1) {
        // The same host speaks another protocol or has other paths, or it is a port that servers share.
        let told_apart: BTreeSet<String> = ids
            .iter()
            .map(|id| {
                format!("{} {:?} {}", rows[*id].protocol, rows[*id].paths, rows[*id].quirks == Default::default())
            })
            .collect();
        let local = ids.iter().all(|id| rows[*id].local);
        assert!(local || told_apart.len() == ids.len(), "{place}: {ids:?}");
    }
}

/// Ids of any-llm with the variables of key and base URL that its users have set. An empty text is none.
const ANY_LLM: &[(&str, &str, &str)] = &[
    ("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    ("atlascloud", "ATLASCLOUD_API_KEY", "ATLASCLOUD_API_BASE"),
    ("azure", "AZURE_API_KEY", "AZURE_AI_CHAT_ENDPOINT"),
    ("azureanthropic", "AZURE_ANTHROPIC_API_KEY", "AZURE_ANTHROPIC_API_BASE"),
    ("azureopenai", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
    ("bedrock", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
    ("cascadia", "CASCADIA_API_KEY", "CASCADIA_API_BASE"),
    ("cerebras", "CEREBRAS_API_KEY", "CEREBRAS_API_BASE"),
    ("cohere", "COHERE_API_KEY", "COHERE_BASE_URL"),
    ("dashscope", "DASHSCOPE_API_KEY", "DASHSCOPE_API_BASE"),
    ("databricks", "DATABRICKS_TOKEN", "DATABRICKS_HOST"),
    ("deepinfra", "DEEPINFRA_API_KEY", "DEEPINFRA_API_BASE"),
    ("deepseek", "DEEPSEEK_API_KEY", "DEEPSEEK_API_BASE"),
    ("edenai", "EDENAI_API_KEY", "EDENAI_API_BASE"),
    ("fireworks", "FIREWORKS_API_KEY", "FIREWORKS_API_BASE"),
    ("gemini", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    ("gemini", "GOOGLE_API_KEY", ""),
    ("github", "GITHUB_TOKEN", "GITHUB_MODELS_API_BASE"),
    ("gmi", "GMI_API_KEY", "GMI_API_BASE"),
    ("groq", "GROQ_API_KEY", "GROQ_BASE_URL"),
    ("huggingface", "HF_TOKEN", "HUGGINGFACE_API_BASE"),
    ("inception", "INCEPTION_API_KEY", "INCEPTION_API_BASE"),
    ("kenari", "KENARI_API_KEY", "KENARI_API_BASE"),
    ("liner", "LINER_API_KEY", "LINER_API_BASE"),
    ("llama", "LLAMA_API_KEY", "LLAMA_API_BASE"),
    ("llamacpp", "LLAMACPP_API_KEY", "LLAMACPP_API_BASE"),
    ("llamafile", "", "LLAMAFILE_API_BASE"),
    ("lmstudio", "LM_STUDIO_API_KEY", "LM_STUDIO_API_BASE"),
    ("meta", "MODEL_API_KEY", "META_API_BASE"),
    ("minimax", "MINIMAX_API_KEY", "MINIMAX_API_BASE"),
    ("mistral", "MISTRAL_API_KEY", "MISTRAL_API_BASE"),
    ("moonshot", "MOONSHOT_API_KEY", "MOONSHOT_API_BASE"),
    ("mzai", "ANY_LLM_KEY", "ANY_LLM_PLATFORM_URL"),
    ("nebius", "NEBIUS_API_KEY", "NEBIUS_API_BASE"),
    ("neosantara", "NEOSANTARA_API_KEY", "NEOSANTARA_API_BASE"),
    ("ollama", "", "OLLAMA_HOST"),
    ("openai", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    ("openrouter", "OPENROUTER_API_KEY", "OPENROUTER_API_BASE"),
    ("otari", "OTARI_API_KEY", "OTARI_API_BASE"),
    ("otari", "GATEWAY_API_KEY", "GATEWAY_API_BASE"),
    ("ovhcloud", "OVHCLOUD_API_KEY", "OVHCLOUD_API_BASE"),
    ("perplexity", "PERPLEXITY_API_KEY", "PERPLEXITY_BASE_URL"),
    ("portkey", "PORTKEY_API_KEY", "PORTKEY_API_BASE"),
    ("qiniu", "QINIU_API_KEY", "QINIU_API_BASE"),
    ("requesty", "REQUESTY_API_KEY", "REQUESTY_API_BASE"),
    ("sambanova", "SAMBANOVA_API_KEY", "SAMBANOVA_API_BASE"),
    ("telnyx", "TELNYX_API_KEY", "TELNYX_API_BASE"),
    ("together", "TOGETHER_API_KEY", "TOGETHER_API_BASE"),
    ("typesafe", "TYPESAFE_API_KEY", "TYPESAFE_BASE_URL"),
    ("vertexai", "", "VERTEXAI_API_BASE"),
    ("vertexaianthropic", "", "VERTEXAI_ANTHROPIC_API_BASE"),
    ("vllm", "VLLM_API_KEY", "VLLM_API_BASE"),
    ("voyage", "VOYAGE_API_KEY", "VOYAGE_API_BASE"),
    ("watsonx", "WATSONX_API_KEY", "WATSONX_URL"),
    ("xai", "XAI_API_KEY", "XAI_API_BASE"),
    ("zai", "ZAI_API_KEY", "ZAI_BASE_URL"),
];

#[test]
fn users_of_any_llm_come_over_unchanged() {
    for &(id, key, base) in ANY_LLM {
        let row = registry::rows().get(id).unwrap_or_else(|| panic!("there is no `{id}`"));
        let has = |names: &[String], name: &str| name.is_empty() || names.iter().any(|known| known == name);
        assert!(has(&row.key_env, key), "{id}: {key}");
        assert!(has(&row.base_url_env, base), "{id}: {base}");
    }
}

#[test]
fn the_page_of_providers_is_as_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/providers.md");
    let stands = std::fs::read_to_string(page).expect("docs/providers.md");
    assert!(stands == providers_page::page(), "run `cargo xtask providers --write`");
}

#[test]
fn the_page_of_the_configuration_is_as_the_types_say() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let stands = std::fs::read_to_string(page).expect("docs/configuration.md");
    assert!(stands == configuration_page::page(), "run `cargo xtask configuration --write`");
}
