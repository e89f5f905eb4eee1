//! Organizations, teams, users and memberships: what they say holds for their keys, at once and in every process.

use super::*;

fn said<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A key of a team of an organization, and of a user.
struct Chain {
    setup: Setup,
    organization: Arc<Organization>,
    team: Arc<Team>,
    user: Arc<User>,
    secret: String,
}

impl Chain {
    async fn new() -> Self {
        let setup = Setup::new().await;
        let organization = setup.keys.create_organization(said(json!({"name": "acme"}))).await.unwrap();
        let team = setup.keys.create_team(said(json!({"name": "search", "organization": "acme"}))).await.unwrap();
        let user = setup.keys.create_user(said(json!({"name": "ada", "teams": ["search"]}))).await.unwrap();
        let made = setup.create(json!({"name": "a", "team": "search", "user": "ada"})).await.unwrap();
        Self { setup, organization, team, user, secret: made.secret.expose().to_owned() }
    }

    /// Blocks or frees the one on that level.
    async fn block(&self, level: &str, blocked: bool) {
        let keys = &self.setup.keys;
        let patch = json!({"blocked": blocked});
        match level {
            "organization" => _ = keys.patch_organization(&self.organization.id, said(patch)).await.unwrap(),
            "team" => _ = keys.patch_team(&self.team.id, said(patch)).await.unwrap(),
            _ => _ = keys.patch_user(&self.user.id, said(patch)).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn whoever_is_blocked_blocks_the_keys_below_in_every_process() {
    let chain = Chain::new().await;
    let (other, _) = chain.setup.second().await;
    let opens = |keys: &Keys| keys.authenticate(&chain.secret, Timestamp::now());
    for level in ["organization", "team", "user"] {
        chain.block(level, true).await;
        for keys in [&chain.setup.keys, &other] {
            keys.refresh().await.unwrap();
            let error = opens(keys).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::KeyBlocked, "{level}");
            assert!(error.message().contains(level), "{}", error.message());
        }
        chain.block(level, false).await;
        other.refresh().await.unwrap();
        assert!(opens(&chain.setup.keys).is_ok() && opens(&other).is_ok(), "{level}");
    }
}

#[tokio::test]
async fn every_list_of_models_must_admit() {
    let chain = Chain::new().await;
    let keys = &chain.setup.keys;
    let allows =
        |deployment: &str| keys.authenticate(&chain.secret, Timestamp::now()).unwrap().allows(deployment, deployment);
    let models = |models: &[&str]| json!({"models": models});
    keys.patch_organization(&chain.organization.id, said(models(&["openai:*", "anthropic:*"]))).await.unwrap();
    assert!(allows("openai:a") && allows("anthropic:a") && !allows("other:a"));
    keys.patch_user(&chain.user.id, said(models(&["openai:*", "other:*"]))).await.unwrap();
    assert!(allows("openai:a") && !allows("anthropic:a") && !allows("other:a"));
    keys.patch_team(&chain.team.id, said(models(&["*-mini"]))).await.unwrap();
    assert!(allows("openai:a-mini") && !allows("openai:a"));
    // A team that leaves its organization is no longer under its list.
    keys.patch_team(&chain.team.id, said(json!({"organization": null, "models": null}))).await.unwrap();
    keys.patch_user(&chain.user.id, said(json!({"models": null}))).await.unwrap();
    assert!(allows("other:a"));
}

#[tokio::test]
async fn what_is_deleted_takes_its_keys_and_limits_with_it() {
    let limits = json!([{"meter": "requests", "window": "minute", "amount": 1}]);
    for level in ["organization", "team", "user"] {
        let chain = Chain::new().await;
        let keys = &chain.setup.keys;
        let (other, ledger) = chain.setup.second().await;
        keys.patch_organization(&chain.organization.id, said(json!({"limits": limits}))).await.unwrap();
        keys.patch_team(&chain.team.id, said(json!({"limits": limits}))).await.unwrap();
        keys.patch_user(&chain.user.id, said(json!({"limits": limits}))).await.unwrap();
        assert_eq!(chain.setup.ledger.len(), 3);
        let left = match level {
            "organization" => {
                keys.delete_organization(&chain.organization.id).await.unwrap();
                1
            }
            "team" => {
                keys.delete_team(&chain.team.id).await.unwrap();
                2
            }
            _ => {
                keys.delete_user(&chain.user.id).await.unwrap();
                2
            }
        };
        other.refresh().await.unwrap();
        for (keys, ledger) in [(keys, &chain.setup.ledger), (&other, &ledger)] {
            let refused = keys.authenticate(&chain.secret, Timestamp::now()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidApiKey, "{level}");
            assert_eq!(ledger.len(), left, "{level}");
        }
        // A process that starts now sees the same.
        let (fresh, ledger) = chain.setup.second().await;
        assert_eq!((fresh.is_empty(), ledger.len()), (true, left), "{level}");
    }
}

#[tokio::test]
async fn members_come_and_go() {
    let chain = Chain::new().await;
    let keys = &chain.setup.keys;
    let other = keys.create_team(said(json!({"name": "ads"}))).await.unwrap();
    let member = |role: &str| said::<MembershipDraft>(json!({"team": "ads", "role": role}));
    let ada = keys.put_member(&chain.user.id, member("member")).await.unwrap();
    assert!(ada.is_in(&other.id) && ada.is_in(&chain.team.id) && !ada.administers(&other.id));
    let ada = keys.put_member(&chain.user.id, member("team_administrator")).await.unwrap();
    assert_eq!(ada.administered(), std::slice::from_ref(&other.id));
    assert_eq!(keys.put_member(&chain.user.id, member("auditor")).await.unwrap_err().param(), Some("teams"));
    let ada = keys.remove_member(&chain.user.id, &other.id).await.unwrap();
    assert!(!ada.is_in(&other.id));
    assert_eq!(keys.remove_member(&chain.user.id, &other.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    // The key's copy of its user has followed.
    assert_eq!(keys.authenticate(&chain.secret, Timestamp::now()).unwrap().user.as_ref(), Some(&ada));
}

#[tokio::test]
async fn names_are_taken_once() {
    let chain = Chain::new().await;
    let keys = &chain.setup.keys;
    keys.patch_user(&chain.user.id, said(json!({"email": "ada@example.org"}))).await.unwrap();
    let taken = [
        keys.create_organization(said(json!({"name": "acme"}))).await.unwrap_err(),
        keys.create_team(said(json!({"name": "search"}))).await.unwrap_err(),
        keys.create_user(said(json!({"name": "ada"}))).await.unwrap_err(),
        keys.create_user(said(json!({"name": "eda", "email": "ada@example.org"}))).await.unwrap_err(),
    ];
    assert!(taken.iter().all(|error| error.kind() == ErrorKind::Conflict), "{taken:?}");
    for wrong in
        [json!({"name": "x", "email": "nobody"}), json!({"name": "x", "teams": ["serach"]}), json!({"name": ""})]
    {
        assert_eq!(keys.create_user(said(wrong)).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    assert_eq!(keys.users(None, 9, |_| true).len(), 1, "what is refused leaves nothing behind");
}

#[tokio::test]
async fn a_key_has_no_role_that_would_be_of_no_effect() {
    let chain = Chain::new().await;
    let wrong = |role: &str, more: serde_json::Value| {
        let mut draft = json!({"name": "b", "role": role});
        draft.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let setup = &chain.setup;
        async move { setup.create(draft).await.err().and_then(|error| error.param().map(str::to_owned)) }
    };
    let ada = json!({"user": "ada", "team": "search"});
    for role in ["administrator", "auditor", "team_administrator"] {
        assert_eq!(wrong(role, ada.clone()).await.as_deref(), Some("role"), "{role}");
    }
    assert_eq!(wrong("team_administrator", json!({})).await.as_deref(), Some("role"));
    assert_eq!(wrong("member", ada.clone()).await, None);
    assert_eq!(wrong("team_administrator", json!({"team": "search"})).await, None);
    chain.setup.keys.patch_user(&chain.user.id, said(json!({"role": "auditor"}))).await.unwrap();
    assert_eq!(wrong("auditor", ada).await, None);
}
