use std::time::Duration;

use jiff::ToSpan;
use llm_core::NanoUsd;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::{Config, Secret};
use crate::limits::{Estimate, LimitDraft, ScopeKind, Subject};
use crate::store::query;
use crate::testing;

mod tenants;

struct Setup {
    folder: TempDir,
    keys: Arc<Keys>,
    ledger: Ledger,
}

impl Setup {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (keys, ledger) = open(&folder, config).await;
        Self { folder, keys, ledger }
    }

    /// A second process on the same database.
    async fn second(&self) -> (Arc<Keys>, Ledger) {
        open(&self.folder, "").await
    }

    async fn create(&self, draft: serde_json::Value) -> Result<NewKey> {
        self.keys.create(serde_json::from_value(draft).unwrap()).await
    }
}

async fn open(folder: &TempDir, config: &str) -> (Arc<Keys>, Ledger) {
    let (config, _) = Config::parse("test.toml", config, &|_| None).unwrap();
    let db = Db::open(&testing::url(&folder.path().join("g.db"))).await.unwrap();
    let ledger = Ledger::new();
    (Arc::new(Keys::open(db, ledger.clone(), &config.limits).await.unwrap()), ledger)
}

fn limits_of(ledger: &Ledger, key: &VirtualKey) -> Vec<String> {
    ledger.statuses(0, &key.scope()).iter().map(|status| status.limit.spec.to_string()).collect()
}

