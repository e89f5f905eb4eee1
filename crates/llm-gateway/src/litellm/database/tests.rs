use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{ErrorKind, NanoUsd};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::super::{Finding, Outcome};
use super::*;
use crate::config::{Config, Secret};
use crate::keys::{Keys, TeamId};
use crate::limits::{Estimate, Scope, ScopeKind, Subject};
use crate::store::{UsageFilter, UsageGroup, usage};
use crate::{Gateway, testing};

/// LiteLLM's database with its rows, and a gateway's folder.
struct Case {
    folder: TempDir,
    litellm: String,
    config: Config,
}

impl Case {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let litellm = testing::postgres(&folder.path().join("litellm.db"));
        let case = Self { config: config(&folder), folder, litellm };
        case.run(include_str!("tests.sql")).await;
        case
    }

    /// Runs statements in LiteLLM's database.
    async fn run(&self, sql: &'static str) {
        let mut connection = PgConnection::connect(&self.litellm).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn import(&self, dry_run: bool) -> Report {
        let mut report = Report::default();
        let text = "model_list: [{model_name: fast, litellm_params: {model: openai/gpt-4o, api_key: k}, \
                    model_info: {access_groups: [cheap]}}]";
        let plan = Plan::read(text, &mut Report::default()).unwrap();
        let db = Db::open(self.config.database.url()).await.unwrap();
        import(&self.litellm, &db, &plan, dry_run, &mut report).await.unwrap();
        db.close().await;
        report
    }

    async fn gateway(&self) -> Arc<Gateway> {
        Gateway::open(config(&self.folder)).await.unwrap()
    }
}

fn config(folder: &TempDir) -> Config {
    let text = "[providers.openai]\napi_key = \"k\"\n[[models]]\nname = \"fast\"\ndeployments = [{ model = \"openai:gpt-4o\" }]";
    let (mut config, _) = Config::parse("test.toml", text, &|_| None).unwrap();
    testing::settle(&mut config, folder.path());
    config.admin_key = Some(Secret::new("the-key-of-the-administrator"));
    config
}

fn said(report: &Report, outcome: Outcome) -> Vec<String> {
    let of = |(finding, times): (&Finding, usize)| {
        (finding.outcome == outcome).then(|| format!("{} | {} | {times}", finding.place, finding.reason))
    };
    report.findings().filter_map(of).collect()
}

fn limits(keys: &Keys, scope: &Scope) -> Vec<String> {
    let mut texts: Vec<String> = keys
        .limits_of(scope)
        .iter()
        .map(|limit| match &limit.spec.models[..] {
            [] => limit.spec.to_string(),
            [model, ..] => format!("{} {}", model.as_str(), limit.spec),
        })
        .collect();
    texts.sort();
    texts
}

fn spend(dollars: &str) -> Estimate {
    Estimate { spend: Some(dollars.parse::<NanoUsd>().unwrap()), ..Estimate::default() }
}

