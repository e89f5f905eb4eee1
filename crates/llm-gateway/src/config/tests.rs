use std::collections::HashMap;
use std::time::Duration;

use llm_core::{Meter, Price, Protocol};
use llm_providers::registry;

use super::*;
use crate::limits::LimitMeter;

fn read(text: &str) -> Result<(Config, Vec<Problem>), Problems> {
    let variables =
        HashMap::from([("OPENAI_API_KEY", "sk-from-env"), ("OIDC_CLIENT_SECRET", "from-env"), ("EMPTY", "")]);
    Config::parse("llm-gateway.toml", text, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

/// What is wrong with `text`, as it is printed.
fn problems(text: &str) -> String {
    match read(text) {
        Ok(_) => "nothing".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn the_example_of_the_interface_is_read() {
    let (config, warnings) = read(
        r#"
listen   = "127.0.0.1:4000"
database = "sqlite://llm-gateway.db"

[providers.openai]
api_key = "${OPENAI_API_KEY}"

[providers.local]
protocol = "openai-chat"
base_url = "http://127.0.0.1:8081/v1"

[[models]]
name = "fast"
strategy = "weighted"
retries = 2
fallbacks = ["openai:gpt-4o"]
deployments = [
  { model = "openai:gpt-4o-mini", weight = 3, timeout = "60s" },
  { model = "local:qwen3-4b", weight = 1, price = { input = "0", output = "0", cache_read = "0" } },
]

[limits.defaults]
requests = "600/minute"
"#,
    )
    .unwrap();
    assert_eq!(config.providers["openai"].api_key.as_ref().unwrap().expose(), "sk-from-env");
    let [fast] = &config.models[..] else { panic!("one model") };
    assert_eq!((fast.name.as_str(), fast.strategy, fast.retries), ("fast", Strategy::Weighted, 2));
    assert_eq!(fast.deployments[0].timeout, Some(Period(Duration::from_secs(60))));
    let free = Price::new([(Meter::Input, 0), (Meter::Output, 0), (Meter::CacheRead, 0)]);
    assert_eq!(fast.deployments[1].price, Some(PriceConfig(free)));
    assert_eq!(config.limits.defaults.0.len(), 1);
    assert_eq!(config.limits.defaults.0[0].to_string(), "requests=600/minute");
    assert_eq!(warnings.iter().filter(|warning| !warning.message.contains("not built")).count(), 0);
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let (config, warnings) = read("").unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(config.database.url(), "sqlite://llm-gateway.db");
    assert!(config.direct_models && warnings.is_empty());
}

#[test]
fn everything_else_that_can_be_said_is_read() {
    let (config, _) = read(
        r#"
admin_key = "a-key-of-more-than-twenty-letters"
redis = "redis://127.0.0.1:6379"
metrics_listen = "localhost:9090"
direct_models = false
commit_after = "5s"
max_body = "8MiB"
drain = "1m 30s"
on_disconnect = "drain"

[timeouts]
connect = "2s"
idle = "90s"

[journal]
path = "elsewhere"
sync = "250ms"
max_size = "2GiB"

[log]
filter = "debug"
format = "json"

[limits]
tz = "Europe/Berlin"
assume_output = 512
[limits.defaults]
spend = ["5/day", "100/month"]
concurrency = 20

[[issuers]]
issuer = "https://login.example.com/realms/one"
audience = ["gateway", "api://gateway"]
algorithms = ["RS256", "EdDSA"]
leeway = "30s"
user = { claim = "oid", name = "name", create = false, link_email = true }
team = { claim = ["resource_access", "llm.gateway", "team"], default = "everyone" }
organization = { claim = "https://example.com/company", create = true }
role = { claim = "realm_access.roles", map = { boss = "administrator" }, default = "team_administrator" }

[[issuers]]
issuer = "http://127.0.0.1:9000"
jwks_url = "http://localhost:9000/keys?v=1"
audience = "gateway"

[providers.openai]
auth = { header = "api-key" }
version = "2026-10-21"
headers = { x-team = "search" }
forward_headers = ["x-trace"]
timeouts = { total = "10m" }
variables = { region = "eu" }
quirks = { rename = { max_completion_tokens = "max_tokens" }, no_done = true }

[[models]]
name = "one"
strategy = "priority"
commit_after = "1s"
assume_output = 100
deployments = [{ model = "openai:gpt-4o", api_key = "sk-own", price = { input = 3, output = "15", request = "0.01" } }]
"#,
    )
    .unwrap();
    assert_eq!(config.max_body, Size(8 << 20));
    assert_eq!(config.drain, Period::seconds(90));
    assert_eq!(config.on_disconnect, Some(OnDisconnect::Drain));
    assert_eq!(config.journal.sync, Period::millis(250));
    assert_eq!(config.log.format, LogFormat::Json);
    let meters: Vec<_> = config.limits.defaults.0.iter().map(|spec| spec.meter).collect();
    assert_eq!(meters, [LimitMeter::Concurrency, LimitMeter::Spend, LimitMeter::Spend]);
    let timeouts = config.providers["openai"].timeouts.or(config.timeouts).resolve();
    assert_eq!(timeouts.connect, Duration::from_secs(2));
    assert_eq!(timeouts.total, Duration::from_secs(600));
    let [first, second] = &config.issuers[..] else { panic!("two issuers") };
    assert_eq!(first.team.claim.as_ref().unwrap().0, ["resource_access", "llm.gateway", "team"]);
    assert_eq!(first.organization.claim.as_ref().unwrap().0, ["https://example.com/company"]);
    assert_eq!(first.role.as_ref().unwrap().claim.0, ["realm_access", "roles"]);
    assert_eq!((first.audience.0.len(), second.audience.0.len()), (2, 1));
    assert_eq!(second.algorithms.len(), SigningAlgorithm::ALL.len());
    assert!(second.role.is_none() && second.user.create && !second.user.link_email);
    // A million tokens for 3 dollars; one request for a cent.
    let price = &config.models[0].deployments[0].price.as_ref().unwrap().0;
    assert_eq!(price.rate(Meter::Input, 0, None), Some(3_000_000_000));
    assert_eq!(price.rate(Meter::Request, 0, None), Some(10_000_000 * 1_000_000));
}

#[test]
fn a_provider_is_its_row_and_what_differs() {
    let (config, _) =
        read("[providers.openai]\nbase_url = \"http://127.0.0.1:9/v1/\"\nheaders = { x-a = \"b\" }").unwrap();
    let row = config.providers["openai"].over("openai", registry::row("openai")).unwrap();
    assert_eq!(row.base_url.as_deref(), Some("http://127.0.0.1:9/v1"));
    assert_eq!(row.protocol, Protocol::OpenAiChat);
    assert_eq!(row.key_env, ["OPENAI_API_KEY"]);
    assert_eq!(row.headers["x-a"], "b");
}

#[test]
fn a_provider_speaks_what_its_configuration_says() {
    let (config, _) = read(
        "[providers.two]\nprotocol = \"openai-responses\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         also.openai-chat = {}\nalso.anthropic = { base_url = \"/\", auth = { header = \"x-api-key\" } }",
    )
    .unwrap();
    let row = config.providers["two"].over("two", None).unwrap();
    let place = |protocol| row.speaking(protocol).and_then(|row| row.base_url);
    assert_eq!(row.protocol, Protocol::OpenAiResponses);
    assert_eq!(place(Protocol::OpenAiChat).as_deref(), Some("http://127.0.0.1:9/v1"));
    assert_eq!(place(Protocol::Anthropic).as_deref(), Some("http://127.0.0.1:9/"));
}

#[test]
fn every_mistake_is_told_at_once_with_line_and_hint() {
    let told = problems(
        r#"listen = "nowhere"
databse = "sqlite://x.db"
max_body = "much"

[providers.openai]
api_key = "${OPENAI_API_KEYS}"
base_ulr = "http://x"

[[models]]
name = "fast"
strategy = "wieghted"
deployments = [
  { model = "openai:gpt-4o", weigth = 3 },
  { model = "openai:gpt-4o", timeout = "sixty" },
]

[limits.defaults]
requests = "600/fortnight"
requsts = "1/minute"
"#,
    );
    insta::assert_snapshot!(told, @r"
    llm-gateway.toml:1: `listen`: `nowhere` is not an address and port such as `127.0.0.1:4000`
    llm-gateway.toml:2: unknown key `databse`
      hint: did you mean `database`?
    llm-gateway.toml:3: `max_body`: `much` is not a size such as `32MiB`, `1GiB` or `65536`
    llm-gateway.toml:6: the environment variable `OPENAI_API_KEYS` is not set
      hint: set it, or give a default as in `${NAME:-default}`
    llm-gateway.toml:7: unknown key `base_ulr` in `providers.openai`
      hint: did you mean `base_url`?
    llm-gateway.toml:11: unknown value `wieghted` in `models[0].strategy`
      hint: did you mean `weighted`?
    llm-gateway.toml:13: unknown key `weigth` in `models[0].deployments[0]`
      hint: did you mean `weight`?
    llm-gateway.toml:14: `models[0].deployments[1].timeout`: `sixty` is not a length of time such as `60s`, `500ms` or `1m 30s`
    llm-gateway.toml:18: unknown window `fortnight` in `limits.defaults.requests`
      hint: it is one of `minute`, `hour`, `24h`, `day`, `week`, `month`, `total`
    llm-gateway.toml:19: unknown meter `requsts` in `limits.defaults`
      hint: did you mean `requests`?
    ");
}

#[test]
fn what_refers_to_nothing_is_told() {
    let told = problems(
        r#"
[providers.mine]
base_url = "ftp://host"

[providers.opnai]
api_key = "x"

[providers."a b"]
protocol = "openai-chat"
base_url = "http://host/v1"

[providers.other]
protocol = "openai-chat"
base_url = "http://user:word@host/v1"
forward_headers = ["Authorization"]

[[models]]
name = "fast"
fallbacks = ["slwo", "opena:gpt-4o", "openai:gpt-4o"]
deployments = [{ model = "opneai:gpt-4o" }, { model = "gpt-4o" }]

[[models]]
name = "slow"
deployments = []

[[models]]
name = "fast"
deployments = [{ model = "openai:gpt-4o", weight = 0 }]
"#,
    );
    insta::assert_snapshot!(told, @r"
    llm-gateway.toml:2: the provider `mine` is not a known one, and has no `protocol`
      hint: a new provider needs `protocol` and `base_url`
    llm-gateway.toml:5: the provider `opnai` is not a known one, and has no `protocol` and no `base_url`
      hint: did you mean `openai`?
    llm-gateway.toml:8: `a b` can't be a provider's id
      hint: use letters, digits, `-`, `_` and `.`
    llm-gateway.toml:14: `base_url` can't hold a credential; use `api_key`
    llm-gateway.toml:15: `Authorization` carries the caller's credential to this gateway and is never passed on
    llm-gateway.toml:19: the fallback `slwo` is not a model
      hint: did you mean `slow`?
    llm-gateway.toml:19: there is no provider `opena`
      hint: did you mean `openai`?
    llm-gateway.toml:20: there is no provider `opneai`
      hint: did you mean `opnai`?
    llm-gateway.toml:20: `gpt-4o` is not a `provider:model`
    llm-gateway.toml:24: the model `slow` has no deployment
    llm-gateway.toml:27: the model `fast` stands on line 18 already
    llm-gateway.toml:28: every deployment of `fast` has the weight 0, so none would be chosen
    ");
}

#[test]
fn names_may_fall_back_to_each_other_but_not_to_themselves() {
    let model = |name: &str, fallback: &str| {
        format!(
            "[[models]]\nname = \"{name}\"\nfallbacks = [\"{fallback}\"]\ndeployments = [{{ model = \"openai:x\" }}]\n"
        )
    };
    let told = problems(&[model("a", "b"), model("b", "a"), model("c", "c")].concat());
    insta::assert_snapshot!(told, @"llm-gateway.toml:11: `c` falls back to itself");
}

#[test]
fn a_deployment_may_have_an_account_and_a_place_of_its_own() {
    let text = |place: &str| {
        format!(
            "[[models]]\nname = \"a\"\ndeployments = [{{ model = \"azure:x\", api_key = \"k\", base_url = \"{place}\", \
             variables = {{ api_version = \"v\" }}, headers = {{ x-team = \"t\" }} }}]\n"
        )
    };
    let (config, _) = read(&text("https://a.openai.azure.com")).unwrap();
    let deployment = &config.models[0].deployments[0];
    assert!(deployment.is_account_of_its_own());
    assert_eq!(deployment.variables["api_version"], "v");
    assert_eq!(
        problems(&text("here")),
        "llm-gateway.toml:3: `base_url` must begin with `http://` or `https://` and a host"
    );
}

#[test]
fn syntax_is_told_by_line() {
    insta::assert_snapshot!(problems("listen = \"127.0.0.1:4000\"\ndatabase = sqlite\n[[models]\n"), @r"
    llm-gateway.toml:2: string values must be quoted, expected literal string
    llm-gateway.toml:3: unclosed array table, expected `]`
    ");
}

#[test]
fn an_unset_variable_is_one_mistake_and_not_two() {
    let told = problems("[providers.openai]\nbase_url = \"${NO_SUCH}/v1\"\n");
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.starts_with("llm-gateway.toml:2: the environment variable `NO_SUCH` is not set\n  hint: "), "{told}");
}

#[test]
fn variables_are_filled_in() {
    let env = |name: &str| (name == "SET").then(|| "value".to_owned());
    let fill = |text: &str| interpolate::interpolate(text, &env);
    assert_eq!(fill("a ${SET} b").unwrap(), "a value b");
    assert_eq!(fill("${UNSET:-else}").unwrap(), "else");
    assert_eq!(fill("${SET:-else}").unwrap(), "value");
    assert_eq!(fill("cost: $5, $${SET}").unwrap(), "cost: $5, ${SET}");
    assert_eq!(fill("${UNSET}").unwrap_err().to_string(), "the environment variable `UNSET` is not set");
    assert!(fill("${SET").is_err() && fill("${}").is_err() && fill("${a b}").is_err());
}

#[test]
fn what_a_variable_holds_is_never_looked_into() {
    let env = |_: &str| Some("${OTHER} $$".to_owned());
    assert_eq!(interpolate::interpolate("${A}", &env).unwrap(), "${OTHER} $$");
}

#[test]
fn secrets_do_not_print() {
    let (config, _) = read("admin_key = \"hunter2hunter2\"\nredis = \"redis://:hunter2@h\"\n[providers.openai]\napi_key = \"hunter2\"\nheaders = { x = \"hunter2\" }").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!problems("[providers.openai]\napi_key = 13371337").contains("13371337"));
    assert!(!problems("database = \"mysql://u:hunter2@h\"").contains("hunter2"));
}

#[test]
fn unbuilt_parts_are_warned_about() {
    let (_, warnings) = read("metrics_listen = \"127.0.0.1:9\"").unwrap();
    let told: Vec<String> = warnings.iter().map(Problem::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @"llm-gateway.toml:1: `metrics_listen` is not built yet");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndatabase = \"sqlite://file.db\"").unwrap();
    let path = file.display().to_string();
    let env = move |name: &str| match name {
        env::CONFIG => Some(path.clone()),
        env::LISTEN => Some("127.0.0.1:2".to_owned()),
        env::DATABASE => Some("sqlite://env.db".to_owned()),
        env::ADMIN_KEY => Some("from the environment".to_owned()),
        _ => None,
    };
    let flags = Overrides { listen: Some("127.0.0.1:3".to_owned()), ..Overrides::default() };
    let loaded = Config::load(&flags, &env).unwrap();
    assert_eq!(loaded.config.listen.to_string(), "127.0.0.1:3");
    assert_eq!(loaded.config.database.url(), "sqlite://env.db");
    assert_eq!(loaded.config.admin_key.unwrap().expose(), "from the environment");
    assert_eq!(loaded.file, Some(file));

    let wrong = Overrides { listen: Some("x".to_owned()), ..Overrides::default() };
    let told = Config::load(&wrong, &env).unwrap_err().to_string();
    assert_eq!(told, "`--listen`: `x` is not an address and port such as `127.0.0.1:4000`");
}

#[test]
fn sizes_and_periods_are_written_as_they_are_read() {
    for text in ["32MiB", "1GiB", "3KiB", "1000B"] {
        assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
    }
    assert_eq!("2MB".parse::<Size>().unwrap(), Size(2_000_000));
    assert!("-1".parse::<Size>().is_err() && "99999999999GiB".parse::<Size>().is_err());
    assert_eq!("1m 30s".parse::<Period>().unwrap().to_string(), "1m 30s");
    assert!("-5s".parse::<Period>().is_err() && "5".parse::<Period>().is_err());
}

#[test]
fn loopback_is_told_from_the_rest() {
    let is_loopback = |text: &str| text.parse::<Listen>().unwrap().is_loopback();
    assert!(is_loopback("127.0.0.1:1") && is_loopback("[::1]:1") && is_loopback("localhost:1"));
    assert!(is_loopback("[::ffff:127.0.0.1]:1"));
    assert!(!is_loopback("0.0.0.0:1") && !is_loopback("[::]:1") && !is_loopback("192.168.0.1:1"));
}

#[test]
fn an_issuer_whose_tokens_could_not_be_trusted_stops_the_start() {
    let issuer =
        |more: &str| problems(&format!("[[issuers]]\nissuer = \"https://a.example\"\naudience = \"g\"\n{more}"));
    let cases = [
        ("algorithms = [\"HS256\"]", "HS256"),
        ("algorithms = [\"none\"]", "none"),
        ("algorithms = []", "`algorithms` is empty"),
        ("leeway = \"1h\"", "at most 10 minutes"),
        ("refresh = \"1ms\"", "a second or more"),
        ("jwks_url = \"http://a.example/keys\"", "`jwks_url` must begin with `https://`"),
        ("role = { claim = \"roles\" }", "missing key `map`"),
        ("role = { claim = \"roles\", map = {} }", "needs a `map`"),
        ("role = { claim = \"roles\", map = { a = \"admin\" } }", "admin"),
        ("role = { claim = \"\", map = { a = \"member\" } }", "`role.claim` does not name a claim"),
        ("role = { claim = \"a\", map = { a = \"member\" }, default = \"administrator\" }", "can't be `administrator`"),
        ("team = { create = true }", "needs a `claim`"),
        ("organization = { claim = \"company\" }", "`organization` without `team`"),
        ("user = { claim = \"a..b\" }", "`user.claim` does not name a claim"),
        ("secret = \"x\"", "unknown key `secret`"),
    ];
    for (more, why) in cases {
        let said = issuer(more);
        assert!(said.starts_with("llm-gateway.toml:4: ") && said.contains(why), "{more}: {said}");
    }
    assert_eq!(issuer(""), "nothing");
    for (url, why) in [
        ("http://a.example", "must begin with `https://`"),
        ("https://user:pass@a.example", "can't hold a credential"),
        ("https://a.example?tenant=1", "can't have a query"),
        ("https://a.example#x", "can't have a fragment"),
        ("a.example", "is not a URL"),
    ] {
        let said = problems(&format!("[[issuers]]\nissuer = \"{url}\"\naudience = \"g\""));
        assert!(said.contains(why), "{url}: {said}");
    }
    let no_audience = "[[issuers]]\nissuer = \"https://a.example\"";
    assert!(problems(no_audience).contains("an issuer needs an `audience`"));
    let twice = format!("{no_audience}\naudience = \"g\"\n").repeat(2);
    assert!(problems(&twice).contains("stands on line 2 already"), "{}", problems(&twice));
}

#[test]
fn a_login_that_could_not_work_stops_the_start() {
    let of = |listen: &str, login: &str| {
        problems(&format!("listen = \"{listen}\"\n[[issuers]]\nissuer = \"https://a.example\"\n[login]\n{login}"))
    };
    let good = "issuer = \"https://a.example\"\nclient_id = \"c\"\n";
    assert_eq!(of("127.0.0.1:4000", good), "nothing");
    assert!(of("0.0.0.0:4000", good).contains("`login` needs `url`"));
    let cases = [
        ("issuer = \"https://a.example/\"\nclient_id = \"c\"", "there is no issuer `https://a.example/`"),
        ("issuer = \"https://a.example\"", "missing key `client_id`"),
        ("issuer = \"https://a.example\"\nclient_id = \"\"", "can't be empty"),
        (&format!("{good}scopes = [\"email\"]"), "must hold `openid`"),
        (&format!("{good}session = \"1s\""), "from a minute to 30 days"),
        (&format!("{good}url = \"http://gateway.example\""), "must begin with `https://`"),
        (&format!("{good}url = \"https://gateway.example/llm\""), "can't have a path"),
    ];
    for (login, why) in cases {
        let said = of("127.0.0.1:4000", login);
        assert!(said.contains(why), "{login}: {said}");
    }
}

#[test]
fn the_configurations_of_the_guides_are_read() {
    let guides = [include_str!("../../../../docs/gateway.md"), include_str!("../../../../docs/login.md")].concat();
    let blocks = guides.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let read: Vec<_> = blocks.map(|block| read(block).unwrap_or_else(|wrong| panic!("{wrong}\n{block}"))).collect();
    assert!(!read.is_empty());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*") {
        let _ = read(&text);
        let _ = interpolate::interpolate(&text, &|_| None);
    }

    /// Whatever a file looks like while it is being written, each mistake has a line of it.
    #[test]
    fn a_file_that_is_cut_anywhere_is_read_or_told_by_line(cut in 0usize..WHOLE.len(), rest in "[a-z=\\[\\]{}\"$, \n]{0,8}") {
        let cut = (0..=cut).rev().find(|&at| WHOLE.is_char_boundary(at)).unwrap_or(0);
        let text = format!("{}{rest}", &WHOLE[..cut]);
        if let Err(Problems(problems)) = read(&text) {
            for problem in problems {
                let line = problem.line.unwrap();
                proptest::prop_assert!(line >= 1 && line <= text.matches('\n').count() + 1, "{problem}");
            }
        }
    }
}

const WHOLE: &str = r#"listen = "127.0.0.1:4000"
[providers.openai]
api_key = "${OPENAI_API_KEY}"
headers = { x-a = "b" }
[[models]]
name = "fast"
fallbacks = ["openai:gpt-4o"]
deployments = [
  { model = "openai:gpt-4o-mini", weight = 3, timeout = "60s", price = { input = "0.15" } },
]
[limits.defaults]
requests = ["600/minute", "5000/day"]
"#;