#[tokio::test]
async fn a_key_opens_until_it_is_blocked_expired_or_deleted() {
    let setup = Setup::new().await;
    let now = Timestamp::now();
    let made = setup.create(json!({"name": "ci", "expires_at": now + 1.hour()})).await.unwrap();
    let secret = made.secret.expose();
    assert!(secret.starts_with(&made.key.prefix) && made.key.prefix.len() == 7);

    assert_eq!(setup.keys.authenticate(secret, now).unwrap().id, made.key.id);
    let kind = |secret: &str, now| setup.keys.authenticate(secret, now).unwrap_err().kind();
    assert_eq!(kind(secret, now + 1.hour()), ErrorKind::KeyExpired);
    assert_eq!(kind("sk-nobody", now), ErrorKind::InvalidApiKey);
    assert_eq!(kind(&secret[..secret.len() - 1], now), ErrorKind::InvalidApiKey);
    assert_eq!(kind(&"s".repeat(100_000), now), ErrorKind::InvalidApiKey);

    let blocked = |blocked| KeyPatch { blocked: Some(blocked), ..KeyPatch::default() };
    setup.keys.patch(&made.key.id, blocked(true)).await.unwrap();
    assert_eq!(kind(secret, now), ErrorKind::KeyBlocked);
    setup.keys.patch(&made.key.id, blocked(false)).await.unwrap();
    assert!(setup.keys.authenticate(secret, now).is_ok());

    setup.keys.delete(&made.key.id).await.unwrap();
    assert_eq!(kind(secret, now), ErrorKind::InvalidApiKey);
    assert_eq!(setup.keys.delete(&made.key.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn everything_said_of_a_key_survives_a_restart() {
    let setup = Setup::new().await;
    let team = setup.keys.create_team(TeamDraft { name: "search".to_owned(), ..TeamDraft::default() }).await.unwrap();
    let made = setup
        .create(json!({
            "name": "ci", "team": "search", "models": ["openai:*", "fast"], "expires_at": "2099-01-01T00:00:00Z",
            "limits": [{"meter": "spend", "window": "month", "amount": "25.00"}, {"meter": "requests", "window": "minute", "amount": 60}],
            "tags": ["batch"], "metadata": {"owner": "me"},
        }))
        .await
        .unwrap();
    let (keys, ledger) = setup.second().await;
    let key = keys.authenticate(made.secret.expose(), Timestamp::now()).unwrap();
    assert_eq!(key, made.key);
    assert_eq!(key.team.as_ref().unwrap().id, team.id);
    assert_eq!(limits_of(&ledger, &key), ["spend=25/month", "requests=60/minute"]);
    assert!(!format!("{made:?}").contains(made.secret.expose()));
}

#[tokio::test]
async fn what_another_process_changes_is_in_force_after_a_refresh() {
    let setup = Setup::new().await;
    let (other, ledger) = setup.second().await;
    let now = Timestamp::now();

    let made = setup
        .create(json!({"name": "a", "limits": [{"meter": "requests", "window": "minute", "amount": 1}]}))
        .await
        .unwrap();
    let secret = made.secret.expose();
    assert!(other.authenticate(secret, now).is_err());
    other.refresh().await.unwrap();
    assert!(other.authenticate(secret, now).is_ok());
    assert_eq!(limits_of(&ledger, &made.key), ["requests=1/minute"]);

    setup.keys.patch(&made.key.id, KeyPatch { blocked: Some(true), ..KeyPatch::default() }).await.unwrap();
    other.refresh().await.unwrap();
    assert_eq!(other.authenticate(secret, now).unwrap_err().kind(), ErrorKind::KeyBlocked);

    setup.keys.delete(&made.key.id).await.unwrap();
    other.refresh().await.unwrap();
    assert_eq!(other.authenticate(secret, now).unwrap_err().kind(), ErrorKind::InvalidApiKey);
    assert!(ledger.is_empty());
}

#[tokio::test]
async fn a_process_that_missed_too_much_reads_everything_anew() {
    let setup = Setup::new().await;
    let (other, ledger) = setup.second().await;
    let gone = setup.create(json!({"name": "gone", "limits": [{"meter": "concurrency", "amount": 1}]})).await.unwrap();
    other.refresh().await.unwrap();
    assert!(!ledger.is_empty());
    setup.keys.delete(&gone.key.id).await.unwrap();
    let kept = setup.create(json!({"name": "kept"})).await.unwrap();
    // The process slept for so long that what it has not read yet is no longer there.
    query("DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)").execute(setup.keys.db()).await.unwrap();
    other.refresh().await.unwrap();
    let now = Timestamp::now();
    assert!(other.authenticate(gone.secret.expose(), now).is_err() && ledger.is_empty());
    assert!(other.authenticate(kept.secret.expose(), now).is_ok());
}

#[tokio::test]
async fn a_change_elsewhere_is_noticed_within_a_second() {
    let setup = Setup::new().await;
    let (other, _) = setup.second().await;
    let made = setup.create(json!({"name": "a"})).await.unwrap();
    other.watch();
    let noticed = async {
        while other.authenticate(made.secret.expose(), Timestamp::now()).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), noticed).await.unwrap();
}

#[tokio::test]
async fn keys_without_limits_are_under_those_of_the_configuration() {
    let setup = Setup::with("[limits.defaults]\nrequests = \"600/minute\"\nspend = \"5/day\"").await;
    let plain = setup.create(json!({"name": "plain"})).await.unwrap().key;
    let free = setup.create(json!({"name": "free", "limits": []})).await.unwrap().key;
    let own =
        setup.create(json!({"name": "own", "limits": [{"meter": "concurrency", "amount": 2}]})).await.unwrap().key;
    let mut defaults = limits_of(&setup.ledger, &plain);
    defaults.sort();
    assert_eq!(defaults, ["requests=600/minute", "spend=5/day"]);
    assert!(limits_of(&setup.ledger, &free).is_empty());
    assert_eq!(limits_of(&setup.ledger, &own), ["concurrency=2"]);

    let patch: KeyPatch = serde_json::from_value(json!({"limits": null})).unwrap();
    setup.keys.patch(&own.id, patch).await.unwrap();
    assert_eq!(limits_of(&setup.ledger, &own).len(), 2);
    let patch: KeyPatch = serde_json::from_value(json!({"limits": []})).unwrap();
    setup.keys.patch(&own.id, patch).await.unwrap();
    assert!(limits_of(&setup.ledger, &own).is_empty());
}

#[tokio::test]
async fn a_raised_budget_does_not_forget_what_was_spent() {
    let setup = Setup::new().await;
    let budget = |amount: &str| json!([{"meter": "spend", "window": "total", "amount": amount}]);
    let key = setup.create(json!({"name": "a", "limits": budget("1")})).await.unwrap().key;
    let subject = Subject { key: key.id.as_str(), ..Subject::default() };
    let dollar = Estimate { spend: Some(NanoUsd(1_000_000_000)), ..Estimate::default() };
    let held = setup.ledger.reserve(0, &subject, &dollar).unwrap();
    assert!(setup.ledger.reserve(0, &subject, &dollar).is_err());

    let patch: KeyPatch = serde_json::from_value(json!({"limits": budget("1.50")})).unwrap();
    setup.keys.patch(&key.id, patch).await.unwrap();
    let [status] = &setup.ledger.statuses(0, &key.scope())[..] else { panic!("one limit") };
    assert_eq!((status.reserved, status.remaining), (1_000_000_000, 500_000_000));
    drop(held);
}

#[tokio::test]
async fn a_new_secret_leaves_the_old_one_its_grace() {
    let setup = Setup::new().await;
    let old = setup.create(json!({"name": "a"})).await.unwrap();
    let new = setup.keys.rotate(&old.key.id, Duration::from_secs(3600)).await.unwrap();
    assert_ne!(old.secret.expose(), new.secret.expose());
    let now = Timestamp::now();
    let opens = |secret: &Secret, now| setup.keys.authenticate(secret.expose(), now).is_ok();
    assert!(opens(&old.secret, now) && opens(&new.secret, now));
    assert!(!opens(&old.secret, now + 2.hours()) && opens(&new.secret, now + 2.hours()));
    assert!(new.secret.expose().starts_with(&setup.keys.get(&old.key.id).unwrap().prefix));

    let newest = setup.keys.rotate(&old.key.id, Duration::ZERO).await.unwrap();
    let now = Timestamp::now();
    assert!(!opens(&old.secret, now) && !opens(&new.secret, now) && opens(&newest.secret, now));
}

#[tokio::test]
async fn lists_of_models_only_narrow() {
    let setup = Setup::new().await;
    let team = |name: &str, models: &[&str]| TeamDraft {
        name: name.to_owned(),
        models: Some(models.iter().map(|pattern| (*pattern).into()).collect()),
        ..TeamDraft::default()
    };
    setup.keys.create_team(team("search", &["openai:*"])).await.unwrap();
    let key = setup.create(json!({"name": "a", "team": "search", "models": ["*-mini", "fast"]})).await.unwrap().key;
    assert!(key.allows("openai:gpt-4o-mini", "openai:gpt-4o-mini"));
    assert!(!key.allows("openai:gpt-4o", "openai:gpt-4o") && !key.allows("other-mini", "other:x-mini"));
    // The key's list admits the name, and the team's only one of the deployments behind it.
    assert!(key.allows("fast", "openai:gpt-4o") && !key.allows("fast", "other:m"));
    let all = setup.create(json!({"name": "b"})).await.unwrap().key;
    assert!(all.allows("anything", "x:y"));
}

#[tokio::test]
async fn keys_follow_a_change_of_their_team() {
    let setup = Setup::new().await;
    setup.keys.create_team(TeamDraft { name: "search".to_owned(), ..TeamDraft::default() }).await.unwrap();
    let made = setup.create(json!({"name": "a", "team": "search"})).await.unwrap();
    query("UPDATE teams SET models = '[\"fast\"]'").execute(setup.keys.db()).await.unwrap();
    setup.keys.refresh().await.unwrap();
    let key = setup.keys.authenticate(made.secret.expose(), Timestamp::now()).unwrap();
    assert!(key.allows("fast", "x:y") && !key.allows("slow", "x:y"));
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let setup = Setup::new().await;
    setup.keys.create_team(TeamDraft { name: "search".to_owned(), ..TeamDraft::default() }).await.unwrap();
    let refused = |draft: serde_json::Value| {
        let setup = &setup;
        async move {
            let error = setup.create(draft).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            (error.param().unwrap_or_default().to_owned(), error.hint().map(str::to_owned))
        }
    };
    assert_eq!(refused(json!({"name": " "})).await.0, "name");
    assert_eq!(refused(json!({"name": "a\nb"})).await.0, "name");
    assert_eq!(refused(json!({"name": "a", "models": []})).await.0, "models");
    assert_eq!(refused(json!({"name": "a", "tags": [""]})).await.0, "tags");
    assert_eq!(refused(json!({"name": "a", "metadata": {"x": "y".repeat(20_000)}})).await.0, "metadata");
    let (param, hint) = refused(json!({"name": "a", "team": "serach"})).await;
    assert_eq!((param.as_str(), hint.as_deref()), ("team", Some("did you mean `search`?")));
    assert!(setup.keys.is_empty());

    let again = setup.keys.create_team(TeamDraft { name: "search".to_owned(), ..TeamDraft::default() }).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict);
    for kind in [ScopeKind::Key, ScopeKind::Team, ScopeKind::User, ScopeKind::Organization] {
        let draft = LimitDraft { scope: Scope::new(kind, "nothing"), spec: "requests=1/minute".parse().unwrap() };
        assert_eq!(setup.keys.create_limit(draft).await.unwrap_err().kind(), ErrorKind::NotFound, "{kind}");
    }
}

#[tokio::test]
async fn text_is_never_sql() {
    let setup = Setup::new().await;
    let nasty = "'; DROP TABLE keys; --";
    let made = setup.create(json!({"name": nasty, "tags": [nasty], "metadata": {nasty: nasty}})).await.unwrap();
    assert_eq!(made.key.name, nasty);
    assert!(setup.keys.authenticate(nasty, Timestamp::now()).is_err());
    assert_eq!(setup.keys.delete(&KeyId::new(nasty)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(setup.second().await.0.get(&made.key.id).is_some());
}

#[tokio::test]
async fn lists_come_newest_first_and_in_pages() {
    let setup = Setup::new().await;
    for name in ["a", "b", "c"] {
        setup.create(json!({"name": name})).await.unwrap();
    }
    let names = |keys: &[Arc<VirtualKey>]| keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>().concat();
    let page = setup.keys.list(None, 2, |_| true);
    assert_eq!(names(&page), "cb");
    assert_eq!(names(&setup.keys.list(Some(&page[1].id), 2, |_| true)), "a");
}

#[tokio::test]
async fn the_database_never_sees_a_secret() {
    let setup = Setup::new().await;
    let made = setup.create(json!({"name": "a"})).await.unwrap();
    let db = setup.keys.db();
    if let Db::Postgres(_) = db {
        let (all,): (String,) = query("SELECT CAST(database_to_xml(true, true, '') AS TEXT)").one(db).await.unwrap();
        assert!(all.contains(made.key.id.as_str()) && !all.contains(made.secret.expose()));
    }
    db.close().await;
    let secret = made.secret.expose().as_bytes();
    for file in std::fs::read_dir(setup.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