#[tokio::test]
async fn issued_keys_go_on_working_with_what_they_had() {
    let case = Case::new().await;
    case.import(false).await;
    let gateway = case.gateway().await;
    let keys = gateway.keys();
    let now = Timestamp::now();
    let key = keys.authenticate("sk-issued-by-litellm-1", now).unwrap();
    assert_eq!((key.name.as_str(), key.prefix.as_str()), ("search-prod", "sk-...lm-1"));
    let team = key.team.as_ref().unwrap();
    assert_eq!((team.id.as_str(), team.name.as_str()), ("team-1", "Search"));
    assert_eq!(team.organization.as_ref().unwrap().id.as_str(), "org-1");
    assert_eq!(key.user.as_ref().unwrap().email.as_deref(), Some("ada@example.org"));
    assert_eq!(key.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["prod"]);
    assert_eq!(serde_json::to_string(&key.metadata).unwrap(), r#"{"owner":"x"}"#);
    assert!(key.models.is_none(), "`all-team-models` leaves it to the team");
    assert!(key.allows("fast", "openai:gpt-4o") && key.allows("openai/o3", "openai:o3"));
    assert!(!key.allows("anthropic:claude", "anthropic:claude"));
    assert_eq!(limits(keys, &key.scope()), ["gpt-4o spend=3.5/month", "requests=60/minute", "spend=10/day"]);
    assert_eq!(limits(keys, &team.scope()), ["spend=100/month", "tokens=100000/minute"]);
    let before = keys.authenticate("sk-before-rotation", now).unwrap();
    assert_eq!(before.id, key.id);

    let kind = |secret| keys.authenticate(secret, now).unwrap_err().kind();
    assert_eq!(kind("sk-blocked"), ErrorKind::KeyBlocked);
    assert_eq!(kind("sk-info-only"), ErrorKind::KeyBlocked, "what was narrower there must not be wider here");
    assert_eq!(kind("sk-session"), ErrorKind::InvalidApiKey);
    assert_eq!(kind("not-a-hash"), ErrorKind::InvalidApiKey);

    let bobs = keys.authenticate("sk-issued-by-litellm-2", now).unwrap();
    assert!(!bobs.allows("fast", "openai:gpt-4o"), "`no-default-models` of a user without a team");
    assert_eq!(limits(keys, &bobs.scope()), ["spend=5/total"]);
    assert!(keys.team(&TeamId::new("team-2")).unwrap().blocked, "its guards are not here");
    assert_eq!(limits(keys, &Scope::new(ScopeKind::EndUser, "customer-7")), ["requests=10/minute", "spend=0.5/day"]);
    assert_eq!(limits(keys, &Scope::new(ScopeKind::EndUser, "banned")), ["requests=0/total"]);
    gateway.close(std::time::Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn budgets_bind_with_what_was_spent_before() {
    let case = Case::new().await;
    case.import(false).await;
    let gateway = case.gateway().await;
    let now = Timestamp::now();
    let reserve = |secret: &str, dollars: &str| {
        let key = gateway.keys().authenticate(secret, now).unwrap();
        let team = key.team.as_ref().map(|team| team.id.to_string());
        let subject = Subject { key: key.id.as_str(), team: team.as_deref(), models: &["fast"], ..Subject::default() };
        let reserved = gateway.ledger().reserve(now.as_millisecond(), &subject, &spend(dollars));
        reserved.map(|reservation| reservation.cancel()).is_ok()
    };
    // 10 a day, 9.75 of which are gone.
    assert!(!reserve("sk-issued-by-litellm-1", "0.26"));
    assert!(reserve("sk-issued-by-litellm-1", "0.24"));
    // Its window ended yesterday.
    assert!(reserve("sk-of-last-month", "1.9"));
    let status = gateway.ledger().statuses(now.as_millisecond(), &Scope::new(ScopeKind::Team, "team-1"));
    assert!(status.iter().any(|status| status.used == 40_250_000_000), "{status:?}");
    gateway.close(std::time::Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn history_is_counted_once_however_often_it_is_told() {
    let case = Case::new().await;
    case.import(false).await;
    let sums = async || {
        let db = Db::open(case.config.database.url()).await.unwrap();
        let groups = [UsageGroup::Day, UsageGroup::Team, UsageGroup::Model, UsageGroup::Provider, UsageGroup::Tag];
        let rows = usage(&db, &groups, &UsageFilter::default()).await.unwrap();
        db.close().await;
        let row = |row: &crate::store::UsageRow| {
            let group: Vec<&str> = row.group.iter().map(|(_, value)| value.as_deref().unwrap_or("-")).collect();
            format!(
                "{} {} {} {} {} {}",
                group.join(" "),
                row.calls,
                row.errors,
                row.input_tokens,
                row.output_tokens,
                row.cost_usd
            )
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let first = sums().await;
    assert_eq!(
        first,
        [
            "2026-01-15 team-1 fast azure - 12 2 1000 500 7.25",
            "2026-03-01 team-1 fast azure prod 3 1 31 11 0.3",
            "2026-03-02 - together_ai/x together - 1 0 3 4 0.00000015",
        ]
    );
    let again = case.import(false).await;
    assert_eq!(sums().await, first);
    assert!(said(&again, Outcome::Carried).iter().any(|line| line.contains("taken over before")));

    // LiteLLM went on for a while, and then cut its log off.
    case.run(
        "INSERT INTO \"LiteLLM_SpendLogs\" (request_id, api_key, spend, prompt_tokens, completion_tokens, \"startTime\", model, \
         model_group, custom_llm_provider, \"user\", request_tags, team_id, status) SELECT 'r9', api_key, 0.05, 1, 1, \
         \"startTime\", model, model_group, custom_llm_provider, \"user\", request_tags, team_id, status \
         FROM \"LiteLLM_SpendLogs\" WHERE request_id = 'r1'; \
         UPDATE \"LiteLLM_DailyUserSpend\" SET spend = 0.35, api_requests = 4, prompt_tokens = 32, completion_tokens = 12 \
         WHERE id = 'd1'; \
         UPDATE \"LiteLLM_VerificationToken\" SET spend = 9.95 WHERE key_alias = 'search-prod';",
    )
    .await;
    case.import(false).await;
    let later = sums().await;
    assert_eq!(later[1], "2026-03-01 team-1 fast azure prod 4 1 32 12 0.35");
    case.run("DELETE FROM \"LiteLLM_SpendLogs\"").await;
    case.import(false).await;
    assert_eq!(sums().await, later);

    let gateway = case.gateway().await;
    let key = gateway.keys().authenticate("sk-issued-by-litellm-1", Timestamp::now()).unwrap();
    let statuses = gateway.ledger().statuses(Timestamp::now().as_millisecond(), &key.scope());
    assert!(statuses.iter().any(|status| status.used == 9_950_000_000), "{statuses:?}");
    gateway.close(std::time::Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_runs_takes_notice_of_keys_and_of_what_they_have_spent() {
    let case = Case::new().await;
    let gateway = case.gateway().await;
    assert!(gateway.keys().authenticate("sk-issued-by-litellm-1", Timestamp::now()).is_err());
    case.import(false).await;
    gateway.keys().refresh().await.unwrap();
    let now = Timestamp::now();
    let key = gateway.keys().authenticate("sk-issued-by-litellm-1", now).unwrap();
    let statuses = gateway.ledger().statuses(now.as_millisecond(), &key.scope());
    assert!(statuses.iter().any(|status| status.used == 9_750_000_000), "{statuses:?}");

    // What was deleted here stays deleted.
    gateway.keys().delete(&key.id).await.unwrap();
    case.import(false).await;
    gateway.keys().refresh().await.unwrap();
    assert!(gateway.keys().authenticate("sk-issued-by-litellm-1", now).is_err());
    gateway.close(std::time::Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let case = Case::new().await;
    let dry = case.import(true).await;
    let gateway = case.gateway().await;
    assert!(gateway.keys().is_empty());
    gateway.close(std::time::Duration::from_secs(5)).await.unwrap();
    let wet = case.import(false).await;
    for outcome in [Outcome::Carried, Outcome::Mapped, Outcome::Ignored, Outcome::Refused] {
        assert_eq!(said(&dry, outcome), said(&wet, outcome));
    }
    insta::assert_snapshot!(said(&wet, Outcome::Refused).join("\n"));
    insta::assert_snapshot!(said(&wet, Outcome::Mapped).join("\n"));
}
